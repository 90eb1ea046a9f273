import CLinkShims
import Glibc

/// Makes system calls of one thread fail, for tests of what a link does then: the kernel itself answers. `seccomp(2)`.
package enum SystemCallFilter {
  package enum Call: Sendable {
    case readv, recvmmsg, getsockopt, write, writev, sendto, sendmmsg

    fileprivate var number: UInt32 {
      switch self {
      case .readv: LINK_SYS_READV
      case .recvmmsg: LINK_SYS_RECVMMSG
      case .getsockopt: LINK_SYS_GETSOCKOPT
      case .write: LINK_SYS_WRITE
      case .writev: LINK_SYS_WRITEV
      case .sendto: LINK_SYS_SENDTO
      case .sendmmsg: LINK_SYS_SENDMMSG
      }
    }
  }

  /// From now on, until the calling thread ends, these calls of it and of threads it starts on `descriptor` fail with errno
  /// `number`; nil: on all descriptors.
  package static func fail(_ calls: [Call], on descriptor: CInt? = nil, with number: CInt) throws(SystemError) {
    // Load the number of the call; for each call, if it is not that one, step over the next; else fail. At last: allow.
    // In front, if the lower half of the first argument is not the descriptor, allow.
    let load = UInt16(BPF_LD | BPF_W | BPF_ABS)
    let jump = UInt16(BPF_JMP | BPF_JEQ | BPF_K)
    let answer = UInt16(BPF_RET | BPF_K)
    var program: [sock_filter] = []
    if let descriptor {
      let firstArgument: UInt32 = 16
      program.append(sock_filter(code: load, jt: 0, jf: 0, k: firstArgument))
      program.append(sock_filter(code: jump, jt: 1, jf: 0, k: UInt32(bitPattern: descriptor)))
      program.append(sock_filter(code: answer, jt: 0, jf: 0, k: LINK_SECCOMP_RET_ALLOW))
    }
    program.append(sock_filter(code: load, jt: 0, jf: 0, k: 0))
    for call in calls {
      program.append(sock_filter(code: jump, jt: 0, jf: 1, k: call.number))
      program.append(sock_filter(code: answer, jt: 0, jf: 0, k: LINK_SECCOMP_RET_ERRNO | UInt32(number)))
    }
    program.append(sock_filter(code: answer, jt: 0, jf: 0, k: LINK_SECCOMP_RET_ALLOW))
    _ = try systemCall("prctl(PR_SET_NO_NEW_PRIVS)") { link_set_no_new_privileges() }
    // SAFETY: the array's storage is valid during the call, and its count is passed.
    let result = unsafe program.withUnsafeMutableBufferPointer { filters in
      var record = unsafe sock_fprog(len: UInt16(filters.count), filter: filters.baseAddress)
      return unsafe link_set_filter(&record)
    }
    if result != 0 { throw SystemError("prctl(PR_SET_SECCOMP)", errno) }
  }
}
