import LinkTestSupport
import Testing

/// Over a model of `LinkRunner` (see `LifecycleModel`), not the runner itself.
@Suite struct ExplorerLifecycleTests {
  typealias Bug = LifecycleScenario.Bug
  typealias Call = LifecycleScenario.Call

  private func explore(
    _ users: [[Call]], _ bug: Bug = .none, messages: Int = 1, isAttachedFirst: Bool = true, hasWorker: Bool = true
  ) -> Exploration {
    var link = LifecycleScenario()
    link.users = users
    link.bug = bug
    link.messages = messages
    link.isAttachedFirst = isAttachedFirst
    link.hasWorker = hasWorker
    let name = users.map { $0.map { "\($0)" }.joined(separator: " ") }.joined(separator: " | ")
    return QueueTests.explore(link.scenario("\(hasWorker ? "worker" : "callers"), \(name), \(bug)"))
  }

  @Test func `a link with a worker ends in every schedule, and delivers nothing once detached`() {
    let explorations = [
      explore([[.attach, .close, .wait]], isAttachedFirst: false),
      explore([[.close, .wait], [.close, .wait]], messages: 0),
      explore([[.detach, .close, .wait]]),
      explore([[.detach, .attach, .close, .wait]], messages: 0),
      explore([[.detach, .attach, .wait], [.close]], messages: 0),
    ]
    for exploration in explorations { #expect(exploration.holds, "\(exploration)") }
  }

  @Test func `a link driven by callers ends in every schedule, and delivers nothing once detached`() {
    let explorations = [
      explore([[.drive], [.close, .wait]], hasWorker: false),
      explore([[.drive], [.detach]], hasWorker: false),
      explore([[.drive], [.detach, .close]], messages: 0, hasWorker: false),
      explore([[.drive], [.step], [.close]], messages: 0, hasWorker: false),
      explore([[.drive], [.step], [.detach]], messages: 0, hasWorker: false),
    ]
    for exploration in explorations { #expect(exploration.holds, "\(exploration)") }
  }

  @Test func `a change of phase that rings no bell is found`() {
    let exploration = explore([[.close, .wait]], .changeDoesNotRing, messages: 0)
    #expect(
      exploration.trace?.failure == "worker sleeps for ever on bell or event; user sleeps for ever on closedLatch")
  }

  @Test(arguments: [Bug.detachDoesNotWait, .turnIgnoresPhase])
  func `a delivery behind detach is found`(bug: Bug) {
    #expect(explore([[.detach, .close, .wait]], bug).trace?.failure == "a delivery after detach() returned")
  }

  @Test func `a worker that decides to end, and says so later, is found`() {
    let exploration = explore([[.detach, .attach, .close, .wait]], .threadEndsUnlocked, messages: 0)
    #expect(
      exploration.trace?.failure
        == "worker sleeps for ever on thread start or over; user sleeps for ever on closedLatch")
  }

  @Test func `a caller that keeps the ring of a close from one who sleeps is found`() {
    let exploration = explore([[.drive], [.step], [.close]], .stepKeepsRing, messages: 0, hasWorker: false)
    #expect(exploration.trace?.failure == "user 1 sleeps for ever on bell or event")
  }

  @Test func `callers that all finish a closing link are found`() {
    let exploration = explore([[.drive], [.drive], [.close]], .finishesTwice, messages: 0, hasWorker: false)
    #expect(exploration.trace?.failure == "the link's resources are released twice")
  }

  @Test func `a caller that prepares to wait without a look at the phase is found`() {
    let exploration = explore([[.drive], [.drive], [.close]], .waitIgnoresPhase, messages: 0, hasWorker: false)
    #expect(exploration.trace?.failure == "a bell is armed after the resources were released")
  }
}
