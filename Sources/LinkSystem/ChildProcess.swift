import CLinkShims
import Glibc

/// A child process of ours with chosen descriptors, for tools and tests. Everything else is close-on-exec.
/// `posix_spawn(3)`.
package struct ChildProcess: ~Copyable, Sendable {
  package let identifier: CInt

  package enum Ending: Equatable, Sendable { case exited(Int), killed(signal: Int) }

  /// Starts `arguments[0]` (a path). `descriptors` maps numbers here to numbers there.
  package init(_ arguments: [String], descriptors: [(here: CInt, there: CInt)] = []) throws(SystemError) {
    // SAFETY: the actions and attributes are live locals, initialised before and destroyed after use; the argument
    // strings are copies, freed below.
    var actions = unsafe posix_spawn_file_actions_t()
    _ = unsafe posix_spawn_file_actions_init(&actions)
    var attributes = posix_spawnattr_t()
    _ = unsafe posix_spawnattr_init(&attributes)
    defer {
      _ = unsafe posix_spawn_file_actions_destroy(&actions)
      _ = unsafe posix_spawnattr_destroy(&attributes)
    }
    // The child starts with no signal blocked, whatever this thread blocks.
    var none = sigset_t()
    _ = unsafe sigemptyset(&none)
    _ = unsafe posix_spawnattr_setsigmask(&attributes, &none)
    _ = unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    // In two steps, over numbers that nobody uses: a target may be the source of a later entry.
    let parking = 1 + max(900, descriptors.map { max($0.here, $0.there) }.max() ?? 0)
    for (index, pair) in descriptors.enumerated() {
      _ = unsafe posix_spawn_file_actions_adddup2(&actions, pair.here, parking + CInt(index))
    }
    for (index, pair) in descriptors.enumerated() {
      _ = unsafe posix_spawn_file_actions_adddup2(&actions, parking + CInt(index), pair.there)
      _ = unsafe posix_spawn_file_actions_addclose(&actions, parking + CInt(index))
    }
    var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
    defer { for index in arguments.indices { unsafe free(words[index]) } }
    var identifier = pid_t()
    let result = unsafe posix_spawn(&identifier, arguments[0], &actions, &attributes, &words, environ)
    if result != 0 { throw SystemError("posix_spawn(\(arguments[0]))", result) }
    self.identifier = identifier
  }

  package func signal(_ number: CInt) { Self.signal(number, to: identifier) }
  package static func signal(_ number: CInt, to identifier: CInt) { _ = kill(identifier, number) }

  /// Waits for its end, and leaves its status: until that is taken, nobody else has its number. `waitid(2)`.
  package static func awaitEnd(of identifier: CInt) {
    while waitid(P_PID, id_t(identifier), nil, WEXITED | WNOWAIT) == -1 && errno == EINTR {}
  }

  /// Waits for its end. `waitpid(2)`.
  package consuming func wait() -> Ending { Self.wait(for: identifier) }
  package static func wait(for identifier: CInt) -> Ending {
    var status: CInt = 0
    // SAFETY: a live local.
    while unsafe waitpid(identifier, &status, 0) == -1 && errno == EINTR {}
    let signal = Int(status & 0x7f)
    return signal == 0 ? .exited(Int(status >> 8 & 0xff)) : .killed(signal: signal)
  }
}
