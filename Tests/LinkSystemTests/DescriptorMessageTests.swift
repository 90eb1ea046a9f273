import Glibc
import LinkSystem
import LinkTestSupport
import Testing

@Suite struct DescriptorMessageTests {
  @Test(arguments: [0, 1, 5, 10, 253])
  func `a message arrives with all its descriptors`(count: Int) throws {
    let sockets = try UnixSocket.pair(.seqpacket)
    let file = try OwnedDescriptor.sealedMemory(name: "sent", byteCount: 4096)
    let bytes: [UInt8] = [1, 2, 3, UInt8(count)]
    try DescriptorMessage(bytes: bytes, descriptors: Array(repeating: file.number, count: count))
      .send(on: sockets.first.number)
    var message = try #require(try DescriptorMessage.receive(on: sockets.second.number, limit: 16))
    defer { message.closeAll() }
    #expect(message.bytes == bytes)
    #expect(message.descriptors.count == count && !message.isTruncated)
    #expect(Set(message.descriptors).count == count)
    for descriptor in message.descriptors {
      #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
      let status = try OwnedDescriptor.status(of: descriptor)
      #expect(status.byteCount == 4096)
    }
  }

  @Test func `more descriptors than a message holds are refused`() throws {
    let sockets = try UnixSocket.pair(.seqpacket)
    let message = DescriptorMessage(bytes: [1], descriptors: Array(repeating: sockets.first.number, count: 254))
    #expect(throws: SystemError("sendmsg", EINVAL)) { try message.send(on: sockets.first.number) }
    let received = try DescriptorMessage.receive(on: sockets.second.number, limit: 16)
    #expect(received == nil)
  }

  @Test func `a message that is too long says so and brings its descriptors`() throws {
    let sockets = try UnixSocket.pair(.seqpacket)
    try DescriptorMessage(bytes: Array(0..<20), descriptors: [sockets.first.number]).send(on: sockets.first.number)
    var message = try #require(try DescriptorMessage.receive(on: sockets.second.number, limit: 8))
    #expect(message.isTruncated)
    #expect(message.bytes == Array(0..<8))
    #expect(message.descriptors.count == 1)
    let number = message.descriptors[0]
    message.closeAll()
    #expect(message.descriptors.isEmpty)
    // Another test may have opened the number again: it is not this socket any more.
    _ = number
  }

  @Test func `no message, and the end of the connection`() throws {
    var sockets = try UnixSocket.pair(.seqpacket)
    let none = try DescriptorMessage.receive(on: sockets.second.number, limit: 8)
    #expect(none == nil)
    sockets.first = OwnedDescriptor(owning: -1)
    let end = try #require(try DescriptorMessage.receive(on: sockets.second.number, limit: 8))
    #expect(end.bytes.isEmpty && end.descriptors.isEmpty && !end.isTruncated)
    #expect(throws: SystemError("sendmsg", EPIPE)) {
      try DescriptorMessage(bytes: [1]).send(on: sockets.second.number)
    }
  }

  @Test func `descriptors of refused messages are closed`() async {
    await #expect(processExitsWith: .success) {
      let sockets = try UnixSocket.pair(.seqpacket)
      let before = try ResourceSnapshot.baseline()
      for _ in 0..<50 {
        try DescriptorMessage(bytes: [1], descriptors: Array(repeating: sockets.first.number, count: 100))
          .send(on: sockets.first.number)
        var message = try #require(try DescriptorMessage.receive(on: sockets.second.number, limit: 8))
        message.closeAll()
      }
      let after = try ResourceSnapshot()
      try #require(after.excess(over: before) == [], "\(after.excess(over: before))")
    }
  }
}
