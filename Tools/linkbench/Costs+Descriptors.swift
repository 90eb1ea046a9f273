import CBaselines
import FDLink
import LinkCore

extension CostCase {
  /// Packets of 64 bytes, each way of receiving and sending.
  static var descriptors: [CostCase] {
    Medium.allCases.flatMap { medium in
      Strategy.all(of: medium).filter { !$0.isInPlace }.flatMap {
        [receiving(medium, $0, .caller), receiving(medium, $0, .thread)]
      } + [1, 32].map { sending(medium, batch: $0) }
    }
  }

  private static let byteCount = 64
  /// How many packets wait when the draining begins.
  private static let depth = 32

  private static func receiving(_ medium: Medium, _ strategy: Strategy, _ drive: LinkOptions.Drive) -> CostCase {
    let how = drive == .caller ? "" : "/threads"
    return CostCase(
      name: "\(medium.rawValue)/receive/\(strategy.rawValue)\(how)", needsRoot: medium.needsRoot
    ) {
      let (link, far) = try medium.openLink(far: true, strategy.fdOptions, drive)
      func fill() throws -> Int {
        let count = Int(cb_fill(far, CInt(byteCount), medium.framing, UInt64(depth)))
        try strategy.settle()
        return count
      }
      func tally() -> CostScene.Tally {
        let received = link.statistics.received
        return CostScene.Tally(batches: Int(received.batches), sleeps: Int(received[.sleep]))
      }
      if drive == .thread {
        let sink = try ThreadedLink(link)
        return CostScene(
          rounds: 100, isOneThread: false,
          round: { _ in
            try sink.receiving(depth) { _ = try fill() }
            return depth
          }, tally: tally,
          close: {
            sink.close()
            Medium.close(far)
          })
      }
      let sink = try LinkUnderTest(link)
      return CostScene(
        rounds: 100,
        round: { mark in
          let count = try fill()
          mark(cb_receiving)
          let moved = try sink.receive(count)
          mark(cb_uncounted)
          return moved.packets
        }, tally: tally,
        close: {
          sink.close()
          Medium.close(far)
        })
    }
  }

  private static func sending(_ medium: Medium, batch: Int) -> CostCase {
    CostCase(name: "\(medium.rawValue)/send/\(batch)", needsRoot: medium.needsRoot) {
      let (link, far) = try medium.openLink(far: false)
      let source = try LinkUnderTest(link)
      let packets = PacketRow(try source.makeBatch(batch, byteCount: byteCount))
      return CostScene(
        rounds: 200,
        round: { mark in
          if far >= 0 { _ = cb_discard(far) }
          mark(cb_sending)
          _ = try source.send(depth, packets.batch, byteCount: byteCount)
          mark(cb_uncounted)
          return depth
        },
        tally: { CostScene.Tally(batches: Int(link.statistics.sent.batches)) },
        close: {
          source.close()
          Medium.close(far)
        })
    }
  }
}
