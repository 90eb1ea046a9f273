/// What tells a flow from others, exactly: `FlowHash` only spreads them.
package struct FlowKey: Equatable, BitwiseCopyable {
  private let ports: UInt32
  private let transport: TransportLayout.Transport
  private let isIPv6: Bool
  private let addresses: SIMD4<UInt64>

  init(_ frame: Span<UInt8>, _ layout: TransportLayout) {
    func word64(_ index: Int) -> UInt64 {
      let offset = layout.addresses.lowerBound + 8 * index
      return UInt64(frame.word32(at: offset)) << 32 | UInt64(frame.word32(at: offset + 4))
    }
    ports = frame.word32(at: layout.transportStart)
    transport = layout.transport
    isIPv6 = layout.isIPv6
    addresses = isIPv6 ? SIMD4(word64(0), word64(1), word64(2), word64(3)) : SIMD4(word64(0), 0, 0, 0)
  }
}
