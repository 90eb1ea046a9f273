import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// The places and states in which a link is stopped.
struct Stop: Sendable, CustomTestStringConvertible {
  enum Place: Sendable {
    case wire(Wire)
    /// With its interface down.
    case down(Wire)
    /// A link that receives by injection only.
    case injectable
    /// A link over four sockets.
    case several
  }
  enum State: String, CaseIterable, Sendable {
    case asleep, flooded, spinning
    /// Its pool is empty.
    case starved
    /// A write was refused, and it waits for room.
    case refused
  }

  let place: Place
  let state: State
  let isFromCallback: Bool

  var testDescription: String { "\(name), \(state.rawValue), from \(isFromCallback ? "a callback" : "a thread")" }

  private var name: String {
    switch place {
    case .wire(let wire): wire.testDescription
    case .down(let wire): "\(wire.medium.rawValue) down by \(wire.way.rawValue)"
    case .injectable: "injectable"
    case .several: "four sockets"
    }
  }

  /// Why there is no such case; nil: there is.
  var absence: String? {
    switch (place, state) {
    case (.down, .asleep): isFromCallback ? "no callback comes while the interface is down" : nil
    case (.down, _): "nothing comes while the interface is down, so it only sleeps"
    case (.wire(let wire), .refused) where wire.medium.needsDevices:
      "an interface loses what it has no room for, and refuses no writer"
    case (.injectable, .starved): "it takes no packets from its pool"
    case (.wire, _), (.injectable, _), (.several, _): nil
    }
  }

  var needsDevices: Bool {
    switch place {
    case .wire(let wire), .down(let wire): wire.medium.needsDevices
    case .injectable, .several: false
    }
  }

  static let table: [Stop] = {
    let tun = Wire(medium: .tun, isEthernet: false)
    let sockets = [Wire.Way.readv, .recvmmsg].map { Wire(medium: .seqpacket, way: $0, isEthernet: false) }
    let packets = Wire.Way.allCases.map { Wire(medium: .packet, way: $0, isEthernet: true) }
    let wires = sockets + packets + [tun, Wire(medium: .tap, isEthernet: true)]
    let places: [Place] = wires.map { .wire($0) } + ([tun] + packets).map { .down($0) } + [.injectable, .several]
    return places.flatMap { place in
      State.allCases.flatMap { state in
        [false, true].map { Stop(place: place, state: state, isFromCallback: $0) }
      }
    }
  }()

  var options: LinkOptions {
    var options = LinkOptions()
    options.batchCapacity = 4
    if state == .spinning { options.spin = .milliseconds(10) }
    if state == .starved { options.pool = PacketPool(frameByteCount: 1514, capacity: 4) }
    return options
  }

  /// How many packets are to be kept until the link starves: several descriptors share the pool evenly.
  var keepable: Int { isSeveral ? 1 : 4 }

  /// Runs `body` with a link that is not attached, and the other end.
  func run<R: Sendable>(_ body: @escaping @Sendable (any LinkEndpoint, RawPeer.Box) throws -> R) throws -> R {
    switch place {
    case .wire(let wire): return try wire.run(options) { try body($0, .init(RawPeer(socket: $1.socket.duplicate()))) }
    case .down(let wire):
      return try wire.run(options) { link, peer in
        try NetworkDevice.setUp(wire.medium == .packet ? "left" : "wire", false)
        return try body(link, .init(RawPeer(socket: peer.socket.duplicate())))
      }
    case .injectable, .several:
      let pairs = try (0..<(isSeveral ? 4 : 1)).map { _ in try UnixSocket.pair(.seqpacket).takeBoth() }
      let peers = pairs.map { RawPeer.Box(RawPeer(socket: OwnedDescriptor(owning: $0[1]))) }
      let link: any LinkEndpoint =
        isSeveral
        ? try FDEndpoint(takingOwnershipOf: pairs.map { $0[0] }, options: options)
        : try InjectableEndpoint(takingOwnershipOf: pairs[0][0], options: options)
      defer {
        link.close()
        withExtendedLifetime(peers) {}
      }
      return try body(link, peers[0])
    }
  }

  private var isSeveral: Bool {
    if case .several = place { return true }
    return false
  }
}
