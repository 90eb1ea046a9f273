/// What the links are to reach, by the names of cases: packets per second, ours by the baseline's. Nil: the case is there to
/// look at.
enum Target {
  static func ofRatio(_ name: String) -> Double? {
    let parts = name.split(separator: "/").map(String.init)
    let byteCount = parts.last.flatMap { Int($0) } ?? 0
    switch parts.first {
    case "shm" where parts[1] == "tuned": return 0.85
    case "shm", "demo":
      if byteCount >= 1500 { return 1 }
      return byteCount == 64 ? (parts[parts.count - 2] == "1" ? 1.5 : 1) : nil
    // Times, so that the ratio is the inverse.
    case "round-trip" where parts[1] == "spin": return 1 / 1.15
    case "round-trip" where parts[1] == "sleep": return 1 / 1.1
    case "receive" where parts[2].hasSuffix("in-place"): return nil
    case "receive", "send": return 0.95
    case "gvisor": return gvisor[byteCount]
    default: return nil
    }
  }

  /// Of gVisor's own endpoints, by bytes of a packet.
  private static let gvisor: [Int: Double] = [64: 10, 1500: 4, 9000: 2, 65000: 1.5]

  /// Of a silent link, in per cent of a processor.
  static let idlePercent = 0.1
}
