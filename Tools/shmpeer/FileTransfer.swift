import Glibc
import LinkCore
import LinkSystem

/// A file of random bytes over TCP, and its digest at both ends. It is made while it is sent, and never stored.
struct FileTransfer {
  let watch: Watch
  let deadline: UInt64

  /// The file ends here, or where a slow machine has come to after a while.
  private static let byteCount = 64 << 20
  private static let sendingTime: Duration = .seconds(6)
  private static let blockByteCount = 1 << 16

  /// Connects to `address` and sends the file.
  func send(to address: InternetSocket.Address) throws(Failure) -> (byteCount: Int, digest: UInt32) {
    let socket: OwnedDescriptor
    do { socket = try InternetSocket.connect(to: address) } catch { throw Failure(.unverified, "TCP: \(error)") }
    var digest = CRC32C()
    var state: UInt64 = 0x9e37_79b9_7f4a_7c15
    var block = [UInt8](repeating: 0, count: Self.blockByteCount)
    var byteCount = 0
    let end = moment(after: Self.sendingTime)
    while byteCount < Self.byteCount, monotonicNanoseconds() < end {
      Self.fill(&block, &state)
      digest.add(block.span)
      var written = 0
      while written < block.count {
        try wait(socket, .output)
        let result = InternetSocket.send(socket, block.span.extracting(written...))
        if result == -Int(EAGAIN) { continue }
        guard result > 0 else { throw Failure(.unverified, "TCP send: \(errorMessage(Int32(-result)))") }
        written += result
      }
      byteCount += written
    }
    return (byteCount, digest.value)
  }

  /// Takes one connection and reads it to its end.
  func receive(
    at listener: borrowing OwnedDescriptor
  ) throws(Failure) -> (byteCount: Int, digest: UInt32, nanoseconds: UInt64) {
    try wait(listener, .input)
    var connection: OwnedDescriptor?
    do { connection = try UnixSocket.accept(listener) } catch { throw Failure(.unverified, "TCP: \(error)") }
    guard let socket = connection else { throw Failure(.unverified, "TCP: the connection was reset") }
    let began = monotonicNanoseconds()
    var digest = CRC32C()
    var byteCount = 0
    var block = [UInt8](repeating: 0, count: Self.blockByteCount)
    while true {
      try wait(socket, .input)
      var room = block.mutableSpan
      let result = InternetSocket.receive(socket, into: &room)
      if result == -Int(EAGAIN) { continue }
      guard result >= 0 else { throw Failure(.unverified, "TCP receive: \(errorMessage(Int32(-result)))") }
      if result == 0 { return (byteCount, digest.value, monotonicNanoseconds() &- began) }
      digest.add(block.span.extracting(0..<result))
      byteCount += result
    }
  }

  private func wait(_ socket: borrowing OwnedDescriptor, _ events: PollEvents) throws(Failure) {
    switch watch.wait(socket.number, events, until: deadline) {
    case .ready: return
    case .signal: throw Failure(.unverified, "ended by a signal")
    case .timedOut: throw Failure(.unverified, "TCP: timed out")
    }
  }

  /// Marsaglia's xorshift, eight bytes at a time.
  private static func fill(_ block: inout [UInt8], _ state: inout UInt64) {
    var span = block.mutableSpan
    for start in stride(from: 0, to: span.count, by: 8) {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      for index in 0..<8 { span[start + index] = UInt8(truncatingIfNeeded: state >> UInt64(8 * index)) }
    }
  }
}
