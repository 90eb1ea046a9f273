import CLinkShims
import Glibc

/// Forbids system calls to one thread, for tests: of what a link does when one fails, and of which ones it makes. The kernel
/// itself answers. From then on, until the calling thread ends, it holds for that thread and for threads that it starts; a
/// second filter comes on top of the first. `seccomp(2)`.
package enum SystemCallFilter {
  package enum Call: Sendable {
    case readv, recvmmsg, getsockopt, write, writev, sendto, sendmmsg, uname

    fileprivate var number: CInt {
      switch self {
      case .readv: SYS_readv
      case .recvmmsg: SYS_recvmmsg
      case .getsockopt: SYS_getsockopt
      case .write: SYS_write
      case .writev: SYS_writev
      case .sendto: SYS_sendto
      case .sendmmsg: SYS_sendmmsg
      case .uname: SYS_uname
      }
    }
  }

  /// What an argument, counted from 0, has in its lower half.
  package struct Argument: Equatable, Sendable {
    package let index: Int
    package let value: UInt32

    package init(_ index: Int, is value: UInt32) {
      self.index = index
      self.value = value
    }
  }

  /// A call, by its number, with these arguments.
  package struct Rule: Sendable {
    package let number: CInt
    package let arguments: [Argument]

    package init(number: CInt, arguments: [Argument]) {
      self.number = number
      self.arguments = arguments
    }
  }

  /// These calls fail with errno `number`, or do nothing if that is 0; with `descriptor`: on that one only, with `arguments`: where they are so.
  package static func fail(
    _ calls: [Call], on descriptor: CInt? = nil, where arguments: [Argument] = [], with number: CInt
  ) throws(SystemError) {
    let first = descriptor.map { [Argument(0, is: UInt32(bitPattern: $0))] } ?? []
    let rules = calls.map { Rule(number: $0.number, arguments: first + arguments) }
    try install(rules, LINK_SECCOMP_RET_ERRNO | UInt32(number), otherwise: LINK_SECCOMP_RET_ALLOW)
  }

  /// These calls are made. Any other is not: the thread gets the signal SIGSYS.
  package static func allow(only rules: [Rule]) throws(SystemError) {
    try install(rules, LINK_SECCOMP_RET_ALLOW, otherwise: LINK_SECCOMP_RET_TRAP)
  }

  /// `verdict` for calls that a rule is about, `otherwise` for the rest.
  private static func install(_ rules: [Rule], _ verdict: UInt32, otherwise: UInt32) throws(SystemError) {
    let load = UInt16(BPF_LD | BPF_W | BPF_ABS)
    let jump = UInt16(BPF_JMP | BPF_JEQ | BPF_K)
    let answer = UInt16(BPF_RET | BPF_K)
    var program: [sock_filter] = []
    for rule in rules {
      var words: [(offset: UInt32, value: UInt32)] = [(0, UInt32(rule.number))]
      for argument in rule.arguments { words.append((argument.offset, argument.value)) }
      for (index, word) in words.enumerated() {
        // What is not as the rule says steps over the rest of it, with its answer.
        let rest = UInt8(2 * (words.count - index) - 1)
        program.append(sock_filter(code: load, jt: 0, jf: 0, k: word.offset))
        program.append(sock_filter(code: jump, jt: 0, jf: rest, k: word.value))
      }
      program.append(sock_filter(code: answer, jt: 0, jf: 0, k: verdict))
    }
    program.append(sock_filter(code: answer, jt: 0, jf: 0, k: otherwise))
    _ = try systemCall("prctl(PR_SET_NO_NEW_PRIVS)") { link_set_no_new_privileges() }
    // SAFETY: the array's storage is valid during the call, and its count is passed.
    let result = unsafe program.withUnsafeMutableBufferPointer { filters in
      var record = unsafe sock_fprog(len: UInt16(filters.count), filter: filters.baseAddress)
      return unsafe link_set_filter(&record)
    }
    if result != 0 { throw SystemError("prctl(PR_SET_SECCOMP)", errno) }
  }
}

extension SystemCallFilter.Argument {
  /// Where its lower half is in `struct seccomp_data`, on machines with the lower half in front.
  fileprivate var offset: UInt32 { 16 + 8 * UInt32(index) }
}
