import FDLink
import LinkCore
import LinkSystem
import Testing

struct AdoptionTests {
  /// Descriptors that carry no packets, and a word of the error that each gets.
  enum Unfit: String, CaseIterable, Sendable {
    case regularFile = "regular file"
    case stream = "stream socket"
    case eventCounter = "carries no packets"
    case nullDevice = "character device"

    func make() throws -> OwnedDescriptor {
      switch self {
      case .regularFile: try .sealedMemory(name: "fd-link-test", byteCount: 4096)
      case .stream: try AdoptionTests.makeStreamSocket()
      case .eventCounter: try EventCounter.create()
      case .nullDevice: try openNullDevice()
      }
    }
  }

  private static func makeStreamSocket() throws -> OwnedDescriptor {
    let ends = try UnixSocket.pair(.stream).takeBoth()
    _ = OwnedDescriptor(owning: ends[1])
    return OwnedDescriptor(owning: ends[0])
  }

  @Test(arguments: Unfit.allCases)
  func `an unfit descriptor is refused and stays the caller's`(_ unfit: Unfit) throws {
    let descriptor = try unfit.make()
    let error = #expect(throws: LinkError.self) { try FDEndpoint(takingOwnershipOf: descriptor.number) }
    #expect(error?.code == .badDescriptor)
    #expect(error?.operation.contains(unfit.rawValue) == true, "\(error?.operation ?? "")")
    #expect(throws: Never.self) { try descriptor.status() }
  }

  @Test func `a listening socket is refused`() throws {
    let path = "/tmp/fd-link-test-\(monotonicNanoseconds())"
    let listener = try UnixSocket.listen(path: path)
    removeFile(path)
    let error = #expect(throws: LinkError.self) { try FDEndpoint(takingOwnershipOf: listener.number) }
    #expect(error?.code == .badDescriptor)
    #expect(error?.operation.contains("listening") == true)
  }

  @Test func `a descriptor that is not open is refused`() {
    let error = #expect(throws: LinkError.self) { try FDEndpoint(takingOwnershipOf: -1) }
    #expect(error?.code == .badDescriptor)
    #expect(error?.operation.contains("not open") == true)
  }

  @Test func `options that cannot be are refused and the descriptor stays the caller's`() throws {
    let pair = try UnixSocket.pair(.datagram)
    let error = #expect(throws: LinkError.self) {
      try FDEndpoint(takingOwnershipOf: pair.first.number, options: LinkOptions(mtu: 1))
    }
    #expect(error?.code == .invalidArgument)
    #expect(throws: Never.self) { try pair.first.status() }
  }

  @Test func `an adopted descriptor is non-blocking and close-on-exec`() throws {
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let peer = OwnedDescriptor(owning: ends[1])
    setBlockingAndInherited(ends[0])
    let link = try FDEndpoint(takingOwnershipOf: ends[0])
    #expect(isNonBlockingAndCloseOnExec(ends[0]))
    link.close()
    #expect(try poll(peer.number, .peerShutdown, nanoseconds: 0).contains(.hangUp))
  }

  @Test func `an idle endpoint that nobody holds closes its descriptor`() throws {
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let peer = OwnedDescriptor(owning: ends[1])
    do { _ = try FDEndpoint(takingOwnershipOf: ends[0]) }
    #expect(try poll(peer.number, .peerShutdown, nanoseconds: 10_000_000_000).contains(.hangUp))
  }

  @Test func `an attached endpoint that nobody holds goes on until its peer ends`() throws {
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let collector = try Collector()
    do {
      let link = try FDEndpoint(takingOwnershipOf: ends[0])
      try link.attach(collector)
    }
    _ = OwnedDescriptor(owning: ends[1])
    #expect(collector.waits { $0.closings == [.peerDisconnected] })
  }
}
