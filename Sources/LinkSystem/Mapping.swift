import Glibc

/// Owns one shared, writable mapping of a whole file, and unmaps it when it goes out of scope. `mmap(2)`.
@safe package struct Mapping: ~Copyable, @unchecked Sendable {
  /// The first byte. Valid as long as this value lives; whoever keeps the address keeps the owner.
  @unsafe package let base: UnsafeMutableRawPointer
  package let byteCount: Int

  /// Maps the whole of `file`, as large as it is now.
  package init(_ file: borrowing OwnedDescriptor) throws(SystemError) {
    let number = file.number
    let byteCount = try file.status().byteCount
    // SAFETY: a new mapping at an address of the kernel's choice replaces none of ours; MAP_FAILED is checked below.
    let address = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else { throw SystemError("mmap", errno) }
    unsafe base = address
    self.byteCount = byteCount
  }

  // SAFETY: the range is ours alone, mapped by init; views of it die with their queue, before the owner.
  deinit { _ = unsafe munmap(base, byteCount) }
}
