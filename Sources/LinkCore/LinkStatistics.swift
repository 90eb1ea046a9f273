/// Why a packet was not delivered or not sent. The raw value is its name in tools and scripts.
public enum DropCause: String, CaseIterable, Sendable {
  /// No byte at all.
  case empty
  /// Shorter than its link header.
  case runt
  /// Larger than the MTU allows, or than any buffer of the link.
  case oversize
  /// The kernel had more bytes than it could hand over.
  case truncated
  /// Handed over for sending without the link header that the link needs, or with one that it does not have.
  case unframed
  /// Addressed to somebody else.
  case misaddressed
  /// The peer described it wrongly: buffers outside the shared memory, or too small for it.
  case malformed
  /// The kernel, or the device behind the descriptor, did not take this packet.
  case refused
  /// The interface was down.
  case linkDown = "link-down"
  /// Nowhere to put it: a bounded queue behind the link was full, or was given up when the link closed.
  case noRoom = "no-room"
  /// Not what the receiver was told to expect.
  case foreign
}

/// What happened on a link besides packets.
public enum LinkEvent: Int, CaseIterable, Sendable {
  /// Eventfd writes that announced packets to the peer.
  case notification
  /// Times that the link's thread went to sleep.
  case sleep
  /// Times that it woke for nothing: more than a few show a peer that rings without sending.
  case emptyWakeUp
  /// Times that reception stood still because the packet pool was empty.
  case starvation
  /// Times that the link looked for room on a timer: its peer announces none.
  case roomCheck
  /// Completions of packets that were not under way: a peer that does not keep to the protocol.
  case badCompletion
  /// Messages on the peer's descriptor, which carries none. They are thrown away.
  case strayInput
  /// Writes that took fewer packets than they were given, for want of room.
  case refusedWrite
  /// Times that room was announced: among `sent` by the peer, among `received` to the peer, which had asked for it.
  case roomAnnouncement
  /// Packets that the link cut, or whose checksum it computed, since nobody behind it does. Among `sent`.
  case softwareOffload
  /// Packets that became part of the one before: each was counted as a packet of its own.
  case coalescedPacket
  /// Kinds of offload that the kernel had granted and then refused: the link does them itself from then on.
  case offloadRefusal
  /// Times that the link waited a microsecond for more packets before it took the first ones: where they come one at a time
  /// and many a microsecond, and now and then to try whether they do. Among `received`.
  case temporalSlip
}

/// The counters of one direction of a link.
public struct LinkTally: Equatable, Sendable {
  /// Packets delivered, or taken over by the peer's queue or the kernel.
  public var packets: UInt64 = 0
  /// Their bytes, link headers included.
  public var bytes: UInt64 = 0
  /// Deliveries, or writes, with at least one packet.
  public var batches: UInt64 = 0
  private var dropCounts = InlineArray<16, UInt64>(repeating: 0)
  private var eventCounts = InlineArray<16, UInt64>(repeating: 0)
  /// Set by the subscripts, so that a quiet batch publishes three counters only.
  @usableFromInline package var hasRareChanges = false

  public init() {}

  /// Packets dropped for one cause.
  public subscript(cause: DropCause) -> UInt64 {
    get { dropCounts[cause.index] }
    set {
      dropCounts[cause.index] = newValue
      hasRareChanges = true
    }
  }

  public subscript(event: LinkEvent) -> UInt64 {
    get { eventCounts[event.rawValue] }
    set {
      eventCounts[event.rawValue] = newValue
      hasRareChanges = true
    }
  }

  /// Packets dropped, whatever the cause.
  public var dropped: UInt64 { DropCause.allCases.reduce(0) { $0 + self[$1] } }
  /// Packets that arrived, or were handed over for sending: `packets` and all drops.
  public var offered: UInt64 { packets + dropped }

  /// What both have counted.
  public static func + (a: LinkTally, b: LinkTally) -> LinkTally {
    var sum = a
    sum.packets &+= b.packets
    sum.bytes &+= b.bytes
    sum.batches &+= b.batches
    for cause in DropCause.allCases { sum[cause] &+= b[cause] }
    for event in LinkEvent.allCases { sum[event] &+= b[event] }
    return sum
  }

  public static func == (a: LinkTally, b: LinkTally) -> Bool {
    a.packets == b.packets && a.bytes == b.bytes && a.batches == b.batches
      && DropCause.allCases.allSatisfy { a[$0] == b[$0] } && LinkEvent.allCases.allSatisfy { a[$0] == b[$0] }
  }
}

extension DropCause {
  /// The position in tables of counters.
  package var index: Int {
    switch self {
    case .empty: 0
    case .runt: 1
    case .oversize: 2
    case .truncated: 3
    case .unframed: 4
    case .misaddressed: 5
    case .malformed: 6
    case .refused: 7
    case .linkDown: 8
    case .noRoom: 9
    case .foreign: 10
    }
  }
}

/// What a link did since it was made. `received` counts what came in, `sent` what went out; in each, everything that was
/// offered is either a packet or a drop.
public struct LinkStatistics: Equatable, Sendable {
  public var received: LinkTally
  public var sent: LinkTally

  public init(received: LinkTally = LinkTally(), sent: LinkTally = LinkTally()) {
    self.received = received
    self.sent = sent
  }

  /// Drops of both directions by cause, without zeros.
  public var drops: [DropCause: UInt64] {
    let counts = DropCause.allCases.map { ($0, received[$0] + sent[$0]) }
    return Dictionary(uniqueKeysWithValues: counts.filter { $0.1 != 0 })
  }

  /// An event in both directions.
  public subscript(event: LinkEvent) -> UInt64 { received[event] + sent[event] }
}

extension LinkTally: CustomStringConvertible {
  /// One line, without zeros: what to look at first when a link stands still.
  public var description: String {
    let drops = DropCause.allCases.filter { self[$0] != 0 }.map { "\($0.rawValue) dropped \(self[$0])" }
    let events = LinkEvent.allCases.filter { self[$0] != 0 }.map { "\($0.name) \(self[$0])" }
    return (["packets \(packets)", "bytes \(bytes)", "batches \(batches)"] + drops + events).joined(separator: ", ")
  }
}

extension LinkEvent {
  /// Its name in tools and scripts.
  public var name: String {
    switch self {
    case .notification: "notifications"
    case .sleep: "sleeps"
    case .temporalSlip: "temporal-slips"
    case .emptyWakeUp: "empty-wake-ups"
    case .starvation: "starvations"
    case .roomCheck: "room-checks"
    case .badCompletion: "bad-completions"
    case .strayInput: "stray-input"
    case .refusedWrite: "refused-writes"
    case .roomAnnouncement: "room-announcements"
    case .softwareOffload: "software-offloads"
    case .coalescedPacket: "coalesced-packets"
    case .offloadRefusal: "offload-refusals"
    }
  }
}

extension LinkStatistics: CustomStringConvertible {
  public var description: String { "received: \(received); sent: \(sent)" }
}
