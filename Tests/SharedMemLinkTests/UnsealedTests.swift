import Foundation
import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

private func isResized(_ reason: LinkCloseReason?) -> Bool { reason?.description.contains("resized") == true }

private func isViolation(_ reason: LinkCloseReason?) -> Bool {
  if case .failed(let error) = reason { return error.code == .protocolViolation }
  return false
}

/// Two ends over unsealed files, each written to by a thread of its own until it is closed.
private final class BusyLink: Sendable {
  let queues: UnsealedQueues
  let inboxes = [Inbox { $0.removeAll() }, Inbox { $0.removeAll() }]
  let ends: [SharedMemEndpoint]

  /// `isGentle`: with pauses that leave the processors to others.
  init(isGentle: Bool = false) throws {
    queues = try UnsealedQueues()
    let peers = try UnixSocket.pair(.seqpacket).takeBoth()
    ends = [
      try SharedMemEndpoint(.client, queues: queues.pair(), peer: peers[0]),
      try SharedMemEndpoint(.server, queues: queues.pair(), peer: peers[1]),
    ]
    for (end, inbox) in zip(ends, inboxes) { try end.attach(inbox) }
    for (end, inbox) in zip(ends, inboxes) {
      _ = try SystemThread(name: "writer") {
        var batch = PacketBatch(capacity: 32, pool: PacketPool(frameByteCount: 1500, capacity: 32))
        while batch.append({ $0.append(1500) { $0[0] = 0x45 } }) {}
        while end.isAttached {
          let calls = inbox.roomCalls
          let sent = (try? end.writeBatch(batch)) ?? 0
          if isGentle || sent < batch.count {
            _ = inbox.waitForRoom(after: calls, deadline: deadline(after: .milliseconds(10)))
          }
        }
      }
    }
  }

  /// Waits until packets have gone either way, `count` more than there were.
  func waitForTraffic(_ count: UInt64) throws {
    let seen = ends.map { $0.statistics.received.packets }
    #expect(
      try eventually { zip(ends, seen).allSatisfy { $0.statistics.received.packets >= $1 + count || !$0.isAttached } })
  }

  func close() throws {
    for end in ends {
      end.close()
      try end.wait()
    }
  }
}

private func cutFilesOfBusyLinks(rounds: Int) throws {
  var random = SeededRandom("truncation")
  let bystander = try BusyLink(isGentle: true)
  for _ in 0..<rounds {
    for index in UnsealedQueues.memory {
      let link = try BusyLink()
      try link.waitForTraffic(.random(in: 1...2000, using: &random))
      let isAtOnce = Bool.random(using: &random)
      if !isAtOnce {
        link.queues.resize(index, to: .random(in: 0..<link.queues.byteCount(index), using: &random))
        try link.waitForTraffic(.random(in: 0...20, using: &random))
      }
      link.queues.resize(index, to: 0)
      let reasons = link.inboxes.map { $0.waitForClose() }
      for reason in reasons {
        try #require(isViolation(reason) || reason == .peerDisconnected, "file \(index): \(reasons)")
      }
      // The rest of the last page that is left reads as zeros without a fault: a broken pipe like any other.
      try #require(reasons.contains { isAtOnce ? isResized($0) : isViolation($0) }, "file \(index): \(reasons)")
      try link.close()
    }
  }
  try bystander.waitForTraffic(100)
  try #require(bystander.ends.allSatisfy { $0.isAttached })
  try bystander.close()
}

@Suite struct `A link over unsealed files` {
  @Test func `closes with a reason when its peer cuts one of them off, and leaves nothing behind`() async {
    await #expect(processExitsWith: .success) {
      // What the first ones allocate for good is not a leak.
      try cutFilesOfBusyLinks(rounds: 1)
      let before = try ResourceSnapshot.baseline()
      try cutFilesOfBusyLinks(rounds: 1)
      var excess: [String] = []
      _ = try eventually {
        excess = try ResourceSnapshot().excess(over: before)
        return excess.isEmpty
      }
      try #require(excess == [], "\(excess)")
    }
  }

  @Test func `can be made of files that were cut off since they were looked at`() async {
    await #expect(processExitsWith: .success) {
      for role in [SharedMemEndpoint.Role.client, .server] {
        for index in UnsealedQueues.memory {
          let queues = try UnsealedQueues()
          let pair = try queues.pair()
          queues.resize(index, to: 0)
          let link = try SharedMemEndpoint(role, queues: pair)
          let inbox = Inbox()
          try link.attach(inbox)
          var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 1500, capacity: 1))
          batch.append { $0.append(1500) { $0[0] = 0x45 } }
          do throws(LinkError) { try link.writeBatch(batch) } catch {}
          link.close()
          try link.wait()
        }
      }
    }
  }

  @Test func `is refused without the option, and the message names it`() throws {
    let queues = try UnsealedQueues()
    for numbers in [queues.descriptors[..<5], queues.descriptors[5...]] {
      var refusal: LinkError?
      do throws(LinkError) { _ = try QueueFiles(takingOwnershipOf: Array(numbers)) } catch { refusal = error }
      #expect(refusal?.code == .badDescriptor)
      #expect(refusal?.description.contains("unsealedGuarded") == true)
      #expect(refusal?.description.contains("--accept-unsealed") == true)
    }
  }

  @Test func `takes files on a tmpfs, and refuses those on a disk`() throws {
    for (folder, isTaken) in [("/dev/shm", true), ("/proc/self", false)] {
      let path = isTaken ? "\(folder)/link-test-\(UInt32.random(in: 0...UInt32.max))" : "\(folder)/exe"
      if isTaken { #expect(FileManager.default.createFile(atPath: path, contents: Data(count: 1 << 20))) }
      let handle = try FileHandle(forReadingFrom: URL(filePath: path))
      var writable: FileHandle? = isTaken ? try FileHandle(forUpdating: URL(filePath: path)) : handle
      if isTaken { try FileManager.default.removeItem(atPath: path) }
      let queues = try UnsealedQueues()
      var numbers = try queues.descriptors[..<5].map { try OwnedDescriptor.duplicating($0).release() }
      _ = OwnedDescriptor(owning: numbers[0])
      numbers[0] = try OwnedDescriptor.duplicating(writable!.fileDescriptor).release()
      writable = nil
      var refusal: LinkError?
      do throws(LinkError) {
        _ = try QueueFiles(takingOwnershipOf: numbers, accepting: .unsealedGuarded)
      } catch {
        refusal = error
        for number in numbers { _ = OwnedDescriptor(owning: number) }
      }
      #expect((refusal == nil) == isTaken, "\(folder): \(String(describing: refusal))")
    }
  }
}
