import Glibc

/// Standard output and standard error, unbuffered.
package enum Console {
  package enum Stream: CInt, Sendable {
    case output = 1
    case error = 2
  }

  /// Writes the text and a line end. A reader that is gone is nobody's problem here.
  package static func write(_ text: String, to stream: Stream) {
    let bytes = Array((text + "\n").utf8)
    // SAFETY: the array is valid during the calls, and the loop stays within it.
    unsafe bytes.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[written...])
        let result = unsafe PacketIO.write(stream.rawValue, rest)
        if result <= 0 { break }
        written += result
      }
    }
  }
}
