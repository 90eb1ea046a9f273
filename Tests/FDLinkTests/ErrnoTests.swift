import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Every errno that the kernel can answer, in every way of receiving and sending: the kernel answers so, since a filter of
/// the calling thread tells it to. After each a good frame must arrive, or the link must have ended with its reason.
struct ErrnoTests {
  /// EINTR (4) is a call to be made again, without end if every one fails so. EBADF and EFAULT are our own mistakes, which
  /// trap in debug builds.
  static let numbers: [CInt] = (1...133).filter { number in
    #if DEBUG
      ErrnoClass(receiving: number) != .ownMistake && number != 4
    #else
      number != 4
    #endif
  }

  /// Runs `body` on a thread whose calls fail.
  static func failing<R: Sendable>(
    _ calls: [SystemCallFilter.Call], on descriptor: CInt? = nil, with number: CInt,
    _ body: @escaping @Sendable () throws -> R
  ) throws -> R {
    let outcome = try inThread { () -> Result<R, any Error> in
      Result {
        try SystemCallFilter.fail(calls, on: descriptor, with: number)
        return try body()
      }
    }
    guard let outcome else {
      throw DidNotHappen(description: "a call that fails with errno \(number) did not come back")
    }
    return try outcome.get()
  }

  // MARK: Receiving

  /// What happened with one errno, as far as it is not as it should be.
  private static func receive(
    _ link: FDEndpoint, _ call: SystemCallFilter.Call, _ number: CInt, _ frame: [UInt8], send: () throws -> Void
  ) throws -> String? {
    let collector = try Collector()
    try link.attach(collector)
    // A way that makes no call while nothing is there makes one after a wait.
    _ = link.step()
    _ = link.prepareToWait()
    let step = try failing([call], with: number) {
      // A peer's end is believed the second time.
      let step = link.step()
      return step == .idle && ErrnoClass(receiving: number) == .peerGone ? link.step() : step
    }
    let errnoClass = ErrnoClass(receiving: number)
    let received = link.statistics.received
    switch errnoClass {
    case .peerGone, .fatal, .ownMistake:
      guard step == .closed else { return "\(errnoClass): \(step)" }
      let closings = collector.now.closings
      switch closings.first {
      case .peerDisconnected where errnoClass == .peerGone: break
      case .failed(let error) where errnoClass != .peerGone && error.systemError == number: break
      default: return "\(errnoClass): closed with \(closings)"
      }
      return closings.count == 1 ? nil : "closed \(closings.count) times"
    case .drop where received[.refused] == 0: return "drop: not counted"
    case .wouldBlock where received.offered != 0: return "wouldBlock: counted \(received)"
    case .wouldBlock, .drop, .linkDown: break
    }
    guard step == .idle else { return "\(errnoClass): \(step)" }
    try send()
    _ = try eventually {
      _ = link.step()
      return !collector.frames.isEmpty
    }
    link.close()
    _ = link.step()
    return collector.frames == [frame] ? nil : "\(errnoClass): \(collector.frames.count) frames"
  }

  @Test(arguments: [DispatchMode.readv, .recvmmsg])
  func `every errno of a receive on a socket is classed`(_ mode: DispatchMode) throws {
    var options = LinkOptions()
    options.drive = .caller
    for number in Self.numbers {
      try withLink(.seqpacket, options, fdOptions: MessageBatchTests.options(mode)) { link, peer in
        let frame = numbered(Int(number))
        let flaw = try Self.receive(link, mode == .readv ? .readv : .recvmmsg, number, frame) {
          try peer.deliver(frame)
        }
        #expect(flaw == nil, "errno \(number)")
      }
    }
  }

