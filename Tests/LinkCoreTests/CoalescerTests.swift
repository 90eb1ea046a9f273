import LinkCore
import LinkTestSupport
import Testing

struct CoalescerTests {
  typealias Packet = CoalescingOracle.Packet
  /// A new one each time: tests run side by side.
  static var pool: PacketPool { PacketPool(frameByteCount: 65550, capacity: 64) }

  /// A stream of TCP segments or datagrams.
  struct Stream {
    var packet = InternetPacket()

    init(port: UInt16 = 1, isTCP: Bool = true, isIPv6: Bool = false) {
      packet.sourcePort = port
      packet.isTCP = isTCP
      packet.isIPv6 = isIPv6
    }

    mutating func next(_ byteCount: Int = 100, flags: UInt8 = 0x10) -> Packet {
      packet.payload = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ Int(packet.sequence)) }
      packet.flags = flags
      let frame = packet.completeFrame
      packet.sequence &+= UInt32(byteCount)
      packet.identification &+= 1
      return Packet(frame)
    }
  }

  static func check(_ packets: [Packet], kinds: OffloadSupport = .all, pool: PacketPool = pool) throws -> [Packet] {
    try CoalescingOracle.check(packets, linkHeaderLength: 0, kinds: kinds, pool: pool)
  }

  @Test func `interleaved flows become one packet each, in the order of their first segments`() throws {
    var streams = [
      Stream(port: 1), Stream(port: 2, isIPv6: true), Stream(port: 3, isTCP: false),
      Stream(port: 4, isTCP: false, isIPv6: true),
    ]
    var packets: [Packet] = []
    for _ in 0..<16 { for index in streams.indices { packets.append(streams[index].next()) } }
    let result = try Self.check(packets)
    #expect(result.map { $0.offload.segmentation } == [.tcpOverIPv4, .tcpOverIPv6, .udp, .udp])
    #expect(result.map { $0.frame.count } == [1640, 1660, 1628, 1648])
  }

  @Test func `more flows than are told apart lose nothing but size`() throws {
    var streams = (1...20).map { Stream(port: $0) }
    var packets: [Packet] = []
    for _ in 0..<3 { for index in streams.indices { packets.append(streams[index].next()) } }
    _ = try Self.check(packets)
  }

  @Test func `only the kinds that are asked for are joined`() throws {
    let kinds: [OffloadSupport] = [.tcpOverIPv4, .tcpOverIPv6, .udp]
    for kind in kinds + [[]] {
      var streams = [Stream(port: 1), Stream(port: 2, isIPv6: true), Stream(port: 3, isTCP: false)]
      let packets = streams.indices.flatMap { index in [streams[index].next(), streams[index].next()] }
      let result = try Self.check(packets, kinds: kind)
      let joined = result.indices.filter { result[$0].offload.segmentation != .none }
      #expect(joined == (kinds.firstIndex(of: kind).map { [2 * $0] } ?? []))
    }
  }

  @Test func `what cannot be told is not overtaken`() throws {
    var stream = Stream()
    let fragment: [UInt8] = [0x45, 0, 0, 28, 0, 0, 0x20, 0, 64, 6, 0, 0] + [UInt8](repeating: 1, count: 16)
    let result = try Self.check([stream.next(), stream.next(), Packet(fragment), stream.next(), stream.next()])
    #expect(result.map { $0.frame.count } == [240, 28, 240])
  }

  @Test func `a packet without data is not overtaken by the data behind it`() throws {
    var stream = Stream()
    let packets = [stream.next(), stream.next(0, flags: 0x11), stream.next(), stream.next()]
    #expect(try Self.check(packets).map { $0.frame.count } == [140, 40, 240])
  }

  @Test func `a packet grows to the largest that IP can say, and no further`() throws {
    for isIPv6 in [false, true] {
      var stream = Stream(isIPv6: isIPv6)
      let headers = isIPv6 ? 60 : 40
      let most = (65535 - headers) / 2
      let fits = try Self.check([stream.next(most), stream.next(most), stream.next(1)])
      #expect(fits.map { $0.frame.count } == [65535])
      let tooMuch = try Self.check([stream.next(most + 1), stream.next(most + 1)])
      #expect(tooMuch.count == 2)
    }
  }

  @Test func `without tailroom a packet is whole, and the next one begins`() throws {
    var stream = Stream()
    let packets = (0..<6).map { _ in stream.next() }
    let pool = PacketPool(frameByteCount: 340, capacity: 64)
    #expect(try Self.check(packets, pool: pool).map { $0.frame.count } == [340, 340])
  }

  @Test func `a batch with gaps, an empty one and one of a single packet are all right`() throws {
    var stream = Stream()
    var coalescer = Coalescer(.all)
    var batch = PacketBatch(capacity: 4, pool: Self.pool)
    #expect(coalescer.coalesce(&batch, linkHeaderLength: 0) == 0)
    for _ in 0..<4 { _ = batch.add(stream.next().frame) }
    _ = batch.take(0)
    #expect(coalescer.coalesce(&batch, linkHeaderLength: 0) == 2)
    #expect(batch.count == 1 && batch.withBytes(of: 0) { $0.count } == 340)
    #expect(coalescer.coalesce(&batch, linkHeaderLength: 0) == 0)
    #expect(batch.count == 1)
  }

  @Test func `whatever comes in whatever order is there afterwards`() throws {
    var random = SeededRandom("coalescing")
    var joined = 0
    for _ in 0..<200 {
      var packets = Self.traffic(&random)
      Self.disturb(&packets, &random)
      joined += packets.count - (try Self.check(packets)).count
    }
    #expect(joined > 1000)
  }

  private static func traffic(_ random: inout SeededRandom) -> [Packet] {
    var streams = (0..<Int.random(in: 1...5, using: &random)).map { port in
      var stream = Stream(port: UInt16(port), isTCP: random.next() % 4 > 0, isIPv6: random.next() % 2 == 0)
      stream.packet.sequence = UInt32.random(in: .min ... .max, using: &random)
      stream.packet.identification = UInt16.random(in: .min ... .max, using: &random)
      if random.next() % 2 == 0 { stream.packet.tcpOptions = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] }
      return stream
    }
    return (0..<Int.random(in: 1...64, using: &random)).map { _ in
      let index = Int.random(in: streams.indices, using: &random)
      var byteCount = 120
      var flags: UInt8 = 0x10
      switch random.next() % 24 {
      case 0: byteCount = Int.random(in: 0...200, using: &random)
      case 1: flags = UInt8.random(in: .min ... .max, using: &random)
      case 2: flags = 0x18
      case 3: streams[index].packet.sequence &+= 1
      case 4: streams[index].packet.identification &+= UInt16(random.next() % 3)
      default: break
      }
      return streams[index].next(byteCount, flags: flags)
    }
  }

  /// Exchanges, repeats and damages packets.
  private static func disturb(_ packets: inout [Packet], _ random: inout SeededRandom) {
    for _ in 0..<Int.random(in: 0...4, using: &random) {
      let (a, b) = (packets.indices.randomElement(using: &random)!, packets.indices.randomElement(using: &random)!)
      switch random.next() % 5 {
      case 0: packets.swapAt(a, b)
      case 1: packets[a] = packets[b]
      case 2: packets[a].frame[packets[a].frame.indices.randomElement(using: &random)!] ^= 1 << (random.next() % 8)
      case 3: packets[a].frame.removeLast(Int(random.next() % UInt64(packets[a].frame.count)))
      default: packets[a].offload.checksum = .verified
      }
    }
  }
}
