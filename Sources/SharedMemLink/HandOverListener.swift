import Eventfd
public import LinkCore
import LinkSystem

/// A Unix seqpacket socket at a path, where peers come for their queues. The socket file goes away with this value.
public struct HandOverListener: ~Copyable, Sendable {
  private let socket: OwnedDescriptor
  public let path: String

  /// Listens at `path`, at most 107 bytes long. A socket file that nobody listens on any more is replaced.
  /// Throws `system`: EADDRINUSE when somebody listens there, or the path is another kind of file.
  public init(path: String) throws(LinkError) {
    do { socket = try UnixSocket.listen(path: path) } catch { throw LinkError(error) }
    self.path = path
  }

  deinit { UnixSocket.removeFile(path) }

  /// For a wait of your own: it polls readable when a peer comes.
  public var descriptor: Int32 { socket.number }

  /// The next peer's connection, which is the caller's to close or to give to an endpoint. Nil when the time is over;
  /// without a timeout it waits for ever.
  public func accept(timeout: Duration? = nil) throws(LinkError) -> Int32? {
    let deadline = timeout.map { monotonicNanoseconds() &+ $0.clampedNanoseconds }
    do throws(SystemError) {
      while true {
        if let connection = try UnixSocket.accept(socket) { return connection.release() }
        let now = monotonicNanoseconds()
        if let deadline, now >= deadline { return nil }
        _ = try poll(socket.number, .input, nanoseconds: deadline.map { $0 - now })
      }
    } catch { throw LinkError(error) }
  }
}

extension HandOver {
  /// Connects to the listener at `path`. The connection is the caller's to close or to give to an endpoint.
  /// Throws `system`: ENOENT or ECONNREFUSED when nobody listens there.
  public static func connect(path: String) throws(LinkError) -> Int32 {
    do { return try UnixSocket.connect(path: path).release() } catch { throw LinkError(error) }
  }
}
