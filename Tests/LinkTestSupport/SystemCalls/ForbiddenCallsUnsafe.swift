import CLinkShims
import Glibc
import Synchronization

/// Notes the calls that `SystemCallFilter.allow` did not let through. They fail with ENOSYS.
package enum ForbiddenCalls {
  /// Words of number + 1 and the second argument; 0: none yet.
  private static let notes = Notes()

  private final class Notes: Sendable {
    let first = Atomic<UInt64>(0)
    let second = Atomic<UInt64>(0)
    let third = Atomic<UInt64>(0)
  }

  /// Has them noted, in the whole process and for good.
  package static func watch() {
    _ = notes
    // SAFETY: a live local; the handler is a function without captures.
    var action = sigaction()
    action.sa_flags = SA_SIGINFO
    unsafe action.__sigaction_handler.sa_sigaction = { _, info, context in unsafe ForbiddenCalls.note(info, context) }
    _ = unsafe sigaction(SIGSYS, &action, nil)
  }

  /// The first three, as number and second argument.
  package static var noted: [String] {
    let words = [
      notes.first.load(ordering: .acquiring), notes.second.load(ordering: .acquiring),
      notes.third.load(ordering: .acquiring),
    ]
    return words.filter { $0 != 0 }.map { word in
      "system call \((word >> 32) - 1), second argument \(word & 0xffff_ffff)"
    }
  }

  /// In a signal handler.
  private static func note(_ info: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?) {
    // SAFETY: the kernel passes both, and the record is that of its signal, SIGSYS. The word that a call's result is in is
    // this thread's, to be loaded when the handler returns.
    guard let info = unsafe info, let context = unsafe context?.assumingMemoryBound(to: ucontext_t.self) else { return }
    let number = unsafe UInt64(UInt32(bitPattern: info.pointee._sifields._sigsys._syscall))
    #if arch(x86_64)
      let argument = unsafe context.pointee.uc_mcontext.gregs.9
      unsafe context.pointee.uc_mcontext.gregs.13 = -Int64(ENOSYS)
    #else
      let argument = unsafe context.pointee.uc_mcontext.regs.1
      unsafe context.pointee.uc_mcontext.regs.0 = UInt64(bitPattern: -Int64(ENOSYS))
    #endif

    let note = (number + 1) << 32 | UInt64(UInt32(truncatingIfNeeded: argument))
    for place in [0, 1, 2] {
      let isMine =
        switch place {
        case 0: notes.first.compareExchange(expected: 0, desired: note, ordering: .acquiringAndReleasing).exchanged
        case 1: notes.second.compareExchange(expected: 0, desired: note, ordering: .acquiringAndReleasing).exchanged
        default: notes.third.compareExchange(expected: 0, desired: note, ordering: .acquiringAndReleasing).exchanged
        }
      if isMine { return }
    }
  }
}
