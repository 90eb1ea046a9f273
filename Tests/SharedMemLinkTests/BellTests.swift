#if DEBUG
  import Eventfd
  import Foundation
  import LinkCore
  import LinkSystem
  import LinkTestSupport
  import Synchronization
  import Testing

  @testable import SharedMemLink

  /// A peer that makes the eventfd blocking and fills it, with several threads, as fast as it can.
  private final class Attack: Sendable {
    private let event: EventFD
    private let isOver = Atomic<Bool>(false)
    private let running = Atomic<Int>(0)
    /// 2^64 - 2, the counter's largest value.
    private static let most = Data([0xfe] + [UInt8](repeating: 0xff, count: 7))

    /// `descriptor` stays the caller's.
    init(_ descriptor: Int32, threads: Int) throws {
      let number = try OwnedDescriptor.duplicating(descriptor).release()
      event = try EventFD(takingOwnershipOf: number)
      for _ in 0..<threads {
        running.add(1, ordering: .relaxed)
        _ = try SystemThread(name: "attack") { [self] in
          let file = FileHandle(fileDescriptor: event.descriptor, closeOnDealloc: false)
          while !isOver.load(ordering: .relaxed) {
            _ = fcntl(event.descriptor, F_SETFL, 0)
            try? file.write(contentsOf: Self.most)
          }
          running.subtract(1, ordering: .releasing)
        }
      }
    }

    /// As the honest half of such a peer: takes what was rung.
    func drain() { _ = try? EventCounter.take(event.descriptor) }

    /// Gets its own threads out of their writes.
    func end() {
      isOver.store(true, ordering: .relaxed)
      let limit = deadline()
      while running.load(ordering: .acquiring) > 0, monotonicNanoseconds() < limit {
        drain()
        yieldThread()
      }
    }
  }

  // One at a time: an attack takes all the processors that it gets.
  @Suite(.serialized) struct `A peer that blocks the bell` {
    /// Nanoseconds: 100 ms, and what a busy machine adds.
    private static let bound: UInt64 = 5_000_000_000

    @Test(arguments: [UInt64(100_000_000), 0])
    func `cannot hold up whoever rings it beyond its end`(patience: UInt64) throws {
      let own = try EventFD()
      let attack = try Attack(own.descriptor, threads: 2)
      defer { attack.end() }
      let bell = Bell(own)
      let (rings, isOver) = (Counter(), Latch())
      _ = try SystemThread(name: "ringer") {
        while !isOver.isOpen {
          bell.ring()
          rings.add(1)
        }
      }
      defer {
        bell.free(forGood: true)
        isOver.open()
      }
      // As long as it rings it goes on; once it hangs it hangs.
      let limit = deadline(after: .seconds(10))
      var seen = -1
      while rings.value != seen {
        // On a machine so busy that no ring ever hangs, there is nothing to see.
        if monotonicNanoseconds() > limit { return }
        for _ in 0..<1000 { attack.drain() }
        seen = rings.value
        _ = try eventually(deadline: deadline(after: .milliseconds(20))) { rings.value != seen }
      }
      let began = monotonicNanoseconds()
      // Without patience it is left to a thread of the bell's.
      bell.free(forGood: true, patience: patience)
      #expect(monotonicNanoseconds() - began < Self.bound)
      #expect(try eventually { rings.value > seen })
    }

    @Test func `cannot hold up who rings it with another thread that stands by`() throws {
      let own = try EventFD()
      let attack = try Attack(own.descriptor, threads: 2)
      defer { attack.end() }
      let bell = Bell(own)
      let over = Latch()
      let ringer = try SystemThread(name: "ringer") {
        for _ in 0..<100 { bell.ringAttended() }
        over.open()
      }
      // The honest half of the peer: only then rings come to the point where they hang.
      let limit = deadline()
      while !over.isOpen, monotonicNanoseconds() < limit { attack.drain() }
      #expect(over.isOpen)
      bell.free(forGood: true)
      ringer.join()
    }

    /// Whoever hangs in a ring would keep the others out.
    @Test func `is not rung while software has the packets locked`() throws {
      let foreign = try Foreign(.client)
      let (link, event) = (foreign.end.link, foreign.outgoing.event)
      let packet = InternetPacket()
      var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 1500, capacity: 1))
      batch.append { buffer in
        buffer.append(packet.frame.count) { for index in packet.frame.indices { $0[index] = packet.frame[index] } }
        buffer.facts.offload = packet.offload(segmentByteCount: 0, linkHeaderLength: 0)
      }
      _ = try EventCounter.take(event)
      var write = link.plainWrite
      #expect(batch.withPackets { link.softwareOffload.write($0, by: &write) } == 1)
      #expect(try link.statistics.sent.packets == 1 && write.sequel.contains(.ring) && EventCounter.take(event) == nil)
      #expect(try link.writeBatch(batch) == 1 && EventCounter.take(event) == 1)
      try foreign.end.close()
    }

    @Test(arguments: [SharedMemEndpoint.Role.client, .server])
    func `cannot hold up the end of the link`(role: SharedMemEndpoint.Role) throws {
      // A round shows something if the writer hangs in it: it has 512 rings, and no bell is heard.
      var hung = 0
      for _ in 0..<100 where hung < 3 {
        let foreign = try Foreign(role)
        if role == .server { foreign.makeRoom() }
        let attack = try Attack(foreign.outgoing.event, threads: 2)
        defer { attack.end() }
        let (writes, wrote, end) = (Counter(), Latch(), foreign.end)
        _ = try SystemThread(name: "writer") {
          do { while try end.write(1) == 1 { writes.add(1) } } catch {}
          wrote.open()
        }
        var seen = -1
        while writes.value != seen, !wrote.isOpen {
          for _ in 0..<100 { attack.drain() }
          seen = writes.value
          _ = try eventually(deadline: deadline(after: .milliseconds(20))) { writes.value != seen || wrote.isOpen }
        }
        if !wrote.isOpen { hung += 1 }
        let began = monotonicNanoseconds()
        #expect(try inThread { try? end.close() } != nil, "close() or wait() hangs")
        #expect(wrote.wait(deadline: deadline()), "a write hangs after close()")
        #expect(monotonicNanoseconds() - began < Self.bound)
      }
    }
  }
#endif
