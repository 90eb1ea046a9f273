#if DEBUG
  import Glibc
  import LinkSystem
  import LinkTestSupport
  import Synchronization
  import Testing

  @testable import SharedMemLink

  /// Shrinks and seals one file after the other, on a thread of its own.
  private final class Shrinker: Sendable {
    /// The file that is to be shrunk; `none`: the last one is, `over`: there are no more.
    private let file = Atomic<Int32>(none)
    private let delay = Atomic<Int>(0)
    private static let (none, over): (Int32, Int32) = (-1, -2)

    init() throws {
      _ = try SystemThread(name: "shrinker") { [self] in
        while true {
          let number = file.load(ordering: .acquiring)
          if number == Self.over { return }
          if number == Self.none { continue }
          for _ in 0..<delay.load(ordering: .relaxed) { _ = try? OwnedDescriptor.status(of: number) }
          _ = ftruncate(number, 4096)
          _ = fcntl(number, 1033, FileSeals.fixedSize.rawValue)
          file.store(Self.none, ordering: .releasing)
        }
      }
    }

    /// `delay`: how many calls of the kernel it waits for.
    func begin(_ number: Int32, delay: Int) {
      self.delay.store(delay, ordering: .relaxed)
      file.store(number, ordering: .releasing)
    }
    func wait() throws { #expect(try eventually { file.load(ordering: .acquiring) == Self.none }) }
    func end() { file.store(Self.over, ordering: .releasing) }
  }

  @Suite struct `The size of a memory file` {
    @Test func `is the one that was sealed, even if it shrank while it was looked at`() throws {
      var random = SeededRandom("seals")
      let shrinker = try Shrinker()
      defer { shrinker.end() }
      for _ in 0..<2000 {
        let file = try OwnedDescriptor.unsealedMemory(byteCount: 1 << 20)
        shrinker.begin(file.number, delay: Int.random(in: 0..<30, using: &random))
        let check = try? MemoryFileCheck(file.number, "data", 4096...(1 << 20), .sealedOnly)
        try shrinker.wait()
        if let check { #expect(check.byteCount == 4096) }
      }
    }
  }
#endif
