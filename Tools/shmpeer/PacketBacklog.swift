import LinkCore

/// Packets that wait for room, in order. It holds at least as many as the pool of a link has, so in practice an empty
/// pool stops the link's reception before this is full.
struct PacketBacklog: ~Copyable {
  static let capacity = 256

  private var slots = InlineArray<256, InlineArray<1, PacketBuffer>?> { _ in nil }
  private var first = 0
  private(set) var count = 0

  /// Takes a packet over; false, and the packet is gone, when there is no room.
  mutating func put(_ packet: consuming PacketBuffer) -> Bool {
    guard count < Self.capacity else { return false }
    slots[(first + count) % Self.capacity] = [packet]
    count += 1
    return true
  }

  /// Sends what the link takes. True: nothing is left.
  mutating func flush(to link: any LinkEndpoint) -> Bool {
    while let packet = slots[first].take() {
      var taken = 0
      do { taken = try link.writePackets(packet.span) } catch {}
      guard taken == 1 else {
        slots[first] = consume packet
        return false
      }
      first = (first + 1) % Self.capacity
      count -= 1
    }
    return true
  }
}
