#if FUZZING
  import CLibFuzzer
  import Foundation
  import FuzzTargets

  /// The one target of this process: libFuzzer's function takes no context.
  private let chosen = Chosen()
  private final class Chosen: @unchecked Sendable { var target = FuzzTarget.pipe }

  /// Hands this process to libFuzzer, which takes its arguments from the command line and ignores those with two dashes.
  func runFuzzer(_ target: FuzzTarget) -> Never {
    // libFuzzer calls from this one thread only.
    chosen.target = target
    var count = CommandLine.argc
    // SAFETY: the arguments live as long as the process; libFuzzer may replace the pointer that it gets.
    var values = unsafe CommandLine.unsafeArgv
    let status = unsafe withUnsafeMutablePointer(to: &values) { values in
      unsafe values.withMemoryRebound(to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.self, capacity: 1) {
        unsafe LLVMFuzzerRunDriver(&count, $0) { bytes, byteCount in
          // SAFETY: libFuzzer lends so many bytes until the function returns.
          let content = unsafe Array(UnsafeBufferPointer(start: bytes, count: byteCount))
          do throws(FuzzFailure) { try chosen.target.run(content) } catch { fatalError("\(error)") }
          return 0
        }
      }
    }
    exit(status)
  }
#endif
