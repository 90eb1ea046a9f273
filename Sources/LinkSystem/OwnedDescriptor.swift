import Glibc

/// Owns one file descriptor and closes it when it goes out of scope, on every path.
package struct OwnedDescriptor: ~Copyable, Sendable {
  /// The number, for calls that borrow it.
  package let number: CInt

  /// Takes ownership of a number that a call has just returned.
  package init(owning number: CInt) { self.number = number }

  deinit { _ = close(number) }

  /// Gives the number up: the caller closes it.
  package consuming func release() -> CInt {
    let number = number
    discard self
    return number
  }

  /// A second descriptor of the same open file, close-on-exec. `fcntl(F_DUPFD_CLOEXEC)`.
  package func duplicate() throws(SystemError) -> OwnedDescriptor { try .duplicating(number) }

  /// As `duplicate()`, of a number that somebody else owns.
  package static func duplicating(_ number: CInt) throws(SystemError) -> OwnedDescriptor {
    OwnedDescriptor(owning: try systemCall("fcntl(\(number), F_DUPFD_CLOEXEC)") { fcntl(number, F_DUPFD_CLOEXEC, 3) })
  }

  /// Takes ownership of a number that a user or a peer gave, as a link uses it: non-blocking and close-on-exec.
  /// O_NONBLOCK belongs to the open file: whoever shares it sees the change, and can undo it.
  /// Owns nothing if it throws.
  package init(preparing number: CInt) throws(SystemError) {
    let flags = try systemCall("fcntl(\(number), F_GETFL)") { fcntl(number, F_GETFL) }
    if flags & O_NONBLOCK == 0 {
      _ = try systemCall("fcntl(\(number), F_SETFL)") { fcntl(number, F_SETFL, flags | O_NONBLOCK) }
    }
    _ = try systemCall("fcntl(\(number), F_SETFD)") { fcntl(number, F_SETFD, FD_CLOEXEC) }
    self.number = number
  }
}

/// What kind of file a descriptor is, as far as a link cares.
package enum DescriptorKind: Equatable, Sendable {
  case regularFile, socket, pipe, characterDevice, anonymous, other
}

/// Device and inode of a file.
package struct FileIdentity: Hashable, Sendable {
  let device: UInt64
  let inode: UInt64
}

extension OwnedDescriptor {
  /// Kind and size in bytes of the file. `fstat(2)`.
  package func status() throws(SystemError) -> (kind: DescriptorKind, byteCount: Int) { try Self.status(of: number) }

  /// The same of a number that somebody else owns, or that may not be open at all: EBADF.
  package static func status(of number: CInt) throws(SystemError) -> (kind: DescriptorKind, byteCount: Int) {
    var record = stat()
    // SAFETY: `record` is a live local of the type that fstat fills.
    _ = try systemCall("fstat(\(number))") { unsafe fstat(number, &record) }
    let kind: DescriptorKind =
      switch record.st_mode & S_IFMT {
      case S_IFREG: .regularFile
      case S_IFSOCK: .socket
      case S_IFIFO: .pipe
      case S_IFCHR: .characterDevice
      // anon_inode files (eventfd, epoll, signalfd) have no type bits at all.
      case 0: .anonymous
      default: .other
      }
    return (kind, Int(record.st_size))
  }

  /// What tells this file from every other one: two descriptors of one file have the same. `fstat(2)`.
  package static func identity(of number: CInt) throws(SystemError) -> FileIdentity {
    var record = stat()
    // SAFETY: `record` is a live local of the type that fstat fills.
    _ = try systemCall("fstat(\(number))") { unsafe fstat(number, &record) }
    return FileIdentity(device: UInt64(record.st_dev), inode: UInt64(record.st_ino))
  }
}
