import Eventfd
import LinkCore
import LinkTestSupport
import Testing

/// A link that its caller steps remembers from step to step who is attached, and lets go whoever is not any more.
@Suite struct DispatcherLifeTests {
  enum Ending: CaseIterable, Sendable {
    case detachedOutside, detachedInADelivery, detachedInAnInjection, closed
  }

  @Test(arguments: Ending.allCases) func `a dispatcher goes without another step`(_ ending: Ending) throws {
    let link = try ScriptedLink(.caller)
    weak var gone: Inbox?
    do {
      let inbox = Inbox(onDelivery: { _ in if ending == .detachedInADelivery { link.detach() } })
      gone = inbox
      try link.attach(inbox)
      for _ in 0..<3 { #expect(link.step() == .idle) }
      link.push(1)
      #expect(link.step() == .delivered)
      switch ending {
      case .detachedInADelivery: break
      case .detachedOutside: link.detach()
      case .detachedInAnInjection: try link.runner.takeTurn(link) { _ in link.detach() }
      case .closed:
        link.close()
        // The one step that the end takes.
        #expect(link.step() == .closed)
      }
    }
    #expect(gone == nil)
    link.close()
    _ = link.step()
    try link.wait()
  }

  @Test func `who is attached anew is the one that hears`() throws {
    let link = try ScriptedLink(.caller)
    let (first, second) = (Inbox(), Inbox())
    try link.attach(first)
    link.push(1)
    #expect(link.step() == .delivered)
    link.detach()
    try link.attach(second)
    link.push(1)
    #expect(link.step() == .delivered)
    #expect(first.snapshot.packets.count == 1 && second.snapshot.packets.count == 1)
    link.close()
    #expect(link.step() == .closed)
    #expect(first.snapshot.closeReasons.isEmpty && second.snapshot.closeReasons == [.requested])
    try link.wait()
  }
}
