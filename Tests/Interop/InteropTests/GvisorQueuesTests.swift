import InteropSupport
import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// gVisor makes the files of a link, in /dev/shm, where they cannot be sealed.
@Suite(.needsGvisor) struct `Files that gVisor made` {
  @Test(arguments: ["client", "server"], ["--source", "--sink"])
  func `are refused, and carry packets where they are accepted`(role: String, action: String) throws {
    let packets = 500
    let sockets = try UnixSocket.pair(.seqpacket).takeBoth()
    let theirs = OwnedDescriptor(owning: sockets[1])
    let gvisor = try Peer(
      [
        "attach", "--role", role == "client" ? "server" : "client", "--make-queues", "--peer-fd", "10", action,
        "\(packets)", "--json", "--timeout", "30",
      ], descriptors: [(here: theirs.number, there: 10)], executable: try GvisorPeer.path())
    _ = consume theirs
    var message: DescriptorMessage?
    #expect(
      try eventually {
        message = try DescriptorMessage.receive(on: sockets[0], limit: 16)
        return message != nil
      })
    let numbers = try #require(message).descriptors
    try #require(numbers.count == 10)
    #expect(throws: LinkError.self) { _ = try QueueFiles(takingOwnershipOf: Array(numbers[..<5])) }
    let queues = QueuePair(
      transmit: try QueueFiles(takingOwnershipOf: Array(numbers[..<5]), accepting: .unsealedGuarded),
      receive: try QueueFiles(takingOwnershipOf: Array(numbers[5...]), accepting: .unsealedGuarded))
    let link = try SharedMemEndpoint(role == "client" ? .client : .server, queues: queues, peer: sockets[0])
    let check = PacketCheck()
    try link.attach(check)
    defer { link.close() }
    if action == "--sink" {
      #expect(try check.send(packets, size: 64, on: link, to: nil) == packets)
    } else {
      #expect(check.wait(for: packets) == packets)
    }
    #expect(check.faults == 0)
    let outcome = gvisor.wait()
    #expect(outcome.ending == .exited(0), "\(outcome)")
    if action == "--sink" { #expect(outcome.number("received") == packets, "\(outcome)") }
    link.close()
    try link.wait()
  }
}
