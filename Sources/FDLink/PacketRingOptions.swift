import LinkCore
import LinkSystem

/// The memory that the kernel writes received frames to, in the dispatch mode `packetRing`. What does not fit is dropped by
/// the kernel, and counted as `noRoom`.
public struct PacketRingOptions: Sendable {
  /// How frames are laid out and handed over.
  public enum Version: Sendable {
    /// Places of one size, each handed over at once: the shorter delay. TPACKET_V2.
    case framewise
    /// Blocks of frames of any size, handed over when they are full, or after `blockTimeout`: the smaller memory.
    /// TPACKET_V3.
    case blockwise
  }

  public var version = Version.framewise
  /// Bytes of a block of memory: a power of two, 4096 to 16 MiB.
  public var blockByteCount = 1 << 17
  /// How many blocks there are: 1 to 4096.
  public var blockCount = 32
  /// Bytes of a place of the version `framewise`, of which some 80 are the kernel's: a power of two from 256 to the size of
  /// a block. Longer frames are counted as `truncated`. Nil: enough for the interface's MTU.
  public var frameByteCount: Int?
  /// How long a block of the version `blockwise` that is not full is held back: 1 ms to 1 s. Short ones use up blocks: at a
  /// low rate each has one frame.
  public var blockTimeout: Duration = .milliseconds(1)

  public init() {}

  /// Throws `invalidArgument` for what no ring can be.
  func geometry(frameLimit: Int) throws(LinkError) -> PacketRing.Geometry {
    guard (4096...1 << 24).contains(blockByteCount), blockByteCount.nonzeroBitCount == 1 else {
      throw LinkError(
        .invalidArgument, "ring blocks of \(blockByteCount) bytes: must be a power of two, 4096 to 16777216")
    }
    guard (1...4096).contains(blockCount), blockCount * blockByteCount <= 1 << 30 else {
      throw LinkError(.invalidArgument, "\(blockCount) ring blocks: must be 1 to 4096, of 1 GiB together")
    }
    guard (.milliseconds(1) ... .seconds(1)).contains(blockTimeout) else {
      throw LinkError(.invalidArgument, "ring block timeout \(blockTimeout): must be 1 millisecond to 1 second")
    }
    let isBlockwise = version == .blockwise
    // Blockwise it does not bound anything; the kernel wants one all the same.
    let frame = isBlockwise ? 2048 : frameByteCount ?? Self.powerOfTwo(holding: frameLimit + 128)
    guard isBlockwise || (256...blockByteCount).contains(frame) && frame.nonzeroBitCount == 1 else {
      throw LinkError(
        .invalidArgument,
        "ring frames of \(frame) bytes: must be a power of two, 256 to the size of a block, which is \(blockByteCount)")
    }
    return PacketRing.Geometry(
      isBlockwise: isBlockwise, blockByteCount: blockByteCount, blockCount: blockCount, frameByteCount: frame,
      blockTimeout: Int(blockTimeout / .milliseconds(1)))
  }

  private static func powerOfTwo(holding count: Int) -> Int { 1 << (Int.bitWidth - (count - 1).leadingZeroBitCount) }
}
