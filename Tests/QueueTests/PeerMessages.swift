import LinkQueue

/// A peer's messages written by hand, true or not: by the numbers of the wire format, not by the names of the code.
extension PipeWriter where Memory == SharedRegion {
  /// TX queue, tx pipe. `byteCount`: another length than the descriptors need.
  mutating func sendPacket(
    _ identifier: UInt64, total: UInt32, _ buffers: [(offset: UInt64, size: UInt32)], byteCount: Int? = nil
  ) {
    sendRaw(byteCount ?? 16 + 12 * buffers.count) { memory, payload in
      memory.setField64(identifier, payload)
      memory.setField32(total, payload + 8)
      memory.setField32(0xdead_beef, payload + 12)
      for (index, buffer) in buffers.enumerated() {
        memory.setField64(buffer.offset, payload + 16 + 12 * index)
        memory.setField32(buffer.size, payload + 24 + 12 * index)
      }
    }
  }

  /// TX queue, rx pipe.
  mutating func sendCompletion(_ identifier: UInt64, byteCount: Int = 8) {
    sendRaw(byteCount) { $0.setField64(identifier, $1) }
  }

  /// RX queue, tx pipe.
  mutating func sendPost(
    offset: UInt64, size: UInt32, userData: UInt64 = 0, identifier: UInt64, byteCount: Int = 32
  ) {
    sendRaw(byteCount) { memory, payload in
      memory.setField64(offset, payload)
      memory.setField32(size, payload + 8)
      memory.setField32(0, payload + 12)
      memory.setField64(userData, payload + 16)
      memory.setField64(identifier, payload + 24)
    }
  }

  /// RX queue, rx pipe.
  mutating func sendReceived(
    total: UInt32, _ buffers: [(offset: UInt64, size: UInt32, identifier: UInt64)], byteCount: Int? = nil
  ) {
    sendRaw(byteCount ?? 8 + 28 * buffers.count) { memory, payload in
      memory.setField32(total, payload)
      memory.setField32(0xdead_beef, payload + 4)
      for (index, buffer) in buffers.enumerated() {
        memory.setField64(buffer.offset, payload + 8 + 28 * index)
        memory.setField32(buffer.size, payload + 16 + 28 * index)
        memory.setField64(0, payload + 20 + 28 * index)
        memory.setField64(buffer.identifier, payload + 28 + 28 * index)
      }
    }
  }

  /// A slot of `byteCount` bytes, whatever is in it. The pipes of the tests have room.
  private mutating func sendRaw(_ byteCount: Int, _ fill: (SharedRegion, Int) -> Void) {
    guard let slot = push(max(byteCount, 1)) else { preconditionFailure("no room in the test's pipe") }
    // Fields of a short message land behind it, where the next one will be: the slot is pushed, not flushed.
    if slot.offset + 1024 <= memory.byteCount { fill(memory, slot.offset) }
  }
}
