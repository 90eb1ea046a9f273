import LinkCore
import LinkSystem
import LinkTestSupport

/// A link whose own write does as it is told, and which uses software for the rest as a link does.
final class ScriptedLink: Sendable {
  struct Script: Sendable {
    var offloads = OffloadSupport()
    var mtu = 1500
    /// How many packets there is room for.
    var room = Int.max
    /// After so many packets it hands on `offloads` no more, but `lesser`.
    var stepDown: (after: Int, lesser: OffloadSupport)?
    var arrivals: [OffloadSample.Arrival] = []
    /// Packets that were handed to the own write though they cannot go as they are: it refuses them.
    var refusals = 0

    mutating func send(_ packets: Span<PacketBuffer>) -> Int {
      for index in packets.indices {
        if let step = stepDown, arrivals.count >= step.after {
          offloads = step.lesser
          stepDown = nil
        }
        guard room > 0, offloads.carries(packets[index].facts.offload) else { return index }
        let limits = SendLimits(mtu: mtu, headerLength: 0, segmentedByteCount: 65535)
        if limits.refusal(of: packets[index]) != nil { refusals += 1 }
        arrivals.append(OffloadSample.Arrival(packets[index]))
        if room < Int.max { room -= 1 }
      }
      return packets.count
    }
  }

  struct Write: PlainWrite {
    let link: ScriptedLink
    let limits: SendLimits
    var offloads: OffloadSupport { link.script.withLock { $0.offloads } }

    init(_ link: ScriptedLink) {
      self.link = link
      limits = SendLimits(mtu: link.script.withLock { $0.mtu }, headerLength: 0, segmentedByteCount: 65535)
    }

    mutating func send(_ packets: Span<PacketBuffer>) -> Int { link.script.withLock { $0.send(packets) } }
  }

  let script: Lock<Script>
  let software = SoftwareOffload(SegmentationSupport(kind: .software, maxByteCount: 65535))

  init(_ script: Script = Script()) { self.script = Lock(script) }

  func change(_ body: (inout Script) -> Void) { script.withLock { body(&$0) } }
  var arrivals: [OffloadSample.Arrival] { script.withLock { $0.arrivals } }

  /// How many of the samples from `first` on were taken, in one write of 64 at most.
  func write(_ samples: some Collection<OffloadSample>) throws -> Int {
    let batch = try OffloadSample.batch(Array(samples.prefix(64)))
    return batch.withPackets { packets in
      var write = Write(self)
      let sent = software.passes(packets, write.offloads) ? write.send(packets) : 0
      let rest = packets.extracting(droppingFirst: sent)
      // It may just have stepped down.
      return software.passes(rest, write.offloads) ? sent : sent + software.write(rest, by: &write)
    }
  }

  func flush() -> Bool {
    var write = Write(self)
    return software.flush(by: &write)
  }
}
