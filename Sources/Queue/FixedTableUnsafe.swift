/// A private array of fixed size for the queues' own records. Checked on every access, never copied or grown: a Swift
/// array would add a uniqueness check to each write.
@safe package struct FixedTable<Element: BitwiseCopyable>: ~Copyable, @unchecked Sendable {
  private let base: UnsafeMutablePointer<Element>
  package let count: Int

  package init(count: Int, repeating value: Element) {
    self.count = count
    // SAFETY: the whole allocation is initialised here and freed in deinit; elements are trivial.
    unsafe base = .allocate(capacity: max(count, 1))
    unsafe base.initialize(repeating: value, count: count)
  }

  // SAFETY: as above.
  deinit { unsafe base.deallocate() }

  @inline(__always) package subscript(index: Int) -> Element {
    get {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "index out of the table")
      // SAFETY: checked above.
      return unsafe base[index]
    }
    nonmutating set {
      precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "index out of the table")
      // SAFETY: checked above. One owner, reached `inout`: nobody else reads or writes.
      unsafe base[index] = newValue
    }
  }
}
