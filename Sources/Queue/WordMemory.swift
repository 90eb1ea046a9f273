/// The words of a shared file as the queue algorithms see them. In production it is a mapping (`SharedRegion`), compiled
/// to plain moves; tests put a model in its place, to run both ends over one memory in every order.
///
/// Offsets are in bytes, within `byteCount` and aligned to the access: the algorithms see to that. Values are in the
/// wire's byte order already converted.
@usableFromInline package protocol WordMemory: Sendable {
  var byteCount: Int { get }

  /// A load that sees everything the other side wrote before the release store that it reads from.
  func loadAcquiring(_ offset: Int) -> UInt64
  /// A store that publishes everything written before it.
  func storeReleasing(_ value: UInt64, _ offset: Int)
  /// A store that the other side may see at any later time.
  func store(_ value: UInt64, _ offset: Int)

  /// One read of a message field that the peer wrote, and may be overwriting.
  func field32(_ offset: Int) -> UInt32
  /// The same of eight bytes, aligned to four: the halves may come from different writes.
  func field64(_ offset: Int) -> UInt64
  /// Writes a message field, before the store that publishes it.
  func setField32(_ value: UInt32, _ offset: Int)
  func setField64(_ value: UInt64, _ offset: Int)

  /// The notification word: atomic, without order of its own.
  func loadFlag(_ offset: Int) -> UInt32
  func storeFlag(_ value: UInt32, _ offset: Int)
  /// Nothing after it is done before everything ahead of it is visible. Sequentially consistent.
  func fence()

  /// Says that so many bytes at this offset will be written soon. A hint that changes nothing: any offset will do.
  func prefetchForWriting(_ offset: Int, _ byteCount: Int)
}

extension WordMemory {
  @usableFromInline package func prefetchForWriting(_ offset: Int, _ byteCount: Int) {}
}
