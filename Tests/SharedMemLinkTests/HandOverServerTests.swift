import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

private func temporaryPath() -> String { "/tmp/link-server-\(UInt32.random(in: 0...UInt32.max))" }

/// A client that does all it should, on a thread of its own: the packet that it received, or its error.
private func goodClient(_ path: String) throws -> Monitor<String?> {
  let outcome = Monitor(String?.none)
  _ = try SystemThread(name: "client") {
    var text: String
    do throws(LinkError) {
      let socket = try HandOver.connect(path: path)
      let link = try HandOver.accept(on: socket, timeout: .seconds(20)) { offer, queues throws(LinkError) in
        try SharedMemEndpoint(offer, queues: queues, peer: socket, options: LinkOptions(mtu: offer.mtu))
      }
      let inbox = Inbox()
      try link.attach(inbox)
      text = "\(inbox.waitForPackets(1).first?.count ?? 0) bytes"
      link.close()
      try link.wait()
    } catch { text = "\(error)" }
    outcome.withLock { [text] in $0 = text }
  }
  return outcome
}

/// Sends one packet of 40 bytes on a link to the next client, and waits for its end.
private func serveOne(_ server: HandOverServer) throws {
  guard let peer = try server.next(timeout: .seconds(20)) else { throw LinkError(.timedOut, "nobody came") }
  let link = try peer.makeLink(options: LinkOptions())
  let inbox = Inbox()
  try link.attach(inbox)
  var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 1500, capacity: 1))
  batch.append { $0.append(40) { $0[0] = 0x45 } }
  // The client's buffers are there before its answer: it has them made, and posts them when it attaches.
  #expect(
    try eventually {
      do throws(LinkError) { return try link.writeBatch(batch) == 1 } catch { return error.code != .wouldBlock }
    })
  #expect(inbox.waitForClose() == .peerDisconnected)
  try link.wait()
}

@Suite struct `A server of hand-overs` {
  @Test func `serves a peer and removes its file`() throws {
    let path = temporaryPath()
    do {
      let server = try HandOverServer(path: path, offer: LinkOffer(mtu: 1500))
      switch try server.next(timeout: .zero) {
      case nil: break
      case .some: Issue.record("nobody came yet")
      }
      let client = try goodClient(path)
      try serveOne(server)
      #expect(client.wait(deadline: deadline()) { $0 } == "40 bytes")
    }
    var refused: Int32?
    do throws(LinkError) { _ = try HandOver.connect(path: path) } catch { refused = error.systemError }
    #expect(refused == 2)
  }

  @Test func `serves the next good peer at once, whatever a hundred bad ones do`() throws {
    let path = temporaryPath()
    // Longer than the test: no bad client goes because its time is over.
    var limits = HandOverServer.Limits()
    limits.timeout = .seconds(1000)
    let server = try HandOverServer(path: path, offer: LinkOffer(mtu: 1500), limits: limits)
    var random = SeededRandom("bad clients")
    let bad = Crowd()
    for index in 0..<100 {
      let misdeed = BadClient.allCases.randomElement(using: &random)!
      bad.add(try misdeed.commit(path, index * 5 / 2))
      if index % 25 == 24 {
        let client = try goodClient(path)
        try serveOne(server)
        #expect(client.wait(deadline: deadline()) { $0 } == "40 bytes")
      } else if index % 3 == 0 {
        _ = try server.next(timeout: .zero)
      }
    }
  }

  @Test func `holds a bounded number of peers, and lets go of the oldest silent one first`() throws {
    let path = temporaryPath()
    var limits = HandOverServer.Limits()
    limits.pendingCount = 3
    limits.timeout = .seconds(1000)
    let server = try HandOverServer(path: path, offer: LinkOffer(mtu: 1500), limits: limits)
    let crowd = Crowd()
    crowd.add(try BadClient.helloOnly.commit(path, 0))
    for _ in 0..<5 {
      crowd.add(try BadClient.silence.commit(path, 0))
      _ = try server.next(timeout: .zero)
      // The listener and its peers.
      #expect(server.prepareToWait().entries.count <= 4)
    }
    // The first has its offer and was kept; of the silent ones two are left.
    #expect(crowd.events(0) == .input)
    #expect((1...3).allSatisfy { !crowd.events($0).isDisjoint(with: .gone) })
    #expect((4...5).allSatisfy { crowd.events($0).isEmpty })
  }

  @Test func `does not wait longer than it was told to, however many bad peers come`() throws {
    let path = temporaryPath()
    let server = try HandOverServer(path: path, offer: LinkOffer(mtu: 1500))
    let crowd = Crowd()
    for _ in 0..<3 { crowd.add(try BadClient.garbage.commit(path, 0)) }
    // One that is over already: it lets go of one of them and comes back.
    switch try server.next(timeout: .zero) {
    case nil: break
    case .some: Issue.record("nobody good came")
    }
    switch server.step() {
    case .dropped: break
    case .idle: Issue.record("the others are gone")
    case .handedOver: Issue.record("nobody good came")
    }
  }

  @Test func `lets go of a peer whose time is over`() throws {
    let path = temporaryPath()
    var limits = HandOverServer.Limits()
    limits.timeout = .milliseconds(20)
    let server = try HandOverServer(path: path, offer: LinkOffer(mtu: 1500), limits: limits)
    for misdeed in [BadClient.silence, .helloOnly] {
      let socket = try misdeed.commit(path, 0)
      let error = try #require(dropped(by: server))
      #expect(error.code == .timedOut, "\(error)")
      withExtendedLifetime(socket) {}
    }
  }

  /// Drives the server until it lets go of a peer.
  private func dropped(by server: HandOverServer) -> LinkError? {
    let end = deadline()
    while monotonicNanoseconds() < end {
      switch server.step() {
      case .dropped(let error): return error
      case .handedOver: return nil
      case .idle: break
      }
      let plan = server.prepareToWait()
      try? poll(
        plan.entries.map { ($0.descriptor, PollEvents(rawValue: $0.events)) },
        nanoseconds: plan.timeout.map { UInt64($0 / .nanoseconds(1)) } ?? 1_000_000_000)
    }
    return nil
  }

  @Test func `leaves nothing behind after bad and good peers`() async {
    await #expect(processExitsWith: .success) {
      try rounds(2)
      let before = try ResourceSnapshot.baseline()
      try rounds(20)
      var excess: [String] = []
      _ = try eventually {
        excess = try ResourceSnapshot().excess(over: before)
        return excess.isEmpty
      }
      try #require(excess == [], "\(excess)")
    }
  }
}

private func rounds(_ count: Int) throws {
  let path = temporaryPath()
  let server = try HandOverServer(path: path, offer: LinkOffer(mtu: 1500))
  for round in 0..<count {
    for misdeed in BadClient.allCases { _ = try misdeed.commit(path, 13 * round) }
    let client = try goodClient(path)
    try serveOne(server)
    #expect(client.wait(deadline: deadline()) { $0 } == "40 bytes")
  }
}
