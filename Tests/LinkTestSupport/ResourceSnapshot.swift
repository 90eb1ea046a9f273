import Dispatch
import Foundation

/// What a process holds: for tests that show that nothing is left behind. Other tests of the same process open and close
/// things too, so it belongs into exit tests and child processes.
package struct ResourceSnapshot: Equatable, Sendable, CustomStringConvertible {
  /// Open descriptors, as "number: file".
  package var descriptors: Set<String>
  package var threadCount: Int
  /// Shared mappings, as "range file".
  package var sharedMappings: Set<String>
  /// All mappings. Allocators add some at times: compare with a margin.
  package var mappingCount: Int

  /// For the first snapshot: after the test runner's own queues have opened what they need.
  package static func baseline() throws -> ResourceSnapshot {
    let ran = DispatchSemaphore(value: 0)
    DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(1)) { ran.signal() }
    ran.wait()
    _ = try ResourceSnapshot()
    return try ResourceSnapshot()
  }

  package init() throws {
    let files = FileManager.default
    descriptors = []
    for number in try files.contentsOfDirectory(atPath: "/proc/self/fd") {
      // The listing's own descriptor is gone by now.
      guard let target = try? files.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)") else { continue }
      // The test runner's; this package uses none.
      if target == "anon_inode:[timerfd]" { continue }
      descriptors.insert("\(number): \(target)")
    }
    threadCount = try files.contentsOfDirectory(atPath: "/proc/self/task").count
    // Not as a String of the file: /proc gives a page at a time, and that stops after the first.
    let maps = try FileHandle(forReadingFrom: URL(filePath: "/proc/self/maps")).readToEnd() ?? Data()
    let lines = String(decoding: maps, as: UTF8.self).split(separator: "\n")
    mappingCount = lines.count
    let shared = lines.filter { $0.split(separator: " ").dropFirst().first?.hasSuffix("s") ?? false }
    sharedMappings = Set(
      shared.map { line in
        let words = line.split(separator: " ")
        return words[0] + " " + words.dropFirst(5).joined(separator: " ")
      })
  }

  /// The process's resident memory in KiB, by `/proc/self/status`: all of it, and what of it is shared memory.
  package static func residentKiB() throws -> (all: Int, shared: Int) {
    let status = try FileHandle(forReadingFrom: URL(filePath: "/proc/self/status")).readToEnd() ?? Data()
    let lines = String(decoding: status, as: UTF8.self).split(separator: "\n")
    func number(_ name: String) -> Int {
      lines.first { $0.hasPrefix(name) }?.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }.first ?? 0
    }
    return (number("VmRSS:"), number("RssShmem:"))
  }

  /// What is there now and was not in `earlier`.
  package func excess(over earlier: ResourceSnapshot) -> [String] {
    var list = descriptors.subtracting(earlier.descriptors).sorted()
    list += sharedMappings.subtracting(earlier.sharedMappings).sorted()
    // The test runner's own pool may have grown by a few.
    if threadCount > earlier.threadCount + 3 { list.append("\(threadCount - earlier.threadCount) threads") }
    return list
  }

  package var description: String {
    "\(descriptors.count) descriptors, \(threadCount) threads, \(sharedMappings.count) shared mappings"
  }
}
