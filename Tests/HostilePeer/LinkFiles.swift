import LinkSystem

package enum LinkRole: String, CaseIterable, Sendable, Codable { case client, server }

/// What a link is made of, as the victim gets it: the five descriptors of either queue in the order of the wire, named by
/// the client's side, and a socket. An attack may put others in their places.
package final class LinkFiles {
  /// The transmit queue's five, then the receive queue's.
  package private(set) var descriptors: [CInt] = []
  /// The end that the victim gets.
  package private(set) var victimSocket: CInt
  /// The attacker's end.
  package private(set) var socket: CInt

  /// Whether the memory files are sealed against resizing. Those of some implementations are not.
  package let isSealed: Bool

  static let dataByteCount = 1 << 20
  static let pipeByteCount = 1 << 16
  static let sharedByteCount = 4096
  static let freshPipe: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0x80]

  package init(isSealed: Bool = true) throws {
    self.isSealed = isSealed
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    (socket, victimSocket) = (ends[0], ends[1])
    for _ in 0..<2 {
      try add("data", Self.dataByteCount)
      descriptors.append(try EventCounter.create().release())
      for name in ["tx-pipe", "rx-pipe"] { try add(name, Self.pipeByteCount, Self.freshPipe) }
      try add("shared", Self.sharedByteCount)
    }
  }

  private func add(_ name: String, _ byteCount: Int, _ bytes: [UInt8] = []) throws {
    let file =
      isSealed
      ? try OwnedDescriptor.sealedMemory(name: name, byteCount: byteCount, startingWith: bytes)
      : try OwnedDescriptor.unsealedMemory(byteCount: byteCount, startingWith: bytes)
    descriptors.append(file.release())
  }

  /// The files of a hand-over, which came over `socket`. It takes over all of them.
  init(descriptors: [CInt], socket: consuming OwnedDescriptor) {
    isSealed = true
    self.descriptors = descriptors
    self.socket = socket.release()
    victimSocket = -1
  }

  deinit {
    for number in descriptors + [victimSocket, socket] where number >= 0 { _ = OwnedDescriptor(owning: number) }
  }

  /// Once the victim has its copies.
  package func closeVictimSocket() {
    if victimSocket >= 0 { _ = OwnedDescriptor(owning: victimSocket) }
    victimSocket = -1
  }

  /// Puts another file in the place of one of the ten.
  func replace(_ index: Int, with file: consuming OwnedDescriptor) {
    _ = OwnedDescriptor(owning: descriptors[index])
    descriptors[index] = file.release()
  }

  func replaceVictimSocket(with file: consuming OwnedDescriptor) {
    closeVictimSocket()
    victimSocket = file.release()
  }

  func closeSocket() {
    if socket >= 0 { _ = OwnedDescriptor(owning: socket) }
    socket = -1
  }

  func swapAt(_ first: Int, _ second: Int) { descriptors.swapAt(first, second) }
}
