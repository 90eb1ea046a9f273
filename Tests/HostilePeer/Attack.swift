/// One way to hurt a peer.
package struct Attack: Sendable {
  package enum Family: String, CaseIterable, Sendable {
    case descriptors, slots, identifiers, scribbling, files, bells, socket = "peer socket", handOver = "hand-over"
  }

  /// What this package promises of a victim of its own.
  package enum Promise: String, Sendable, Codable {
    /// Honest packets are taken afterwards.
    case goesOn = "goes on"
    /// The link closes, with its reason.
    case closes
    /// Either of these, or it waits: what it was told is nonsense that looks like sense. It ends in order.
    case survives
    /// There never is a link.
    case refuses
  }

  enum Body {
    /// On a link that works.
    case link(@Sendable (HostilePeer) throws -> Void)
    /// On the files, before the victim gets them.
    case files(@Sendable (LinkFiles, inout SeededGenerator) throws -> Void)
    /// In place of a hand-over.
    case handOver(@Sendable (Contact) throws -> HostilePeer?)
  }

  package let name: String
  package let summary: String
  package let family: Family
  package let victims: [LinkRole]
  package let promise: Promise
  /// It aims at what the victim sends: a victim that only receives is not in danger.
  package let needsSender: Bool
  /// It needs memory files without seals, and a victim that takes them.
  let isUnsealed: Bool
  let body: Body

  package var isHandOver: Bool { family == .handOver }

  /// An attack on a link that works.
  init(
    _ name: String, _ summary: String, _ family: Family, victims: [LinkRole] = [.client, .server],
    promise: Promise = .goesOn, needsSender: Bool = false, isUnsealed: Bool = false,
    _ strike: @escaping @Sendable (HostilePeer) throws -> Void
  ) {
    self.init(name, summary, family, victims, promise, needsSender, isUnsealed, .link(strike))
  }

  static func files(
    _ name: String, _ summary: String, _ spoil: @escaping @Sendable (LinkFiles, inout SeededGenerator) throws -> Void
  ) -> Attack {
    Attack(name, summary, .files, [.client, .server], .refuses, false, false, .files(spoil))
  }

  static func handOver(
    _ name: String, _ summary: String, victim: LinkRole, promise: Promise,
    _ strike: @escaping @Sendable (Contact) throws -> HostilePeer?
  ) -> Attack {
    Attack(name, summary, .handOver, [victim], promise, false, false, .handOver(strike))
  }

  private init(
    _ name: String, _ summary: String, _ family: Family, _ victims: [LinkRole], _ promise: Promise,
    _ needsSender: Bool, _ isUnsealed: Bool, _ body: Body
  ) {
    self.name = name
    self.summary = summary
    self.family = family
    self.victims = victims
    self.promise = promise
    self.needsSender = needsSender
    self.isUnsealed = isUnsealed
    self.body = body
  }

  /// All of them, family by family.
  package static let catalogue: [Attack] =
    descriptors + slots + identifiers + scribbling + files + bells + sockets + handOvers
}
