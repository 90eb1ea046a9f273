package import LinkSystem
import SharedMemLink

/// What a client of a server of hand-overs can do wrong.
package enum BadClient: CaseIterable, Sendable {
  case silence, garbage, hangUp, otherVersion, otherRole, manyDescriptors, helloOnly, twoHellos, refusal, nonsenseAnswer

  /// Connects and does it. The connection is the caller's to keep for as long as it is to last. `count`: of bytes or
  /// descriptors, where it does not matter how many.
  package func commit(_ path: String, _ count: Int) throws -> OwnedDescriptor {
    let socket = OwnedDescriptor(owning: try HandOver.connect(path: path))
    let head: [UInt8] = Array("SWLINK".utf8)
    let hello = head + [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    // The server may have let go meanwhile; kernels from 6.16 on refuse descriptors for it.
    let number = socket.number
    func send(_ bytes: [UInt8], _ descriptors: [CInt] = []) {
      try? DescriptorMessage(bytes: bytes, descriptors: descriptors).send(on: number)
    }
    switch self {
    case .silence: break
    case .garbage: send((0..<count).map { UInt8($0 & 0xff) } + [1])
    case .hangUp: UnixSocket.shutDown(number)
    case .otherVersion: send(head + [UInt8(2 + count % 200), 0, 0, 0, 0, 0])
    case .otherRole: send(head + [1, 0, 1, 0, 0, 0, 0, 0, 0, 0])
    case .manyDescriptors: send(hello, Array(repeating: number, count: count % 254))
    case .helloOnly: send(hello)
    case .twoHellos:
      send(hello)
      send(hello)
    case .refusal:
      send(hello)
      send(head + [1, 0, 2, 0, 0, 0])
    case .nonsenseAnswer:
      send(hello)
      send([UInt8](repeating: 7, count: 5000))
    }
    return socket
  }
}

/// Connections that stay until this object goes.
package final class Crowd {
  package init() {}
  private var numbers: [CInt] = []
  package func add(_ socket: consuming OwnedDescriptor) { numbers.append(socket.release()) }
  package func events(_ index: Int) -> PollEvents {
    (try? poll(numbers[index], [.input, .peerShutdown], nanoseconds: 0)) ?? .invalid
  }
  deinit { for number in numbers { _ = OwnedDescriptor(owning: number) } }
}
