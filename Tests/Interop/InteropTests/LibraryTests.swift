import Glibc
import FDLink
import InteropSupport
import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// Links of this process, and gVisor's endpoints in another.
@Suite(.needsGvisor) struct `A link of this process and gVisor's` {
  @Test(arguments: Extent.cells)
  func `lose, reorder and damage nothing`(cell: Cell) throws {
    let packets = Extent.packets(of: cell)
    let wire = try Wire(cell.medium)
    let far = try cell.startFar(on: wire, packets: packets)
    let link = try cell.openNear(wire)
    let check = PacketCheck(echoOn: cell.job == .nearEchoes ? link : nil)
    try link.attach(check)
    defer { link.close() }
    if cell.job == .nearSends || cell.job == .farEchoes {
      let peer = cell.isEthernet ? LinkAddress(2, 0, 0, 0, 0, 2) : nil
      #expect(try check.send(packets, size: cell.size, on: link, to: peer) == packets, "\(cell)")
    }
    if cell.job != .nearSends {
      #expect(check.wait(for: packets) == packets, "\(cell)")
      #expect(check.faults == 0, "\(cell)")
    }
    // An echo of gVisor's goes on until it is told.
    if cell.job == .farEchoes { far.signal(SIGTERM) }
    let outcome = far.wait()
    #expect(outcome.ending == .exited(0), "\(cell): \(outcome)")
    if cell.job == .nearSends {
      #expect(outcome.number("received") == packets, "\(cell): \(outcome)")
      #expect(outcome.number("unsummed") == 0, "\(cell): \(outcome)")
    }
    #expect(link.statistics.drops.isEmpty, "\(cell): \(link.statistics)")
    link.close()
    try link.wait()
  }
}

extension Cell {
  /// The near end as a link of this process.
  fileprivate func openNear(_ wire: Wire) throws -> any LinkEndpoint {
    var options = LinkOptions(
      mtu: max(1500, size), linkAddress: isEthernet ? LinkAddress(2, 0, 0, 0, 0, 1) : nil)
    // gVisor's server pads frames, beyond the MTU if need be.
    options.trimsPadding = true
    let socket = wire.takeNearSocket()
    switch medium {
    case .sharedMemory(let role):
      return try SharedMemEndpoint(
        role == "client" ? .client : .server, queues: wire.takeQueues()!, peer: socket, options: options)
    case .sockets(_, let dispatch):
      var fdOptions = FDOptions()
      fdOptions.dispatchMode = dispatch == "readv" ? .readv : .recvmmsg
      return try FDEndpoint(takingOwnershipOf: socket, options: options, fdOptions: fdOptions)
    }
  }
}
