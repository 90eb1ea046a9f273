import CBaselines
import FDLink
import LinkCore

extension BenchCase {
  /// Sends into queues that were emptied before, one packet a call or a batch. What goes to a packet socket or a device is
  /// dropped by the kernel's network stack, as part of the call.
  static var sending: [BenchCase] {
    Medium.allCases.flatMap { medium in
      [1, 32].flatMap { batch in sizes.map { sending(medium, batch: batch, byteCount: $0) } }
    }
  }

  private static func sending(_ medium: Medium, batch: Int, byteCount: Int) -> BenchCase {
    BenchCase(name: "send/\(medium.rawValue)/\(batch)/\(byteCount)", needsRoot: medium.needsRoot) { _ in
      func empty(_ far: CInt) -> (Int) -> Int {
        { wanted in
          if far >= 0 { _ = cb_discard(far) }
          return min(wanted, Medium.depth)
        }
      }
      let (near, baselineFar) = try medium.openBaseline(far: false)
      let baseline = Side(
        prepare: empty(baselineFar), move: { Moved(send(medium, near, batch: batch, byteCount, UInt64($0))) },
        close: { Medium.close(near, baselineFar) })
      let (link, far) = try medium.openLink(far: false)
      let underTest = try LinkUnderTest(link)
      let packets = PacketRow(try underTest.makeBatch(batch, byteCount: byteCount))
      let ours = Side(
        prepare: empty(far), move: { try underTest.send($0, packets.batch, byteCount: byteCount) },
        close: {
          underTest.close()
          Medium.close(far)
        })
      return (baseline, ours)
    }
  }

  private static func send(
    _ medium: Medium, _ descriptor: CInt, batch: Int, _ byteCount: Int, _ count: UInt64
  ) -> cb_count {
    switch (medium, batch) {
    case (.tun, _): cb_send_write(descriptor, CInt(byteCount), medium.framing, count)
    case (_, 1): cb_send_send(descriptor, CInt(byteCount), medium.framing, count)
    default: cb_send_sendmmsg(descriptor, CInt(batch), CInt(byteCount), medium.framing, count)
    }
  }
}

/// Holds packets for a closure, which cannot own what is not copyable.
final class PacketRow: Sendable {
  let batch: PacketBatch
  init(_ batch: consuming PacketBatch) { self.batch = batch }
}
