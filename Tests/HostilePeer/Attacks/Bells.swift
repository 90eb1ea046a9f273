import Glibc
import LinkSystem

/// The event descriptors, whose open files both sides share.
extension Attack {
  static let bells: [Attack] = [
    Attack("event-saturated", "both counters full to the brim", .bells, needsSender: true) { peer in
      peer.storm {
        for bell in [peer.bellOut, peer.bellIn] { _ = EventCounter.add(.max - 1, to: bell) }
        peer.chatter()
      }
    },
    Attack("event-blocking", "both made blocking", .bells, needsSender: true) { peer in
      for bell in [peer.bellOut, peer.bellIn] { setBlocking(bell) }
      peer.chatterUntilOver()
    },
    Attack(
      "event-blocking-saturated", "made blocking and filled, at the very moment of a ring", .bells, promise: .survives,
      needsSender: true
    ) { peer in
      let bell = peer.bellIn
      let end = monotonicNanoseconds() &+ UInt64(peer.duration / .nanoseconds(1))
      while monotonicNanoseconds() < end {
        // Room for one ring, and something to ring for.
        _ = try EventCounter.take(bell)
        for _ in 0..<4 { peer.sendHonest() }
        peer.ring()
        // Somewhere in there the victim has seen the room, and does not write yet.
        let moment = monotonicNanoseconds() &+ UInt64.random(in: 0..<60_000, using: &peer.random)
        while monotonicNanoseconds() < moment { spinPause() }
        _ = EventCounter.add(.max - 1, to: bell)
        setBlocking(bell)
        // A victim that does not answer any more is where it was wanted: it stays there until it is told to end.
        if !peer.exchange(1, within: .milliseconds(50)) { return }
      }
    },
    Attack("event-storm", "the bell rings and rings, for nothing", .bells) { peer in
      peer.storm { peer.ring() }
    },
    Attack("event-stolen", "the victim's rings are taken before it wakes", .bells) { peer in
      peer.storm {
        peer.chatter()
        _ = try? EventCounter.take(peer.bellOut)
      }
    },
    Attack("event-polled-away", "nobody reads the bell that the victim rings", .bells, needsSender: true) { peer in
      peer.ownWord.store32(2, 0)
      peer.chatterUntilOver()
    },
  ]

  @Sendable private static func setBlocking(_ descriptor: CInt) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
  }
}
