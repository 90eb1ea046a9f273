package import LinkSystem

/// One end of a link, fresh for one attack.
package protocol Victim: AnyObject {
  var role: LinkRole { get }
  /// Starts it on these files. `sends`: it is to send back what it gets.
  func start(_ files: LinkFiles, sends: Bool) throws
  /// Connects to it, or lets it connect, for a hand-over; starts it if need be.
  func connection() throws -> OwnedDescriptor
  /// Its link is over, or never came to be.
  var hasEnded: Bool { get }
  /// What it holds. Nil where that cannot be told.
  var usage: VictimUsage? { get }
  /// Asks it to end if it goes on, and waits, at most so long.
  func end(within limit: Duration) -> VictimEnding
}

package struct VictimUsage {
  package var descriptorCount: Int
  package var residentByteCount: Int
  package var processorNanoseconds: UInt64
  /// With the time that its threads waited for a processor: somebody who never rests is busy on a crowded machine too.
  package var busyNanoseconds: UInt64

  package init(
    descriptorCount: Int, residentByteCount: Int, processorNanoseconds: UInt64, busyNanoseconds: UInt64
  ) {
    self.descriptorCount = descriptorCount
    self.residentByteCount = residentByteCount
    self.processorNanoseconds = processorNanoseconds
    self.busyNanoseconds = busyNanoseconds
  }
}

/// How a victim ended.
package struct VictimEnding {
  /// What was not in order; nil: nothing.
  package var fault: String?
  /// There never was a link.
  package var isRefusal: Bool
  /// What it says of it.
  package var reason: String
  /// From the request to the end.
  package var milliseconds: Double

  package init(fault: String? = nil, isRefusal: Bool, reason: String, milliseconds: Double) {
    self.fault = fault
    self.isRefusal = isRefusal
    self.reason = reason
    self.milliseconds = milliseconds
  }
}
