import CLinkShims
import Glibc

/// Owns one shared, writable mapping of a whole file, and unmaps it when it goes out of scope. `mmap(2)`.
@safe package struct Mapping: ~Copyable, @unchecked Sendable {
  /// The first byte. Valid as long as this value lives; whoever keeps the address keeps the owner.
  @unsafe package let base: UnsafeMutableRawPointer
  package let byteCount: Int
  /// The slot of the guard, where somebody else can shrink the file; -1: nobody can.
  private let guardSlot: CInt

  /// Maps the whole of `file`, as large as it is now.
  package init(_ file: borrowing OwnedDescriptor) throws(SystemError) {
    try self.init(file, byteCount: try file.status().byteCount, isGuarded: false)
  }

  /// Maps the first `byteCount` bytes of `file`. `isGuarded`: the file may be, or become, shorter than that. The first
  /// access to what is missing puts zeros in the place of the whole mapping, and `hasFaulted` tells of it. That needs the
  /// signal SIGBUS, which is taken over for the whole process with the first such mapping; a SIGBUS anywhere else goes to
  /// whoever had the signal before. A thread that uses such a mapping must not block the signal.
  package init(
    _ file: borrowing OwnedDescriptor, byteCount: Int, isGuarded: Bool
  ) throws(SystemError) {
    if isGuarded, Self.installError != 0 { throw SystemError("sigaction(SIGBUS)", Self.installError) }
    let number = file.number
    // SAFETY: a new mapping at an address of the kernel's choice replaces none of ours; MAP_FAILED is checked below.
    let address = unsafe mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else { throw SystemError("mmap", errno) }
    // SAFETY: the range was mapped above; it leaves the guard before it is unmapped.
    let slot = isGuarded ? unsafe link_guard_add(address, byteCount) : -1
    if isGuarded, slot < 0 {
      let number = errno
      // SAFETY: the range is ours alone, and nobody has seen it.
      _ = unsafe munmap(address, byteCount)
      throw SystemError("guarded mappings", number)
    }
    // SAFETY: see `base`.
    unsafe base = address
    self.byteCount = byteCount
    guardSlot = slot
  }

  /// The file was too short at an access, or there was no memory for it: what is mapped now are zeros of this process's own.
  @inline(__always)
  package var hasFaulted: Bool { guardSlot >= 0 && link_guard_has_faulted(guardSlot) != 0 }

  /// The errno of taking the signal over, once; 0: it went well.
  private static let installError: CInt = link_guard_install() == 0 ? 0 : errno

  deinit {
    if guardSlot >= 0 { link_guard_remove(guardSlot) }
    // SAFETY: the range is ours alone, mapped by init; views of it die with their queue, before the owner.
    _ = unsafe munmap(base, byteCount)
  }
}
