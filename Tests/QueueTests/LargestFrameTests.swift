import LinkCore
import LinkQueue
import LinkTestSupport
import Testing

/// Frames at the edge of what a geometry can carry. One that never fits must not stand in the way of those behind it,
/// and one that fits must not wait for a reader that nobody wakes.
@Suite struct LargestFrameTests {
  @Test func `a frame larger than the client's whole data area is dropped, not waited for`() {
    var ends = ForwardQueues(QueueSizes(data: 256, buffer: 64))
    #expect(ends.send([TestFrame(number: 0, byteCount: 257)]) == 1)
    #expect(ends.sent[.oversize] == 1)
    #expect(ends.sent.packets == 0)
    #expect(ends.receive() == 0)
  }

  @Test func `a frame with more buffers than the client's packet pipe can name is dropped`() {
    var ends = ForwardQueues(QueueSizes(packets: 256, buffer: 64))
    #expect(ends.send([TestFrame(number: 0, byteCount: 64 * 20)]) == 1)
    #expect(ends.sent[.oversize] == 1)
  }

  @Test func `a frame with more buffers than the server's packet pipe can name is dropped`() {
    var ends = BackwardQueues(QueueSizes(packets: 256, buffer: 64))
    ends.client.postBuffers()
    #expect(ends.send([TestFrame(number: 0, byteCount: 64 * 9)]) == 1)
    #expect(ends.sent[.oversize] == 1)
  }

  @Test func `a server with many small buffers in hand sees room for a small frame`() {
    // The large frame makes the server collect twenty buffers; a message that names them all fits into no pipe of 256.
    var ends = BackwardQueues(QueueSizes(packets: 256, buffer: 64))
    ends.client.postBuffers()
    ends.send([TestFrame(number: 0, byteCount: 64 * 20)])
    while ends.send([50]) == 1 {}
    #expect(ends.hasRoom() == false)
    while ends.receive() > 0 {}
    #expect(ends.hasRoom() == true)
  }

  /// Sends one frame of every size from every place in the ring, while the reader looks only when a send took something:
  /// as a reader does that sleeps until it is rung.
  private func neverStalls<Ends: QueueEnds & ~Copyable>(_ ends: inout Ends, most: Int) {
    for byteCount in stride(from: 64, through: most, by: 64) {
      for shift in 0..<30 {
        for index in 0...shift {
          let frame = TestFrame(number: ends.ledger.expected.count, byteCount: index == shift ? byteCount : 1)
          let dropped = ends.sent[.oversize]
          if ends.offer(frame) == 0 {
            Issue.record("\(byteCount) bytes behind \(shift) small ones: waits for a reader that sleeps")
            return
          }
          if ends.sent[.oversize] == dropped { while ends.receive() > 0 {} }
        }
      }
    }
    #expect(ends.ledger.isBalanced)
  }

  @Test func `a client never waits for a sleeping server`() {
    var ends = ForwardQueues(QueueSizes(packets: 512, buffer: 64))
    neverStalls(&ends, most: 64 * 45)
  }

  @Test func `a server never waits for a sleeping client`() {
    var ends = BackwardQueues(QueueSizes(packets: 512, buffer: 64))
    ends.client.postBuffers()
    neverStalls(&ends, most: 64 * 20)
  }
}

extension QueueEnds where Self: ~Copyable {
  /// Sends one frame, which may be dropped as too large.
  fileprivate mutating func offer(_ frame: TestFrame) -> Int {
    let (dropped, before) = (sent[.oversize], ledger)
    let count = send([frame])
    if sent[.oversize] > dropped { ledger = before }
    return count
  }
}
