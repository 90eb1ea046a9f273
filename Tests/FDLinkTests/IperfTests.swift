import FDLink
import Foundation
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// What others measure with, through two devices and a bridge of two links.
struct IperfTests {
  static let iperf = ["/usr/bin/iperf3", "/usr/local/bin/iperf3"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// A run of iperf3 in the network namespace of the calling thread. It ends by itself, whatever becomes of the test.
  private final class Run: Sendable {
    private let output: OwnedDescriptor
    private let identifier: CInt
    private let ending = Monitor(ChildProcess.Ending?.none)

    init(_ arguments: [String]) throws {
      let output = try OwnedDescriptor.unsealedMemory(byteCount: 0)
      let child = try ChildProcess(
        ["/usr/bin/timeout", "-k", "5", "40", try #require(IperfTests.iperf)] + arguments + ["-J"],
        descriptors: [(output.number, 1)])
      self.output = output
      identifier = child.identifier
      _ = try SystemThread(name: "reaper") { [ending, identifier] in
        let how = ChildProcess.wait(for: identifier)
        ending.withLock { $0 = how }
      }
    }

    /// Ends it, if it has not ended.
    func stop() {
      if ending.wait(deadline: 0, { $0 }) == nil { ChildProcess.signal(SIGTERM, to: identifier) }
      _ = ending.wait { $0 }
    }

    /// What it printed, when it has ended.
    func report() throws -> [String: Any] {
      let how = ending.wait { $0 }
      let data = FileManager.default.contents(atPath: "/proc/self/fd/\(output.number)") ?? Data()
      guard how == .exited(0), let report = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
        throw DidNotHappen(description: "iperf3: \(String(describing: how)), \(String(decoding: data, as: UTF8.self))")
      }
      return report
    }
  }

  /// Bytes of each second, in both directions.
  private struct Rates: Sendable {
    var there: [Int]
    var back: [Int]

    init(_ report: [String: Any]) {
      let intervals = report["intervals"] as? [[String: Any]] ?? []
      func bytes(_ key: String) -> [Int] {
        intervals.map { (($0[key] as? [String: Any])?["bytes"] as? NSNumber)?.intValue ?? 0 }
      }
      there = bytes("sum")
      back = bytes("sum_bidir_reverse")
    }
  }

  /// A table of the namespace that the calling thread is in now, wherever it is read.
  private static func table(_ name: String) throws -> FileHandle {
    try #require(FileHandle(forReadingAtPath: "/proc/thread-self/net/\(name)"))
  }

  private static func lines(_ table: FileHandle) throws -> [String] {
    try table.seek(toOffset: 0)
    return String(decoding: try table.readToEnd() ?? Data(), as: UTF8.self).split(separator: "\n").map {
      $0.trimmingCharacters(in: .whitespaces)
    }
  }

  /// What a device has counted: packets that were written to it, and read from it.
  private static func counts(of device: String, in table: FileHandle) throws -> (written: UInt64, read: UInt64) {
    let fields = try lines(table).first { $0.hasPrefix("\(device):") }?.split(separator: ":").last?
      .split(separator: " ").compactMap { UInt64($0) }
    guard let fields, fields.count == 16 else { throw DidNotHappen(description: "no counters of \(device)") }
    return (fields[1], fields[9])
  }

  private static func openDevice(_ name: String, last: UInt8) throws -> FDEndpoint {
    let link = try FDEndpoint.tun(name: name)
    try NetworkDevice.setAddress(name, ipv4: [10, 7, 0, last], prefixLength: 24)
    try NetworkDevice.setUp(name)
    return link
  }

  private struct Outcome: Sendable {
    var rates: Rates
    var flows: [LinkBridge.Flow]
    var statistics: [LinkStatistics]
    var counts: [(written: UInt64, read: UInt64)]

    /// Two counts each that are equal while no packet is on its way through the bridge. The kernel has counted one before
    /// its link has, and that before the bridge.
    var accounts: [(what: String, one: UInt64, other: UInt64)] {
      [(0, 1), (1, 0)].flatMap { from, to in
        let (flow, source, target) = (flows[from], statistics[from], statistics[to])
        return [
          ("received, offered to the bridge", source.received.packets, flow.tally.offered + UInt64(flow.backlog)),
          ("offered to be sent, bridged", target.sent.offered, flow.tally.packets),
          ("received, read by the kernel's count", source.received.offered, counts[from].read),
          ("sent, written by the kernel's count", target.sent.packets, counts[to].written),
        ]
      }
    }
  }

  @Test(.enabled(if: canMakeDevices && iperf != nil, "needs root, /dev/net/tun and iperf3"))
  func `iperf3 runs both ways through two devices and a bridge, without a stall, and every packet is accounted for`()
    throws
  {
    let outcome = try TestNetwork.inNamespace {
      let right = try Self.openDevice("right", last: 2)
      // Its end takes the devices away, and their counters.
      let running = Lock<LinkBridge?>(nil)
      defer { running.withLock { $0?.close() } }
      let rightTable = try Self.table("dev")
      let server = try Run(["-s", "-1", "-B", "10.7.0.2", "-p", "5201"])
      defer { server.stop() }
      // State 0A of port 5201: it listens.
      let sockets = try Self.table("tcp")
      let listens = try eventually { try Self.lines(sockets).contains { $0.contains(":1451 00000000:0000 0A") } }
      if !listens { throw DidNotHappen(description: "iperf3 does not listen") }
      return try TestNetwork.inNamespace {
        let left = try Self.openDevice("left", last: 1)
        let leftTable = try Self.table("dev")
        let bridge = LinkBridge(left, right)
        running.withLock { $0 = bridge }
        try bridge.start()
        let client = try Run(["-c", "10.7.0.2", "-p", "5201", "-t", "10", "-C", "cubic", "--bidir"])
        defer { client.stop() }
        let rates = Rates(try client.report())
        server.stop()
        func outcome() throws -> Outcome {
          Outcome(
            rates: rates, flows: [bridge.flowFromA, bridge.flowFromB], statistics: [left.statistics, right.statistics],
            counts: [try Self.counts(of: "left", in: leftTable), try Self.counts(of: "right", in: rightTable)])
        }
        // The last packets of the connection are on their way.
        var last = try outcome()
        _ = try eventually {
          last = try outcome()
          return last.accounts.allSatisfy { $0.one == $0.other }
        }
        return last
      }
    }
    let rates = outcome.rates
    #expect(rates.there.count >= 10 && rates.back.count == rates.there.count)
    #expect(rates.there.allSatisfy { $0 > 0 } && rates.back.allSatisfy { $0 > 0 }, "\(rates)")
    for (what, one, other) in outcome.accounts { #expect(one == other, "\(what)") }
  }
}
