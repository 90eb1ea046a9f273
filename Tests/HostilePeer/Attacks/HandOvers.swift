import Glibc
import LinkSystem

/// What comes in place of a hand-over. A client that is given nonsense gives up; a server goes on with the next.
extension Attack {
  static let handOvers: [Attack] =
    [0, 1, 5, 9, 11, 20, 253].map { count in
      offer("offer-\(count)-descriptors", "an offer with \(count) descriptors instead of ten") { contact in
        try contact.send(Contact.offer(), with: LinkFiles()) { list in (0..<count).map { list[$0 % 10] } }
      }
    } + [
      offer("offer-wrong-kinds", "an offer with ten descriptors of the wrong kinds") { contact in
        let pair = try UnixSocket.pair(.stream)
        let bell = try EventCounter.create()
        let numbers = [pair.first.number, bell.number]
        try contact.send(Contact.offer(), (0..<10).map { _ in numbers.randomElement(using: &contact.random)! })
      },
      offer("offer-short", "an offer that is cut off") { contact in
        let count = Int.random(in: 1..<56, using: &contact.random)
        try contact.send(Array(Contact.offer().prefix(count)), with: LinkFiles())
      },
      offer("offer-long", "an offer of many thousand bytes") { contact in
        try contact.send(Contact.offer() + [UInt8](repeating: 0, count: 60_000), with: LinkFiles())
      },
      offer("offer-split", "an offer in two messages, each with half of the descriptors") { contact in
        let files = try LinkFiles()
        try contact.send(Array(Contact.offer().prefix(28)), with: files) { Array($0.prefix(5)) }
        try contact.send(Array(Contact.offer().suffix(28)), with: files) { Array($0.suffix(5)) }
      },
      offer("offer-foreign", "an offer of another protocol") { contact in
        try contact.send(Array("NOTIFY=1".utf8) + Contact.offer().dropFirst(8), with: LinkFiles())
      },
      offer("offer-version", "an offer of another version") { contact in
        let version = [0, 2, 256, 65535].randomElement(using: &contact.random)!
        try contact.send(Contact.offer(version: UInt16(version)), with: LinkFiles())
      },
      offer("offer-numbers", "an offer with an impossible MTU or buffer size") { contact in
        let bad = contact.random.chance(2)
        let number = ([0, 1, 1 << 31, .max] as [UInt32]).randomElement(using: &contact.random)!
        let bytes = Contact.offer(mtu: bad ? number : 1500, buffer: bad ? 2048 : number)
        try contact.send(bytes, with: LinkFiles())
      },
      offer("offer-random", "random bytes with good descriptors") { contact in
        let bytes = (0..<56).map { _ in UInt8(truncatingIfNeeded: contact.random.next()) }
        try contact.send(bytes, with: LinkFiles())
      },
      offer("offer-left", "the server leaves without a word") { $0.leave() },
      .handOver("offer-never", "the server says nothing", victim: .client, promise: .survives) { contact in
        contact.pause()
        return nil
      },
      .handOver("offer-repeated", "a good offer, over and over", victim: .client, promise: .goesOn) { contact in
        let files = try LinkFiles()
        for _ in 0..<21 { try contact.send(Contact.offer(), with: files) }
        return try contact.peer(files.descriptors.map { try OwnedDescriptor.duplicating($0).release() })
      },
      answer("hello-random", "random bytes for a hello", isGreeted: false) { contact in
        try contact.send((0..<16).map { _ in UInt8(truncatingIfNeeded: contact.random.next()) })
      },
      answer("hello-descriptors", "a hello with 253 descriptors", isGreeted: false) { contact in
        let bell = try EventCounter.create()
        try contact.send(Contact.hello(), [CInt](repeating: bell.number, count: 253))
      },
      answer("hello-never", "the client says nothing, and leaves", isGreeted: false) { $0.pause() },
      answer("hello-repeated", "a hello, over and over", isGreeted: false) { contact in
        for _ in 0..<50 { try contact.send(Contact.hello()) }
      },
      answer("answer-random", "random bytes for an answer") { contact in
        let count = Int.random(in: 1...64, using: &contact.random)
        try contact.send((0..<count).map { _ in UInt8(truncatingIfNeeded: contact.random.next()) })
      },
      answer("answer-refusal", "the client refuses") { contact in
        try contact.send(Contact.answer(UInt32.random(in: 1...4, using: &contact.random)))
      },
      answer("answer-short", "an answer that is cut off") { try $0.send(Array(Contact.answer(0).prefix(9))) },
      answer("answer-long", "an answer of many thousand bytes") {
        try $0.send(Contact.answer(0) + [UInt8](repeating: 0, count: 60_000))
      },
      answer("answer-descriptors", "an answer with 253 descriptors") { contact in
        let bell = try EventCounter.create()
        try contact.send(Contact.answer(0), [CInt](repeating: bell.number, count: 253))
      },
      answer("answer-left", "the client leaves without a word") { $0.leave() },
      answer("answer-late", "the client keeps the server waiting, and leaves") { $0.pause() },
      answer("connect-storm", "clients that come and leave") { contact in
        for _ in 0..<10 { _ = try contact.reconnect() }
      },
      .handOver("answer-early", "an answer before the offer, and more of them", victim: .server, promise: .goesOn) {
        contact in
        try contact.send(Contact.hello())
        for _ in 0..<20 { try contact.send(Contact.answer(0)) }
        return try contact.acceptOffer(isGreeted: true)
      },
    ]

  private static func offer(
    _ name: String, _ summary: String, _ strike: @escaping @Sendable (Contact) throws -> Void
  ) -> Attack {
    .handOver(name, summary, victim: .client, promise: .refuses) { contact in
      try strike(contact)
      return nil
    }
  }

  private static func answer(
    _ name: String, _ summary: String, isGreeted: Bool = true,
    _ strike: @escaping @Sendable (Contact) throws -> Void
  ) -> Attack {
    .handOver(name, summary, victim: .server, promise: .goesOn) { contact in
      if isGreeted { try contact.send(Contact.hello()) }
      try strike(contact)
      return nil
    }
  }
}
