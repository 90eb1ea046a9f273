import CLinkShims
import Glibc

/// What a tool sets for its own process: signals, CPUs, namespaces.
package enum ProcessControl {
  /// Blocks the signals in this thread and its future children, and returns a descriptor that reads when one comes.
  /// Call before the first thread starts. `signalfd(2)`.
  package static func signalDescriptor(_ signals: [CInt]) throws(SystemError) -> OwnedDescriptor {
    // SAFETY: the array's storage is valid during each call, and its count is passed.
    let descriptor = unsafe signals.withUnsafeBufferPointer { list in
      _ = unsafe link_block_signals(list.baseAddress, CInt(list.count))
      return unsafe link_signalfd(list.baseAddress, CInt(list.count))
    }
    if descriptor < 0 { throw SystemError("signalfd", errno) }
    return OwnedDescriptor(owning: descriptor)
  }

  /// A write to a connection without a reader becomes an error instead of the process's end. `signal(SIGPIPE, SIG_IGN)`.
  package static func ignoreBrokenPipes() {
    _ = signal(SIGPIPE, SIG_IGN)
  }

  /// The path of this program; where its file is gone, a path that still starts it. `readlink(/proc/self/exe)`.
  package static var executablePath: String {
    let path = "/proc/self/exe"
    var text = [UInt8](repeating: 0, count: 4096)
    // SAFETY: the call reads the path and writes to the array within its size.
    let count = unsafe text.withUnsafeMutableBytes { buffer in
      unsafe readlink(path, buffer.baseAddress!.assumingMemoryBound(to: CChar.self), buffer.count)
    }
    let target = count > 0 ? String(decoding: text[..<count], as: UTF8.self) : path
    // SAFETY: the call reads the path.
    return unsafe access(target, X_OK) == 0 ? target : path
  }

  /// Ends the process with a number that its parent reads. `exit(3)`.
  package static func end(_ code: CInt) -> Never { exit(code) }

  /// Keeps this thread, and threads it starts later, on one of the CPUs it may use: the `index`-th.
  /// Returns false, and changes nothing, where there is none. `sched_setaffinity(2)`.
  @discardableResult
  package static func pin(toAllowedCPU index: Int) -> Bool {
    allowedCPU(index).map { pin(to: $0) } ?? false
  }

  /// The `index`-th of the CPUs that this thread may use; nil: there are fewer. `sched_getaffinity(2)`.
  package static func allowedCPU(_ index: Int) -> Int? {
    let cpu = link_allowed_cpu(CInt(index))
    return cpu >= 0 ? Int(cpu) : nil
  }

  /// The same for a CPU by its number: also one that this thread may not use any more, since it was kept on another.
  @discardableResult
  package static func pin(to cpu: Int) -> Bool { link_set_affinity(CInt(cpu)) == 0 }

  /// Moves this thread, and threads it starts later, into a network namespace of its own, which goes away with the last
  /// of them. Call before the first thread starts. `unshare(CLONE_NEWNET)`.
  package static func enterNewNetworkNamespace() throws(SystemError) {
    _ = try systemCall("unshare(CLONE_NEWNET)") { link_unshare_network() }
  }

  /// Asks the kernel to send this process `signal` when its parent thread ends, however it ends. `prctl(2)`.
  package static func dieWithParent(_ signal: CInt = SIGKILL) { _ = link_set_parent_death_signal(signal) }
}
