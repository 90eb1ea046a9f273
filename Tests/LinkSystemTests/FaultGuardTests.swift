import Glibc
import LinkSystem
import LinkTestSupport
import Testing

/// The guard changes the process's signals: each test has a process of its own.
@Suite struct `A guarded mapping` {
  @Test func `reads as zeros, and says so, when its file was cut off`() async {
    await #expect(processExitsWith: .success) {
      for (size, byteCount) in [(0, 8192), (4096, 8192), (5000, 12288), (0, 100)] {
        let file = try OwnedDescriptor.unsealedMemory(byteCount: byteCount, startingWith: [1, 2, 3])
        let mapping = try Mapping(file, byteCount: byteCount, isGuarded: true)
        let other = try Mapping(
          try OwnedDescriptor.unsealedMemory(byteCount: 4096, startingWith: [9]), byteCount: 4096, isGuarded: true)
        try #require(firstByte(of: mapping) == 1 && !mapping.hasFaulted)
        try #require(ftruncate(file.number, size) == 0)
        errno = 77
        let last = lastByte(of: mapping)
        let number = errno
        try #require(last == 0 && mapping.hasFaulted && number == 77)
        // All of it, for good, and writable.
        try #require(firstByte(of: mapping) == 0)
        writeEverywhere(mapping)
        try #require(lastByte(of: mapping) == 0x55)
        try #require(firstByte(of: other) == 9 && !other.hasFaulted)
      }
    }
  }

  @Test func `may be longer than its file from the start`() async {
    await #expect(processExitsWith: .success) {
      let file = try OwnedDescriptor.unsealedMemory(byteCount: 0)
      let mapping = try Mapping(file, byteCount: 1 << 20, isGuarded: true)
      writeEverywhere(mapping)
      try #require(mapping.hasFaulted == true)
    }
  }

  /// The thread sanitizer has a lock of its own during some of them: the handler may not need it.
  @Test func `is mended at ordered atomic accesses`() async {
    await #expect(processExitsWith: .success) {
      for kind in OrderedAccess.allCases {
        let shared = try Shared(byteCount: 4096)
        shared.cut()
        access(shared.mapping, by: kind)
        try #require(shared.mapping.hasFaulted == true)
      }
    }
  }

  @Test func `is mended on many threads at once`() async {
    await #expect(processExitsWith: .success) {
      for _ in 0..<50 {
        let shared = try Shared(byteCount: 1 << 20)
        try concurrently(4) { number in
          if number == 0 { shared.cut() } else { for _ in 0..<3 { writeEverywhere(shared.mapping) } }
        }
        writeEverywhere(shared.mapping)
        try #require(shared.mapping.hasFaulted == true)
      }
    }
  }

  @Test func `is mended on a thread that was started with the signal blocked`() async {
    await #expect(processExitsWith: .success) {
      _ = try ProcessControl.signalDescriptor([SIGBUS])
      let shared = try Shared(byteCount: 4096)
      shared.cut()
      try SystemThread(name: "worker") { writeEverywhere(shared.mapping) }.join()
      try #require(shared.mapping.hasFaulted == true)
    }
  }

  @Test func `gives its place back`() async {
    await #expect(processExitsWith: .success) {
      let file = try OwnedDescriptor.unsealedMemory(byteCount: 4096)
      // More than there are places.
      for _ in 0..<10_000 { _ = try Mapping(file, byteCount: 4096, isGuarded: true) }
      try #require(ftruncate(file.number, 0) == 0)
      let mapping = try Mapping(file, byteCount: 4096, isGuarded: true)
      try #require(firstByte(of: mapping) == 0 && mapping.hasFaulted)
      var kept: [Shared] = []
      var refused: CInt?
      do throws(SystemError) {
        for _ in 0..<5000 { kept.append(try Shared(byteCount: 4096)) }
      } catch { refused = error.number }
      try #require(refused == ENOMEM || refused == EMFILE)
    }
  }
}

@Suite struct `A SIGBUS that is not the guard's` {
  @Test func `ends the process as before`() async {
    await #expect(processExitsWith: .signal(SIGBUS)) {
      restoreDefaultAction()
      let guarded = try Shared(byteCount: 4096)
      try fault(try OwnedDescriptor.unsealedMemory(byteCount: 4096))
      withExtendedLifetime(guarded) {}
    }
  }

  @Test func `that somebody sends ends the process as before`() async {
    await #expect(processExitsWith: .signal(SIGBUS)) {
      restoreDefaultAction()
      let guarded = try Shared(byteCount: 4096)
      raise(SIGBUS)
      withExtendedLifetime(guarded) {}
    }
  }

  @Test func `goes to the handler that was there before`() async {
    await #expect(processExitsWith: .exitCode(42)) {
      _ = signal(SIGBUS) { _ in _exit(42) }
      let guarded = try Shared(byteCount: 4096)
      guarded.cut()
      writeEverywhere(guarded.mapping)
      try #require(guarded.mapping.hasFaulted == true)
      try fault(try OwnedDescriptor.unsealedMemory(byteCount: 4096))
    }
  }

  @Test func `goes once to a handler that is meant to run once`() async {
    await #expect(processExitsWith: .signal(SIGBUS)) {
      installHandlerForOnce()
      let guarded = try Shared(byteCount: 4096)
      try fault(try OwnedDescriptor.unsealedMemory(byteCount: 4096))
      withExtendedLifetime(guarded) {}
    }
  }

  @Test func `ends the process when it is in a mapping that was guarded once`() async {
    await #expect(processExitsWith: .signal(SIGBUS)) {
      restoreDefaultAction()
      for _ in 0..<100 { _ = try Shared(byteCount: 4096) }
      // Most likely at the same address.
      try fault(try OwnedDescriptor.unsealedMemory(byteCount: 4096))
    }
  }
}

/// A guarded mapping and its file, for several threads.
private final class Shared: Sendable {
  let mapping: Mapping
  private let file: OwnedDescriptor
  init(byteCount: Int) throws(SystemError) {
    let file = try OwnedDescriptor.unsealedMemory(byteCount: byteCount)
    mapping = try Mapping(file, byteCount: byteCount, isGuarded: true)
    self.file = file
  }
  func cut() { _ = ftruncate(file.number, 0) }
}

/// Reads what is missing through a mapping without a guard.
private func fault(_ file: consuming OwnedDescriptor) throws {
  let mapping = try Mapping(file)
  guard ftruncate(file.number, 0) == 0 else { return }
  _ = firstByte(of: mapping)
}

/// The toolchain's own crash handler writes a report first, which takes long.
private func restoreDefaultAction() { _ = signal(SIGBUS, SIG_DFL) }
