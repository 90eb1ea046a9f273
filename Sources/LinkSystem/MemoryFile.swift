import CLinkShims
import Glibc

/// The seals that keep a shared mapping from being pulled away under a process: without them a peer that truncates
/// the file turns the next access into SIGBUS. `fcntl(F_ADD_SEALS)`.
package struct FileSeals: OptionSet, Sendable {
  package let rawValue: CInt
  package init(rawValue: CInt) { self.rawValue = rawValue }

  package static let shrink = FileSeals(rawValue: LINK_F_SEAL_SHRINK)
  package static let grow = FileSeals(rawValue: LINK_F_SEAL_GROW)
  package static let seal = FileSeals(rawValue: LINK_F_SEAL_SEAL)
  /// Its size is fixed for ever, and so is the set of its seals.
  package static let fixedSize: FileSeals = [.shrink, .grow, .seal]
}

extension OwnedDescriptor {
  /// An anonymous file of `byteCount` bytes, its memory reserved and its size sealed: zeros behind the `prefix`.
  /// `memfd_create(2)`.
  package static func sealedMemory(
    name: String, byteCount: Int, startingWith prefix: [UInt8] = []
  ) throws(SystemError) -> OwnedDescriptor {
    let file = try unsealedMemory(byteCount: byteCount, name: name, startingWith: prefix)
    // Reserve the pages now: on a full tmpfs or memory cgroup the error belongs here, not in a SIGBUS later.
    // posix_fallocate returns its error instead of setting errno.
    let reserved = posix_fallocate(file.number, 0, byteCount)
    if reserved != 0 { throw SystemError("fallocate", reserved) }
    _ = try systemCall("fcntl(F_ADD_SEALS)") { fcntl(file.number, LINK_F_ADD_SEALS, FileSeals.fixedSize.rawValue) }
    return file
  }

  /// The same without seals: what other implementations make, and a peer can truncate. `isHugePages`: of huge pages, of
  /// whose size `byteCount` is a multiple.
  package static func unsealedMemory(
    byteCount: Int, name: String = "link-unsealed", startingWith prefix: [UInt8] = [], isHugePages: Bool = false
  ) throws(SystemError) -> OwnedDescriptor {
    let flags = LINK_MFD_CLOEXEC | LINK_MFD_ALLOW_SEALING | (isHugePages ? LINK_MFD_HUGETLB : 0)
    let file = OwnedDescriptor(
      owning: try systemCall("memfd_create") {
        // SAFETY: the call copies the name.
        unsafe link_memfd_create(name, flags)
      })
    _ = try systemCall("ftruncate") { ftruncate(file.number, byteCount) }
    if prefix.isEmpty { return file }
    // SAFETY: the array's bytes are valid during the call.
    _ = try systemCall("pwrite") { unsafe pwrite(file.number, prefix, prefix.count, 0) }
    return file
  }

  /// The first eight bytes, read as a file. `pread(2)`.
  package static func firstWord(of number: CInt) throws(SystemError) -> UInt64 {
    var word: UInt64 = 0
    // SAFETY: eight bytes into a live local.
    _ = try systemCall("pread(\(number))") { unsafe pread(number, &word, 8, 0) }
    return UInt64(littleEndian: word)
  }

  /// Whether the file's memory is huge pages (MFD_HUGETLB). These are not in endless supply: whoever shares the file can
  /// punch a hole into it, and where no page is left to fill it, the next access is a SIGBUS, seals or not. `fstatfs(2)`.
  package static func isHugePages(_ number: CInt) throws(SystemError) -> Bool {
    try systemCall("fstatfs(\(number))") { link_file_system_type(number) } == LINK_HUGETLBFS_MAGIC
  }

  /// The seals of a memory file. Throws EINVAL where the file is of a kind that cannot have seals, which tells a
  /// memfd from a file on disk. `fcntl(F_GET_SEALS)`.
  package static func seals(of number: CInt) throws(SystemError) -> FileSeals {
    FileSeals(rawValue: try systemCall("fcntl(F_GET_SEALS)") { fcntl(number, LINK_F_GET_SEALS) })
  }
}