  @Test(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"), arguments: PacketSocketTests.Way.allCases)
  func `every errno of a receive on a packet socket is classed`(_ way: PacketSocketTests.Way) throws {
    let flaws = try TestNetwork.inNamespace {
      try TestNetwork.makeInterfaces()
      let peer = RawPeer(socket: try PacketSocket.open(interface: "right"))
      var fdOptions = way.options
      fdOptions.ring.blockCount = 4
      var options = LinkOptions(linkAddress: PacketSocketTests.own)
      options.drive = .caller
      var flaws: [String] = []
      for number in Self.numbers {
        let link = try FDEndpoint.packet(interface: "left", options: options, fdOptions: fdOptions)
        let frame = OddFrameTests.ethernet(to: PacketSocketTests.own, byteCount: 60 + Int(number))
        let call: SystemCallFilter.Call = fdOptions.dispatchMode == .packetRing ? .getsockopt : .recvmmsg
        if let flaw = try Self.receive(link, call, number, frame, send: { try peer.deliver(frame) }) {
          flaws.append("errno \(number): \(flaw)")
        }
      }
      return flaws
    }
    #expect(flaws == [])
  }

  // MARK: Sending

  /// Writes `count` frames with calls that fail, then with calls that do not.
  private static func send(
    _ link: FDEndpoint, device: CInt? = nil, _ number: CInt, count: Int, frame: [UInt8]
  ) throws -> String? {
    let collector = try Collector()
    try link.attach(collector)
    let frames = [[UInt8]](repeating: frame, count: count)
    let pool = PacketPool(frameByteCount: 1514, capacity: 64)
    let (taken, code) = try failing(
      device == nil ? [.sendto, .sendmmsg] : [.write], on: device, with: number
    ) { () -> (Int, LinkError.Code?) in
      do throws(LinkError) { return (try link.write(frames: frames, pool: pool), nil) } catch { return (0, error.code) }
    }
    let errnoClass = ErrnoClass(sending: number)
    let sent = link.statistics.sent
    switch errnoClass {
    case .wouldBlock:
      guard taken == 0, code == .wouldBlock, sent.offered == 0 else { return "wouldBlock: took \(taken), \(sent)" }
      let came = try eventually {
        _ = link.step()
        return collector.now.roomCalls == 1
      }
      if !came { return "wouldBlock: no room was announced" }
    case .drop:
      guard taken == count, sent[.refused] == UInt64(count) else { return "drop: took \(taken), \(sent)" }
    case .linkDown:
      guard taken == count, sent[.linkDown] == UInt64(count) else { return "linkDown: took \(taken), \(sent)" }
    case .peerGone, .fatal, .ownMistake:
      guard taken == 0, code == .closed, sent.offered == 0 else { return "\(errnoClass): took \(taken), \(sent)" }
      for _ in 0..<3 { _ = link.step() }
      return collector.now.closings.count == 1 ? nil : "\(errnoClass): closed with \(collector.now.closings)"
    }
    do throws(LinkError) {
      let count = try link.write(frames: frames, pool: pool)
      if count != frames.count { return "\(errnoClass): then took \(count)" }
    } catch { return "\(errnoClass): then \(error)" }
    link.close()
    _ = link.step()
    return link.statistics.sent.packets == UInt64(count) ? nil : "\(errnoClass): then \(link.statistics.sent)"
  }

  @Test(arguments: [1, 3])
  func `every errno of a send on a socket is classed`(_ count: Int) throws {
    var options = LinkOptions()
    options.drive = .caller
    for number in Self.numbers {
      try withLink(.seqpacket, options) { link, peer in
        let flaw = try Self.send(link, number, count: count, frame: numbered(Int(number)))
        #expect(flaw == nil, "errno \(number)")
        if link.statistics.sent.packets > 0 {
          for _ in 0..<count { #expect(peer.receive() == numbered(Int(number))) }
        }
      }
    }
  }

  @Test(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
  func `every errno of a send on a device is classed`() throws {
    let flaws = try TestNetwork.inNamespace {
      var options = LinkOptions()
      options.drive = .caller
      var flaws: [String] = []
      for number in Self.numbers {
        // The link's own bell is written to as well. Each time another name: a process that is being started elsewhere may
        // still hold the device before.
        let name = "device-\(number)"
        let device = try NetworkDevice.open(.tun, name: name).take().release()
        let link = try FDEndpoint(takingOwnershipOf: device, options: options)
        try NetworkDevice.setUp(name)
        if let flaw = try Self.send(link, device: device, number, count: 2, frame: DeviceTests.packet) {
          flaws.append("errno \(number): \(flaw)")
        }
        link.close()
        _ = link.step()
      }
      return flaws
    }
    #expect(flaws == [])
  }
}
