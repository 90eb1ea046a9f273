import CLinkShims
import Glibc
import LinkSystem

/// The files under the queues: while the link runs, and other files in their places before it does.
extension Attack {
  // linux/falloc.h and linux/fcntl.h
  private static let keepSize: CInt = 1
  private static let punchHole: CInt = 2
  private static let sealWrite: CInt = 8
  private static let sealFutureWrite: CInt = 16

  static let files: [Attack] = [
    Attack("truncate", "every file is cut shorter; seals forbid it", .files) { peer in
      try peer.storm { try resize(peer) { Int.random(in: 0..<$0, using: &peer.random) } }
    },
    Attack("grow", "every file is made longer; seals forbid it", .files) { peer in
      try peer.storm { try resize(peer) { $0 + Int.random(in: 1...1 << 20, using: &peer.random) } }
    },
    Attack("extra-seals", "more seals are put on; a seal forbids it", .files) { peer in
      for number in peer.memoryDescriptors {
        for seal in [sealWrite, sealFutureWrite] where fcntl(number, LINK_F_ADD_SEALS, seal) == 0 {
          throw Complaint("a sealed file took one more seal")
        }
      }
    },
    Attack("punch-data", "holes are punched into the data areas", .files, needsSender: true) { peer in
      peer.storm {
        for index in [0, 5] { punch(peer, peer.files.descriptors[index]) }
        peer.chatter()
      }
    },
    Attack("punch-all", "holes are punched into every file", .files, promise: .survives, needsSender: true) { peer in
      peer.storm {
        for number in peer.memoryDescriptors { punch(peer, number) }
        peer.chatter()
      }
    },
    Attack(
      "unsealed-cut", "files without seals, which the victim takes, are cut to nothing", .files, promise: .closes,
      needsSender: true, isUnsealed: true
    ) { peer in
      for number in peer.memoryDescriptors.shuffled(using: &peer.random) where ftruncate(number, 0) != 0 {
        throw Complaint("an unsealed file kept its size")
      }
      peer.chatter()
    },
    Attack(
      "unsealed-resize", "they become shorter and longer, again and again", .files, promise: .survives,
      needsSender: true, isUnsealed: true
    ) { peer in
      peer.storm {
        let number = peer.memoryDescriptors.randomElement(using: &peer.random)!
        _ = ftruncate(number, Int.random(in: 0...1 << 20, using: &peer.random))
        peer.chatter()
      }
    },
    misfit("file-unsealed", "a file that can be truncated") { byteCount, _ in
      try OwnedDescriptor.unsealedMemory(byteCount: byteCount)
    },
    misfit("file-half-sealed", "a file whose seals can be added to") { byteCount, _ in
      try memory(byteCount, seals: [.shrink, .grow])
    },
    misfit("file-write-sealed", "a file that nobody may write to any more") { byteCount, _ in
      try memory(byteCount, seals: FileSeals.fixedSize.union(FileSeals(rawValue: sealFutureWrite)))
    },
    misfit("file-empty", "a file of no bytes") { _, _ in try memory(0) },
    misfit("file-tiny", "a file of a few bytes") { _, random in try memory(Int.random(in: 1...4095, using: &random)) },
    misfit("file-giant", "a file of 16 TiB") { _, _ in try memory(1 << 44) },
    misfit("file-on-disk", "a program in the place of a memory file") { _, _ in try opened("/proc/self/exe", O_RDONLY)
    },
    misfit("file-device", "/dev/zero in the place of a memory file") { _, _ in try opened("/dev/zero", O_RDWR) },
    misfit("file-directory", "a directory in the place of a memory file") { _, _ in try opened("/", O_RDONLY) },
    misfit("file-socket", "a socket in the place of a memory file") { _, _ in try lonelySocket() },
    misfit("file-eventfd", "an eventfd in the place of a memory file") { _, _ in try EventCounter.create() },
    .files("file-read-only", "a memory file that is open for reading only") { files, random in
      let place = memoryPlace(&random)
      files.replace(place, with: try opened("/proc/self/fd/\(files.descriptors[place])", O_RDONLY))
    },
    .files("file-twice", "one file in two places") { files, random in
      // A pipe of one queue for that of the other: nothing but their being one tells.
      files.replace(7, with: try .duplicating(files.descriptors[Int.random(in: 2...3, using: &random)]))
    },
    .files("files-swapped", "data and shared data change places") { files, _ in files.swapAt(0, 4) },
    .files("event-semaphore", "an eventfd in semaphore mode") { files, random in
      files.replace(eventPlace(&random), with: OwnedDescriptor(owning: link_eventfd(0, 1)))
    },
    .files("event-pipe", "a pipe in the place of the eventfd") { files, random in
      files.replace(eventPlace(&random), with: try lonelySocket())
    },
    .files("event-memory", "a memory file in the place of the eventfd") { files, random in
      files.replace(eventPlace(&random), with: try memory(4096))
    },
    .files("peer-no-socket", "a file in the place of the peer's socket") { files, _ in
      files.replaceVictimSocket(with: try memory(4096))
    },
  ]

  /// Another file in the place of one of the eight memory files. It is told their size.
  private static func misfit(
    _ name: String, _ summary: String,
    _ make: @escaping @Sendable (Int, inout SeededGenerator) throws -> OwnedDescriptor
  ) -> Attack {
    .files(name, summary) { files, random in
      let place = memoryPlace(&random)
      let byteCount = try OwnedDescriptor.status(of: files.descriptors[place]).byteCount
      files.replace(place, with: try make(byteCount, &random))
    }
  }

  private static func memoryPlace(_ random: inout SeededGenerator) -> Int {
    [0, 2, 3, 4, 5, 7, 8, 9].randomElement(using: &random)!
  }
  private static func eventPlace(_ random: inout SeededGenerator) -> Int { random.chance(2) ? 1 : 6 }

  private static func lonelySocket() throws -> OwnedDescriptor {
    let ends = try UnixSocket.pair(.stream).takeBoth()
    _ = OwnedDescriptor(owning: ends[1])
    return OwnedDescriptor(owning: ends[0])
  }

  private static func opened(_ path: String, _ flags: CInt) throws -> OwnedDescriptor {
    try openFile(path, flags)
  }

  private static func memory(_ byteCount: Int, seals: FileSeals = .fixedSize) throws -> OwnedDescriptor {
    let file = try OwnedDescriptor.unsealedMemory(byteCount: byteCount)
    // As a fresh pipe begins, so that only what is wrong is wrong.
    if (4096...1 << 20).contains(byteCount) { try RawMemory(file.number).store(RawPipeWriter.free, 0) }
    _ = fcntl(file.number, LINK_F_ADD_SEALS, seals.rawValue)
    return file
  }

  private static func resize(_ peer: HostilePeer, _ newSize: (Int) -> Int) throws {
    for number in peer.memoryDescriptors {
      let byteCount = try OwnedDescriptor.status(of: number).byteCount
      if ftruncate(number, newSize(byteCount)) == 0 { throw Complaint("a sealed file changed its size") }
    }
    peer.chatter()
  }

  private static func punch(_ peer: HostilePeer, _ number: CInt) {
    let page = Int.random(in: 0..<256, using: &peer.random) * 4096
    _ = link_fallocate(number, keepSize | punchHole, page, 4096 * Int.random(in: 1...64, using: &peer.random))
  }
}

extension HostilePeer {
  fileprivate var memoryDescriptors: [CInt] {
    files.descriptors.indices.filter { $0 % 5 != 1 }.map { files.descriptors[$0] }
  }
}
