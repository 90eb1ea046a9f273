import Glibc
import LinkSystem
import Testing

@Suite struct ErrnoClassTests {
  static let receiving: [(CInt, ErrnoClass)] = [
    (EAGAIN, .wouldBlock), (EINTR, .wouldBlock), (ECONNREFUSED, .drop), (EMSGSIZE, .drop), (EHOSTUNREACH, .drop),
    (ENETUNREACH, .drop), (ENOBUFS, .drop), (ENOMEM, .drop), (ENETDOWN, .linkDown), (EIO, .linkDown),
    (ECONNRESET, .peerGone), (EPIPE, .peerGone), (ENOTCONN, .peerGone), (ESHUTDOWN, .peerGone),
    (EBADF, .ownMistake), (EFAULT, .ownMistake), (EBADFD, .fatal), (ENODEV, .fatal), (ENXIO, .fatal),
    (EINVAL, .fatal), (EPERM, .fatal), (9999, .fatal),
  ]
  static let sending: [(CInt, ErrnoClass)] = [
    (EAGAIN, .wouldBlock), (EINTR, .wouldBlock), (ENOBUFS, .wouldBlock), (ENOMEM, .wouldBlock), (EMSGSIZE, .drop),
    (EINVAL, .drop), (EPERM, .drop), (EACCES, .drop), (EHOSTUNREACH, .drop), (ECONNREFUSED, .drop),
    (EAFNOSUPPORT, .drop), (ENETDOWN, .linkDown), (EIO, .linkDown), (ECONNRESET, .peerGone), (EPIPE, .peerGone),
    (ENOTCONN, .peerGone), (EBADF, .ownMistake), (EFAULT, .ownMistake), (EBADFD, .fatal), (ENODEV, .fatal),
    (9999, .fatal),
  ]

  @Test(arguments: receiving) func `the errno of a receive has its class`(number: CInt, expected: ErrnoClass) {
    #expect(ErrnoClass(receiving: number) == expected)
  }

  @Test(arguments: sending) func `the errno of a send has its class`(number: CInt, expected: ErrnoClass) {
    #expect(ErrnoClass(sending: number) == expected)
  }

  @Test func `an error names the call, the kernel's text and the number`() {
    #expect(SystemError("mmap", ENOMEM).description == "mmap: Cannot allocate memory (errno 12)")
    #expect(errorMessage(9999).contains("9999"))
  }

  @Test func `calls are repeated after a signal and report errno otherwise`() throws {
    var calls = 0
    let result = try systemCall("test") { () -> CInt in
      calls += 1
      if calls < 3 {
        errno = EINTR
        return -1
      }
      return 7
    }
    #expect(result == 7 && calls == 3)
    #expect(throws: SystemError("test", EPERM)) {
      _ = try systemCall("test") { () -> CInt in
        errno = EPERM
        return -1
      }
    }
    let negative = dataCall {
      errno = EAGAIN
      return -1
    }
    #expect(negative == -Int(EAGAIN))
    #expect(dataCall { 0 } == 0)
  }
}
