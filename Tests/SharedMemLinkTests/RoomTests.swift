import LinkCore
import LinkQueue
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// No end ever looked for room on a timer, and both know of an announcement.
private func expectAnnounced(_ a: RoomEnd, _ b: RoomEnd) throws {
  #expect(a.link.statistics[.roomCheck] == 0)
  #expect(b.link.statistics[.roomCheck] == 0)
  #expect(a.link.statistics.sent[.refusedWrite] > 0)
  #expect(try eventually { b.link.statistics.received[.roomAnnouncement] > 0 })
  #expect(try eventually { a.link.statistics.sent[.roomAnnouncement] > 0 })
}

@Suite struct `Room between two ends of this package is announced, not looked for` {
  @Test(arguments: RoomSetup.all) func `when the receiver was detached`(setup: RoomSetup) throws {
    let (a, b) = try setup.pair()
    try a.attach()
    for round in 0..<20 {
      let taken = try a.fill()
      try b.attach()
      try #require(a.inbox.waitForRoom(after: round))
      try #require(b.inbox.waitForPackets(taken).count >= taken)
      b.detach()
    }
    try expectAnnounced(a, b)
    try a.close()
    try b.close()
  }

  @Test(arguments: RoomSetup.all) func `when the receiver's dispatcher was stuck`(setup: RoomSetup) throws {
    let (entered, leave) = (Latch(), Latch())
    defer { leave.open() }
    let stuck = Inbox(onDelivery: { _ in
      entered.open()
      leave.wait()
    })
    let (a, b) = try setup.pair(receiver: stuck)
    try a.attach()
    try b.attach()
    while try a.write() == 0 { try #require(a.inbox.waitForRoom(after: 0)) }
    try #require(entered.wait(deadline: deadline()))
    let seen = a.inbox.roomCalls
    _ = try a.fill()
    leave.open()
    #expect(a.inbox.waitForRoom(after: seen))
    try expectAnnounced(a, b)
    try a.close()
    try b.close()
  }

  @Test(arguments: RoomSetup.all) func `when the sender starves meanwhile`(setup: RoomSetup) throws {
    // Everything that came is kept until there is room.
    let kept = Keeper()
    let sender = Inbox(onDelivery: { kept.takeAll(&$0) }, onRoom: { _ = kept.releaseAll() })
    let (a, b) = try setup.pair(sender: sender, senderPool: PacketPool(frameByteCount: 1514, capacity: 4))
    try a.attach()
    try b.attach()
    while try b.write(12) == 0 { try #require(b.inbox.waitForRoom(after: 0)) }
    b.detach()
    try #require(try eventually { a.link.statistics[.starvation] > 0 })
    _ = try a.fill()
    try b.attach()
    // Those that were released by it are filled again.
    #expect(a.inbox.waitForPackets(8).count == 8)
    try expectAnnounced(a, b)
    try a.close()
    try b.close()
  }

  @Test(arguments: RoomSetup.all) func `after every single write of thousands`(setup: RoomSetup) throws {
    // Two buffers: nearly every write is refused.
    var geometry = QueueGeometry()
    geometry.dataByteCount = 4096
    geometry.pipeByteCount = 4096
    let (a, b) = try setup.pair(geometry, byteCount: 100)
    try a.attach()
    try b.attach()
    let count = 5000
    for number in 0..<count {
      while true {
        let seen = a.inbox.roomCalls
        if try a.write(1) == 1 { break }
        try #require(a.inbox.waitForRoom(after: seen), "lost at packet \(number)")
      }
    }
    #expect(b.inbox.waitForPackets(count).count == count)
    try expectAnnounced(a, b)
    try a.close()
    try b.close()
  }

  @Test(arguments: RoomSetup.byHand) func `though a later write took everything`(setup: RoomSetup) throws {
    let (a, b) = try setup.pair()
    try a.attach()
    try b.attach(byHand: true)
    _ = b.link.step()
    _ = try a.fill()
    #expect(b.link.step() == .delivered)
    #expect(try a.write(1) == 1)
    while b.link.step() == .delivered {}
    b.prepareToWait()
    #expect(a.inbox.waitForRoom(after: 0))
    try expectAnnounced(a, b)
    try a.close()
    try b.close()
  }

  @Test(arguments: RoomSetup.byHand) func `at the latest when the receiver is detached`(setup: RoomSetup) throws {
    let (a, b) = try setup.pair()
    try a.attach()
    try b.attach(byHand: true)
    _ = b.link.step()
    _ = try a.fill()
    #expect(b.link.step() == .delivered)
    #expect(b.link.statistics[.roomAnnouncement] == 0)
    b.detach()
    #expect(a.inbox.waitForRoom(after: 0))
    try expectAnnounced(a, b)
    try a.close()
    try b.close()
  }

  @Test(arguments: RoomSetup.byHand) func `and a wake-up for it is no empty one`(setup: RoomSetup) throws {
    let (a, b) = try setup.pair()
    try a.attach()
    try b.attach(byHand: true)
    _ = b.link.step()
    for round in 0..<50 {
      _ = try a.fill()
      while b.link.step() == .delivered {}
      b.prepareToWait()
      try #require(a.inbox.waitForRoom(after: round))
    }
    #expect(a.link.statistics[.emptyWakeUp] == 0)
    try a.close()
    try b.close()
  }
}

@Suite struct `Room at a peer that announces none is looked for on a timer` {
  @Test(arguments: [SharedMemEndpoint.Role.client, .server])
  func `and comes without a bell`(role: SharedMemEndpoint.Role) throws {
    let foreign = try Foreign(role)
    _ = try foreign.end.fill()
    foreign.makeRoom()
    #expect(foreign.end.inbox.waitForRoom(after: 0))
    #expect(foreign.end.link.statistics[.roomCheck] > 0)
    #expect(foreign.end.link.statistics[.roomAnnouncement] == 0)
    try foreign.end.close()
  }

  @Test(arguments: [SharedMemEndpoint.Role.client, .server])
  func `until it claims to announce it`(role: SharedMemEndpoint.Role) throws {
    let foreign = try Foreign(role)
    _ = try foreign.end.fill()
    #expect(try eventually { foreign.end.link.statistics[.roomCheck] > 5 })
    foreign.page.storeFlag(1, 128)
    // The timer's last look may be under way. After two wake-ups it is over, and the driver sleeps without one.
    for _ in 0..<2 {
      let sleeps = foreign.end.link.statistics[.sleep]
      foreign.ring()
      #expect(try eventually { foreign.end.link.statistics[.sleep] > sleeps })
    }
    let checks = foreign.end.link.statistics[.roomCheck]
    foreign.makeRoom()
    // As long as it says nothing it is a peer that has stopped, and costs nothing.
    #expect(!foreign.end.inbox.waitForRoom(after: 0, deadline: deadline(after: .milliseconds(50))))
    foreign.page.storeFlag(foreign.page.loadFlag(64) | 1, 128)
    foreign.ring()
    #expect(foreign.end.inbox.waitForRoom(after: 0))
    #expect(foreign.end.link.statistics[.roomCheck] == checks)
    try foreign.end.close()
  }

  @Test(arguments: [SharedMemEndpoint.Role.client, .server])
  func `and words that it writes wake nobody`(role: SharedMemEndpoint.Role) throws {
    let foreign = try Foreign(role)
    var random = SeededRandom("room words of a link")
    #expect(try eventually { foreign.end.link.statistics[.sleep] > 0 })
    let before = foreign.end.link.statistics
    let other = foreign.incoming.sharedData
    for _ in 0..<100_000 {
      foreign.page.storeFlag(UInt32(truncatingIfNeeded: random.next()), 128)
      other.storeFlag(UInt32(truncatingIfNeeded: random.next()), 64)
    }
    let after = foreign.end.link.statistics
    #expect(after[.sleep] <= before[.sleep] + 1)
    #expect(after[.roomAnnouncement] <= before[.roomAnnouncement] + 1)
    try foreign.end.close()
  }
}
