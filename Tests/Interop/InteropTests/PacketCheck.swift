import LinkCore
import LinkSystem
import LinkTestSupport
import shmpeer

/// What a link of this process delivers: verified, or sent back.
final class PacketCheck: LinkDispatcher {
  struct State {
    var tracker = SequenceTracker()
    var received = 0
    var faults = 0
    var roomCalls = 0
    var closeReason: LinkCloseReason?
  }

  let state = Monitor(State())
  /// Sends back what comes.
  private let echo: (any LinkEndpoint)?
  /// What waits for room to go back: gVisor's client may send before it has room for a reply.
  private let held = Lock(PacketQueue(capacity: 64))

  init(echoOn link: (any LinkEndpoint)? = nil) { echo = link }

  func deliverPackets(_ packets: inout PacketBatch) {
    state.withLock { state in
      packets.forEach { bytes in
        guard case .valid(let sequence, _, isVerified: true) = TestPacket.check(bytes) else {
          state.faults += 1
          return
        }
        state.tracker.add(sequence)
        state.received += 1
      }
    }
    guard echo != nil else { return }
    held.withLock { held in
      for index in 0..<packets.count {
        if held.isFull { state.withLock { $0.faults += 1 } } else { held.append(packets.take(index)) }
      }
      sendBack(&held)
    }
  }

  func linkHasRoom() {
    state.withLock { $0.roomCalls += 1 }
    held.withLock { sendBack(&$0) }
  }

  private func sendBack(_ held: inout PacketQueue) {
    while let echo, !held.isEmpty {
      let count = held.withFront { packets in (try? echo.writePackets(packets)) ?? 0 }
      for _ in 0..<count { _ = held.removeFirst() }
      if count == 0 { return }
    }
  }

  func linkDidClose(_ reason: LinkCloseReason) { state.withLock { $0.closeReason = reason } }

  /// Lost, doubled, late and changed packets.
  var faults: Int {
    state.withLock { $0.faults + Int($0.tracker.lost + $0.tracker.duplicated + $0.tracker.reordered) }
  }
  /// Waits until so many have come, or nothing can come any more; returns how many did.
  func wait(for count: Int) -> Int {
    _ = state.wait(deadline: deadline(after: .seconds(50))) {
      $0.received >= count || $0.closeReason != nil ? true : nil
    }
    return state.withLock { $0.received }
  }

  /// Sends so many test packets on a link that this is attached to, waiting for room. Returns how many went.
  func send(_ count: Int, size: Int, on link: any LinkEndpoint, to peer: LinkAddress?) throws -> Int {
    let pool = PacketPool(frameByteCount: size + link.maxHeaderLength, capacity: 32)
    var sent = 0
    while sent < count {
      var batch = PacketBatch(capacity: 32, pool: pool)
      for index in 0..<min(32, count - sent) {
        batch.append { packet in
          packet.append(size) { bytes in
            bytes.update(repeating: 0)
            TestPacket.writeHeader(&bytes)
            TestPacket.stamp(&bytes, sequence: UInt64(sent + index), check: .crc)
          }
          packet.facts.networkProtocol = .ipv4
          packet.facts.remoteAddress = peer
          do { try link.addHeader(to: &packet) } catch { assertionFailure("\(error)") }
        }
      }
      var written = 0
      while written < batch.count {
        let before = state.withLock { $0.roomCalls }
        do throws(LinkError) { written += try link.writeBatch(batch, from: written) } catch {
          if error.code != .wouldBlock { throw error }
        }
        if written == batch.count { break }
        let hasRoom = state.wait(deadline: deadline(after: .seconds(20))) {
          $0.roomCalls > before ? true : $0.closeReason != nil ? false : nil
        }
        guard hasRoom == true else { return sent + written }
      }
      sent += written
    }
    return sent
  }
}
