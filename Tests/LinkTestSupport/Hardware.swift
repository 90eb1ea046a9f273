import Foundation

/// What was measured on, and when: no figure means anything without it.
package struct Hardware: Codable, Equatable {
  package var processor: String
  package var processorCount: Int
  package var kernel: String
  package var date: String
  /// Figures of a debug build say nothing.
  package var isOptimised: Bool

  package static func current() -> Hardware {
    let words = text(of: "/proc/cpuinfo").split(separator: "\n").first { $0.hasPrefix("model name") }?
      .split(separator: ":", maxSplits: 1).last
    #if DEBUG
      let isOptimised = false
    #else
      let isOptimised = true
    #endif
    return Hardware(
      processor: words.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor",
      processorCount: ProcessInfo.processInfo.processorCount,
      kernel: text(of: "/proc/sys/kernel/osrelease").trimmingCharacters(in: .whitespacesAndNewlines),
      date: Date.now.formatted(.iso8601.year().month().day()), isOptimised: isOptimised)
  }

  private static func text(of path: String) -> String {
    let data = try? FileHandle(forReadingAtPath: path)?.readToEnd()
    return String(decoding: data ?? Data(), as: UTF8.self)
  }
}

extension Hardware: CustomStringConvertible {
  package var description: String {
    "\(processor), \(processorCount) processors, Linux \(kernel), \(date)"
      + (isOptimised ? "" : "; a DEBUG BUILD, whose figures say nothing")
  }
}
