import Eventfd
import FDLink
import Glibc
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// One thread for several links.
struct LinkLoopTests {
  /// Runs `body` with links that their caller drives, and the raw ends of the peers; then closes what is left.
  private func withLinks(_ count: Int, _ body: ([FDEndpoint], [CInt]) throws -> Void) throws {
    var options = LinkOptions()
    options.drive = .caller
    let pairs = try (0..<count).map { _ in try FDEndpoint.socketPair(options: options) }
    defer { for pair in pairs { pair.link.close() } }
    try body(pairs.map(\.link), pairs.map(\.peerDescriptor))
  }

  /// Runs a loop on a thread of its own; what `run` threw, or nil if it has not returned in time.
  private func outcome(of loop: LinkLoop, while body: () throws -> Void = {}) throws -> LinkError?? {
    let result = Monitor(LinkError??.none)
    let thread = try SystemThread(name: "test-loop") {
      var failure: LinkError?
      do throws(LinkError) { try loop.run() } catch { failure = error }
      result.withLock { [failure] in $0 = .some(failure) }
    }
    try body()
    guard let ending = result.wait(deadline: deadline(), { $0 }) else { return nil }
    thread.join()
    return .some(ending)
  }

  @Test(arguments: [Duration.zero, .microseconds(50)])
  func `one thread carries both directions of a bridge, and ends with it`(spin: Duration) throws {
    try withLinks(2) { links, numbers in
      let bridge = LinkBridge(links[0], links[1])
      try bridge.start()
      let right = RawPeer(socket: OwnedDescriptor(owning: numbers[1]))
      let ending = try outcome(of: LinkLoop(links, spin: spin)) { () throws in
        let left = RawPeer(socket: OwnedDescriptor(owning: numbers[0]))
        // Back and forth: the loop sleeps in between, and wakes for either.
        for number in 0..<100 {
          #expect(try left.waitToSend(numbered(number)))
          #expect(try right.waitToReceive() == numbered(number))
          #expect(try right.waitToSend(numbered(number)))
          #expect(try left.waitToReceive() == numbered(number))
        }
        for number in 0..<20 { #expect(left.send(numbered(number)) == 64) }
        // The last of them are on their way when the peer leaves.
      }
      #expect(ending == .some(nil))
      for number in 0..<20 { #expect(right.receive() == numbered(number)) }
      #expect(bridge.ending == LinkBridge.Ending(side: .a, reason: .peerDisconnected))
      try bridge.wait()
    }
  }

  @Test func `packets that find no room wait, and go on as soon as the other side reads`() throws {
    try withLinks(2) { links, numbers in
      let bridge = LinkBridge(links[0], links[1])
      try bridge.start()
      let right = RawPeer(socket: OwnedDescriptor(owning: numbers[1]))
      let ending = try outcome(of: LinkLoop(links)) { () throws in
        let left = RawPeer(socket: OwnedDescriptor(owning: numbers[0]))
        // Until both sockets and the bridge are full, since nobody reads.
        var sent = 0
        while true {
          if left.send(numbered(sent, byteCount: 1000)) > 0 { sent += 1 } else if bridge.flowFromA.backlog > 0 { break }
        }
        for number in 0..<sent { #expect(try right.waitToReceive() == numbered(number, byteCount: 1000)) }
        #expect(bridge.flowFromA.tally.dropped == 0)
      }
      #expect(ending == .some(nil))
    }
  }

  @Test func `links that are attached, detached and attached again meanwhile are served`() throws {
    try withLinks(3) { links, numbers in
      defer { _ = OwnedDescriptor(owning: numbers[2]) }
      let collectors = try links.map { _ in try Collector() }
      // The loop begins with nothing to do; the third link is never attached.
      let ending = try outcome(of: LinkLoop(links)) { () throws in
        try links[1].attach(collectors[1])
        let first = RawPeer(socket: OwnedDescriptor(owning: numbers[0]))
        let second = RawPeer(socket: OwnedDescriptor(owning: numbers[1]))
        for round in 0..<20 {
          #expect(try first.waitToSend(numbered(round)))
          try links[0].attach(collectors[0])
          #expect(collectors[0].waits { $0.frames.count == round + 1 })
          links[0].detach()
          #expect(try second.waitToSend(numbered(round)))
          #expect(collectors[1].waits { $0.frames.count == round + 1 })
        }
        links[0].close()
        links[2].close()
      }
      #expect(ending == .some(nil))
      #expect(collectors[0].now.closings.isEmpty)
      #expect(collectors[1].now.closings == [.peerDisconnected])
    }
  }

  @Test func `close from another thread ends a loop that sleeps`() throws {
    try withLinks(1) { links, numbers in
      let collector = try Collector()
      try links[0].attach(collector)
      let ending = try outcome(of: LinkLoop(links)) { links[0].close() }
      #expect(ending == .some(nil))
      #expect(collector.now.closings == [.requested])
      _ = OwnedDescriptor(owning: numbers[0])
    }
  }

  @Test func `where the kernel refuses a wait the links are closed, and the loop says why`() async {
    await #expect(processExitsWith: .success) {
      var options = LinkOptions()
      options.drive = .caller
      let links = try (0..<3).map { _ in try FDEndpoint.socketPair(options: options).link }
      let collector = try Collector()
      for link in links { try link.attach(collector) }
      // poll(2) takes no more entries than there may be descriptors: each link by itself has fewer.
      limitDescriptors(to: 4)
      do throws(LinkError) {
        try LinkLoop(links).run()
        exit(1)
      } catch {
        precondition(error.systemError == EINVAL, "\(error)")
        precondition(collector.now.closings == [.requested, .requested, .requested])
      }
    }
  }
}
