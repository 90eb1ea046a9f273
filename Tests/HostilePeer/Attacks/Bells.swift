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
      "event-blocking-saturated", "made blocking and filled, again and again", .bells, promise: .survives,
      needsSender: true
    ) { peer in
      let bells = [peer.bellOut, peer.bellIn]
      try peer.storm { random in
        guard let bell = bells.randomElement(using: &random) else { return }
        setBlocking(bell)
        _ = EventCounter.add(.max - 1, to: bell)
      } _: {
        peer.chatter()
      }
      for bell in bells { setBlocking(bell) }
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
