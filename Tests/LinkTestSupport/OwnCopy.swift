// What a test takes out of a recorder's lock and keeps while the recorder goes on. A plain copy shares its storage, and the
// recorder may write into it again as soon as the copy is let go. That order comes from the reference count, which the thread
// sanitizer does not see: it reports a race where there is none.

extension Array {
  /// The same elements in storage of its own.
  package var ownCopy: [Element] { map(\.self) }
}

extension Set {
  /// The same elements in storage of its own.
  package var ownCopy: Set { Set(map(\.self)) }
}
