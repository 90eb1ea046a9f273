import Eventfd
import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// Takes five numbers as a queue; returns the error's text, and closes nothing itself.
private func refusal(_ descriptors: [Int32]) -> LinkError? {
  do throws(LinkError) {
    _ = try QueueFiles(takingOwnershipOf: descriptors)
    return nil
  } catch { return error }
}

/// One page of a gigabyte or less; no memory is taken for it.
private func makeHugePages() throws -> OwnedDescriptor {
  try OwnedDescriptor.unsealedMemory(byteCount: 1 << 30, isHugePages: true)
}

private func isOpen(_ number: Int32) -> Bool { (try? OwnedDescriptor.status(of: number)) != nil }

@Suite struct `Queue files` {
  @Test func `are five descriptors in wire order, memory sealed against resizing`() throws {
    let files = try QueueFiles.make()
    let numbers = files.descriptors
    #expect(numbers.count == 5)
    #expect(
      try [0, 2, 3, 4].map { try OwnedDescriptor.status(of: numbers[$0]).byteCount } == [
        1 << 20, 1 << 16, 1 << 16, 4096,
      ])
    for index in [0, 2, 3, 4] { #expect(try OwnedDescriptor.seals(of: numbers[index]) == .fixedSize) }
    #expect(try OwnedDescriptor.status(of: numbers[1]).kind == .anonymous)
    for index in [2, 3] {
      let mapping = try Mapping(try OwnedDescriptor.duplicating(numbers[index]))
      #expect(firstBytes(of: mapping, 16) == [0, 0, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0])
    }
    withExtendedLifetime(files) {}
  }

  @Test func `are refused unless there are five different ones`() throws {
    #expect(refusal([])?.code == .badDescriptor)
    #expect(refusal([3, 3, 3, 3, 3])?.code == .badDescriptor)
    #expect(refusal([1, 2, 3, 4])?.description.contains("five") == true)
  }

  @Test func `are refused when one is not open, and the others stay the caller's`() throws {
    let files = try QueueFiles.make()
    for index in 0..<5 {
      var numbers = files.descriptors
      numbers[index] = 987_654
      let error = try #require(refusal(numbers))
      #expect(error.code == .badDescriptor)
      #expect(error.description.contains("987654"))
    }
    #expect(files.descriptors.allSatisfy(isOpen))
  }

  @Test func `are refused in any wrong order that shows, with the number that is wrong`() throws {
    let files = try QueueFiles.make()
    let numbers = files.descriptors
    for (a, b) in [(0, 1), (1, 2), (1, 4), (2, 4), (3, 4)] {
      var swapped = numbers
      swapped.swapAt(a, b)
      let error = try #require(refusal(swapped), "\(a) and \(b) swapped")
      #expect(error.code == .badDescriptor)
      #expect([a, b].contains { error.description.contains("descriptor \(swapped[$0])") }, "\(error)")
    }
    withExtendedLifetime(files) {}
  }

  @Test func `are refused unsealed, too small, and of other kinds`() throws {
    let files = try QueueFiles.make()
    let unsealed = try OwnedDescriptor.unsealedMemory(byteCount: 1 << 16)
    let tiny = try OwnedDescriptor.sealedMemory(name: "tiny", byteCount: 64)
    let sockets = try UnixSocket.pair(.stream)
    for (number, word) in [(unsealed.number, "sealed"), (tiny.number, "64 bytes"), (sockets.first.number, "memfd")] {
      for index in [0, 2, 3] {
        var numbers = files.descriptors
        numbers[index] = number
        let error = try #require(refusal(numbers))
        #expect(error.description.contains(word), "\(error)")
      }
      var numbers = files.descriptors
      numbers[1] = number
      #expect(refusal(numbers)?.description.contains("eventfd") == true)
    }
    withExtendedLifetime(sockets) {}
    withExtendedLifetime(files) {}
  }

