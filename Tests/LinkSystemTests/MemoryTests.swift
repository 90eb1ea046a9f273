import Glibc
import LinkSystem
import LinkTestSupport
import Testing

@Suite struct MemoryTests {
  @Test func `sealed memory has its size, its seals and zeros`() throws {
    let file = try OwnedDescriptor.sealedMemory(name: "test", byteCount: 8192)
    let status = try file.status()
    let seals = try OwnedDescriptor.seals(of: file.number)
    #expect(status.kind == .regularFile && status.byteCount == 8192)
    #expect(seals.isSuperset(of: .fixedSize))
    #expect(fcntl(file.number, F_GETFD) & FD_CLOEXEC != 0)
  }

  @Test func `sealed memory can neither shrink nor grow nor lose its seals`() throws {
    let file = try OwnedDescriptor.sealedMemory(name: "test", byteCount: 4096)
    for size in [0, 4095, 4097, 1 << 20] {
      let result = ftruncate(file.number, size)
      let number = errno
      #expect(result == -1 && number == EPERM, "ftruncate to \(size)")
    }
    let status = try file.status()
    #expect(status.byteCount == 4096)
  }

  @Test func `memory of no size is refused without a leak`() throws {
    #expect(throws: SystemError.self) { _ = try OwnedDescriptor.sealedMemory(name: "test", byteCount: 0) }
    #expect(throws: SystemError.self) { _ = try OwnedDescriptor.sealedMemory(name: "test", byteCount: -1) }
  }

  @Test func `seals of what cannot have any are an error`() throws {
    let sockets = try UnixSocket.pair(.seqpacket)
    #expect(throws: SystemError.self) { _ = try OwnedDescriptor.seals(of: sockets.first.number) }
  }

  @Test func `a mapping has the size of its file`() throws {
    let file = try OwnedDescriptor.sealedMemory(name: "test", byteCount: 12288)
    let byteCount = try Mapping(file).byteCount
    #expect(byteCount == 12288)
  }

  @Test func `an impossible mapping is an error`() throws {
    let closed = OwnedDescriptor(owning: -1)
    #expect(throws: SystemError.self) { _ = try Mapping(closed) }
    let sockets = try UnixSocket.pair(.seqpacket)
    #expect(throws: SystemError.self) { _ = try Mapping(sockets.first) }
  }

  @Test func `memory can start with bytes`() throws {
    let file = try OwnedDescriptor.sealedMemory(name: "test", byteCount: 64, startingWith: [1, 0, 0, 0, 0, 0, 0, 0x80])
    let word = try OwnedDescriptor.firstWord(of: file.number)
    #expect(word == UInt64(1) << 63 | 1)
  }

  @Test func `descriptors and mappings live as long as their owners`() async {
    await #expect(processExitsWith: .success) {
      func use() throws {
        let before = try ResourceSnapshot.baseline()
        do {
          let file = try OwnedDescriptor.sealedMemory(name: "lifetime", byteCount: 1 << 20)
          let mapping = try Mapping(file)
          let second = try file.duplicate()
          let during = try ResourceSnapshot()
          try #require(during.excess(over: before).count == 3)
          try #require(mapping.byteCount == 1 << 20 && second.number != file.number)
        }
        for _ in 0..<100 {
          #expect(throws: SystemError.self) { _ = try OwnedDescriptor.sealedMemory(name: "none", byteCount: 0) }
        }
        let after = try ResourceSnapshot()
        try #require(after.excess(over: before) == [])
      }
      try use()
    }
  }

  @Test func `a mapping outlives its descriptor`() async {
    await #expect(processExitsWith: .success) {
      func map() throws -> Mapping {
        try Mapping(try OwnedDescriptor.sealedMemory(name: "outlives", byteCount: 4096))
      }
      let before = try ResourceSnapshot.baseline()
      let mapping = try map()
      let excess = try ResourceSnapshot().excess(over: before)
      try #require(excess.count == 1 && excess[0].contains("outlives"), "\(excess)")
      let byteCount = mapping.byteCount
      try #require(byteCount == 4096)
    }
  }
}
