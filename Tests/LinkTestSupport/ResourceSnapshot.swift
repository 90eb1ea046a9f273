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

  package init() throws {
    let files = FileManager.default
    descriptors = []
    for number in try files.contentsOfDirectory(atPath: "/proc/self/fd") {
      // The listing's own descriptor is gone by now.
      guard let target = try? files.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(number)") else { continue }
      descriptors.insert("\(number): \(target)")
    }
    threadCount = try files.contentsOfDirectory(atPath: "/proc/self/task").count
    let lines = try String(contentsOfFile: "/proc/self/maps", encoding: .utf8).split(separator: "\n")
    mappingCount = lines.count
    let shared = lines.filter { $0.split(separator: " ").dropFirst().first?.hasSuffix("s") ?? false }
    sharedMappings = Set(
      shared.map { line in
        let words = line.split(separator: " ")
        return words[0] + " " + words.dropFirst(5).joined(separator: " ")
      })
  }

  /// What is there now and was not in `earlier`.
  package func excess(over earlier: ResourceSnapshot) -> [String] {
    var list = descriptors.subtracting(earlier.descriptors).sorted()
    list += sharedMappings.subtracting(earlier.sharedMappings).sorted()
    if threadCount > earlier.threadCount { list.append("\(threadCount - earlier.threadCount) threads") }
    return list
  }

  package var description: String {
    "\(descriptors.count) descriptors, \(threadCount) threads, \(sharedMappings.count) shared mappings"
  }
}