  @Test(.enabled(if: (try? makeHugePages()) != nil, "needs a kernel with huge pages"))
  func `are refused when they are made of huge pages, which a peer can take away in spite of seals`() throws {
    let files = try QueueFiles.make()
    let huge = try makeHugePages()
    var numbers = files.descriptors
    numbers[0] = huge.number
    let error = try #require(refusal(numbers))
    #expect(error.code == .badDescriptor && error.description.contains("huge pages"), "\(error)")
    withExtendedLifetime(files) {}
  }

  @Test func `cannot be made of an impossible geometry`() throws {
    for change: (inout QueueGeometry) -> Void in [
      { $0.bufferByteCount = 0 }, { $0.bufferByteCount = 63 }, { $0.bufferByteCount = 65537 },
      { $0.dataByteCount = 0 }, { $0.dataByteCount = -1 }, { $0.dataByteCount = 1 << 40 },
      { $0.pipeByteCount = 0 }, { $0.pipeByteCount = 1 << 30 },
    ] {
      var geometry = QueueGeometry()
      change(&geometry)
      var code: LinkError.Code?
      do throws(LinkError) { _ = try QueuePair.make(geometry) } catch { code = error.code }
      #expect(code == .invalidArgument, "\(geometry)")
    }
  }
}

@Suite struct `An endpoint` {
  private func error(_ change: (inout LinkOptions) -> Void, bufferByteCount: Int = 2048, peer: Int32? = nil) throws
    -> LinkError?
  {
    var options = LinkOptions()
    change(&options)
    let queues = try QueuePair.make()
    do throws(LinkError) {
      _ = try SharedMemEndpoint(.client, queues: queues, peer: peer, bufferByteCount: bufferByteCount, options: options)
      return nil
    } catch { return error }
  }

  @Test func `refuses impossible options with the limits in the text`() throws {
    for mtu in [0, 67, 65537, -1, Int.max] {
      let error = try #require(try error { $0.mtu = mtu })
      #expect(error.code == .invalidArgument && error.description.contains("68 to 65536"), "\(error)")
    }
    for count in [0, 63, 65537, -1] {
      #expect(try error({ _ in }, bufferByteCount: count)?.description.contains("64 to 65536") == true)
    }
    #expect(try error { $0.batchCapacity = 0 }?.code == .invalidArgument)
    #expect(try error { $0.batchCapacity = 65 }?.code == .invalidArgument)
    #expect(try error { $0.spin = .seconds(1) }?.code == .invalidArgument)
    #expect(try error { $0.linkAddress = .broadcast }?.code == .invalidArgument)
    #expect(try error { $0.pool = PacketPool(chunkByteCount: 256, capacity: 1) }?.code == .invalidArgument)
    #expect(try error { _ in } == nil)
  }

  @Test func `refuses a peer descriptor that is no socket and leaves it to the caller`() throws {
    let event = try EventFD()
    #expect(try error({ _ in }, peer: event.descriptor)?.code == .badDescriptor)
    #expect(isOpen(event.descriptor))
    #expect(try error({ _ in }, peer: 987_654)?.code == .badDescriptor)
  }

  @Test func `refuses an MTU that its queues cannot carry`() throws {
    // Too little data; enough of it, but pipes too small for a message that names so many buffers.
    for (data, pipe, buffer) in [(16384, 65536, 2048), (1 << 20, 4096, 64)] {
      for role in [SharedMemEndpoint.Role.client, .server] {
        var geometry = QueueGeometry()
        geometry.dataByteCount = data
        geometry.pipeByteCount = pipe
        var code: LinkError.Code?
        let queues = try QueuePair.make(geometry)
        do throws(LinkError) {
          _ = try SharedMemEndpoint(role, queues: queues, bufferByteCount: buffer, options: LinkOptions(mtu: 20000))
        } catch { code = error.code }
        #expect(code == .invalidArgument)
      }
    }
  }
}
