import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

private let server = Array("SWLINK".utf8) + [1, 0]

/// The two ends of a link that a server's step and a client's thread agreed on.
private func agree(
  offered: OffloadSupport, accepted: OffloadSupport, forcesHeader: Bool = false,
  segmentation: SegmentationSupport = .none, geometry: QueueGeometry = QueueGeometry()
) throws -> (maker: SharedMemEndpoint, receiver: SharedMemEndpoint) {
  var options = LinkOptions()
  options.segmentation = segmentation
  let numbers = try UnixSocket.pair(.seqpacket).takeBoth()
  let receiver = Lock<Result<SharedMemEndpoint, LinkError>?>(nil)
  let client = try SystemThread(name: "client") { [options] in
    let result: Result<SharedMemEndpoint, LinkError>
    do throws(LinkError) {
      result = .success(
        try HandOver.accept(on: numbers[1], offloads: accepted, timeout: .seconds(20)) {
          offer, queues throws(LinkError) in
          try SharedMemEndpoint(offer, queues: queues, peer: numbers[1], options: options)
        })
    } catch { result = .failure(error) }
    receiver.withLock { $0 = result }
  }
  var offer = LinkOffer(mtu: 1500, hasVirtioNetHeader: forcesHeader)
  offer.offloads = offered
  let queues = try QueuePair.make(geometry)
  let agreed: LinkOffer
  do { agreed = try HandOver.offer(queues, offer, on: numbers[0], timeout: .seconds(20)) } catch {
    client.join()
    throw error
  }
  let maker = try SharedMemEndpoint(makerOf: agreed, queues: queues, peer: numbers[0], options: options)
  client.join()
  return (maker, try receiver.withLock { $0! }.get())
}

/// Closes both ends.
private func end(_ links: (maker: SharedMemEndpoint, receiver: SharedMemEndpoint)) throws {
  for link in [links.maker, links.receiver] {
    link.close()
    try link.wait()
  }
}

@Suite struct `Offloads of a hand-over` {
  struct Case: Sendable {
    var offered: OffloadSupport
    var accepted: OffloadSupport
    var hasHeader = true
    var isCutByHost = false
  }

  static let cases = [
    Case(offered: .all, accepted: .all, isCutByHost: true),
    Case(offered: [.checksum, .udp], accepted: .all, isCutByHost: true),
    Case(offered: .all, accepted: .checksum),
    Case(offered: [.checksum, .udp], accepted: [.checksum, .tcpOverIPv4]),
    Case(offered: .all, accepted: [], hasHeader: false),
    Case(offered: [], accepted: .all, hasHeader: false),
    // Nobody cuts without computing checksums.
    Case(offered: .all, accepted: .segmentation, hasHeader: false),
  ]

  @Test(arguments: cases) func `are those that both sides take`(_ example: Case) throws {
    let links = try agree(offered: example.offered, accepted: example.accepted)
    for link in [links.maker, links.receiver] {
      #expect(link.hasVirtioNetHeader == example.hasHeader)
      #expect(link.offloads == (example.hasHeader ? example.offered.intersection(example.accepted) : []))
      #expect(link.capabilities.contains(.transmitChecksumOffload) == example.hasHeader)
      #expect(link.segmentation.kind == (example.isCutByHost ? .host : .none))
    }
    try end(links)
  }

  @Test(arguments: cases) func `leave to software what an owner wants cut and nobody takes`(_ example: Case) throws {
    let links = try agree(
      offered: example.offered, accepted: example.accepted,
      segmentation: SegmentationSupport(kind: .software, maxByteCount: 40_000))
    for link in [links.maker, links.receiver] {
      let kind: SegmentationSupport.Kind = example.isCutByHost ? .host : .software
      #expect(link.segmentation == SegmentationSupport(kind: kind, maxByteCount: 40_000))
    }
    try end(links)
  }

  @Test func `cut packets of as many bytes as small queues carry, where nobody says how many`() throws {
    var geometry = QueueGeometry()
    geometry.dataByteCount = 16384
    let links = try agree(offered: .all, accepted: .all, geometry: geometry)
    for link in [links.maker, links.receiver] {
      #expect(link.segmentation == SegmentationSupport(kind: .host, maxByteCount: 16384 - 10))
    }
    try end(links)
  }

  @Test func `do not fit into small queues where somebody wants more, and the error says so`() throws {
    var geometry = QueueGeometry()
    geometry.dataByteCount = 16384
    var options = LinkOptions()
    options.segmentation = SegmentationSupport(kind: .host, maxByteCount: 60_000)
    let queues = try QueuePair.make(geometry)
    var text = ""
    do throws(LinkError) {
      _ = try SharedMemEndpoint(.client, queues: queues, hasVirtioNetHeader: true, options: options)
    } catch { text = error.description }
    for part in ["segmentation", "60000", "2048", "16374", "larger queues"] { #expect(text.contains(part), "\(text)") }
  }

  @Test func `leave a link alone whose headers were settled otherwise`() throws {
    let links = try agree(offered: .all, accepted: [], forcesHeader: true)
    #expect(links.maker.hasVirtioNetHeader && links.receiver.hasVirtioNetHeader)
    #expect(links.maker.segmentation == .none && links.receiver.segmentation == .none)
    try end(links)
  }

  @Test func `have the bits that the documentation gives, and unknown ones do not count`() throws {
    let sockets = try UnixSocket.pair(.seqpacket).takeBoth()
    let near = OwnedDescriptor(owning: sockets[0])
    let far = OwnedDescriptor(owning: sockets[1])
    // A client that takes checksums, TCP over IPv6, and things to come.
    try DescriptorMessage(bytes: server + [0, 0, 0, 0, 0xf5, 0xff, 0, 0x80]).send(on: far.number)
    var offer = LinkOffer(mtu: 1500)
    offer.offloads = .all
    let queues = try QueuePair.make()
    let number = near.number
    let refused = #expect(throws: LinkError.self) {
      _ = try HandOver.offer(queues, offer, on: number, timeout: .zero)
    }
    #expect(refused?.code == .timedOut)
    var message = try #require(try DescriptorMessage.receive(on: far.number, limit: 100))
    #expect(Array(message.bytes[16..<20]) == [2 | 5 << 4, 0, 0, 0])
    message.closeAll()
  }

  @Test func `reach the owner of the link through a server at a path`() throws {
    let path = "/tmp/link-offloads-\(UInt32.random(in: 0...UInt32.max))"
    var offer = LinkOffer(mtu: 1500)
    offer.offloads = .all
    let server = try HandOverServer(path: path, offer: offer)
    let client = try SystemThread(name: "client") {
      do throws(LinkError) {
        let socket = try HandOver.connect(path: path)
        let link = try HandOver.accept(
          on: socket, offloads: [.checksum, .udp], timeout: .seconds(20)
        ) { offer, queues throws(LinkError) in
          try SharedMemEndpoint(offer, queues: queues, peer: socket, options: LinkOptions())
        }
        link.close()
        try link.wait()
      } catch { Issue.record("\(error)") }
    }
    var agreed: LinkOffer?
    if let peer = try server.next(timeout: .seconds(20)) { agreed = peer.offer }
    #expect(agreed?.offloads == [.checksum, .udp] && agreed?.hasVirtioNetHeader == true)
    client.join()
  }
}
