import LinkCore
import LinkSystem

/// What the owner has done at the end of a link.
extension LinkConformance {
  static let closeActionCases = [
    Case("a close action runs once, after linkDidClose and before wait returns, whoever closes", needs: .noticesEnd) {
      factory in
      for closesSelf in [true, false] {
        try factory.withPair { a, b in
          let actions = Counter()
          let early = Counter()
          let atA = Inbox()
          try a.attach(atA)
          try b.attach(Inbox())
          a.setCloseAction {
            if atA.snapshot.closeReasons.isEmpty { early.add(1) }
            actions.add(1)
          }
          (closesSelf ? a : b).close()
          try expectEqual(atA.waitForClose(), closesSelf ? .requested : .peerDisconnected, "reason")
          try expectEnd(a)
          try expectEqual(actions.value, 1, "actions when wait() returned")
          try expectEqual(early.value, 0, "actions before linkDidClose")
          a.close()
          try expectEqual(actions.value, 1, "actions after another close()")
        }
      }
    },
    Case("a close action runs for a link that nobody attached to") { factory in
      try factory.withPair { a, b in
        let actions = Counter()
        a.setCloseAction { actions.add(1) }
        a.close()
        try expectEnd(a)
        try expectEqual(actions.value, 1, "actions of a link closed before attach()")
        b.setCloseAction { actions.add(1) }
        try b.attach(Inbox())
        b.detach()
        b.close()
        try expectEnd(b)
        try expectEqual(actions.value, 2, "actions, with one of a link closed after detach()")
      }
    },
    Case("the last close action that was set is the one that runs") { factory in
      try factory.withPair { a, b in
        let ran = Counter()
        for value in [1, 10, 100] { a.setCloseAction { ran.add(value) } }
        a.close()
        try expectEnd(a)
        try expectEqual(ran.value, 100, "what ran")
        b.setCloseAction { ran.add(1000) }
        b.setCloseAction(nil)
        b.close()
        try expectEnd(b)
        try expectEqual(ran.value, 100, "what ran after an action was taken away")
        b.setCloseAction { ran.add(1) }
        try expectEqual(ran.value, 101, "what ran at once on a closed link")
        b.setCloseAction(nil)
      }
    },
    Case("a close action may do what a callback may, and holds nobody up") { factory in
      try factory.withPair { a, _ in
        let (refused, free) = (Counter(), Counter())
        let atA = Inbox(onClose: { _ in
          // Too early to run by itself: it runs behind this callback.
          a.setCloseAction {
            a.close()
            a.detach()
            do throws(LinkError) { try a.wait() } catch { if error.code == .wouldDeadlock { refused.add(1) } }
            a.setCloseAction { free.add(1) }
            do {
              let others: Bool? = try inThread {
                a.detach()
                _ = a.statistics
                return a.isAttached
              }
              if others == false { free.add(1) }
            } catch {}
          }
        })
        try a.attach(atA)
        a.close()
        try expectEnd(a)
        try expectEqual(refused.value, 1, "refused waits")
        try expectEqual(free.value, 2, "calls from inside the action, and from another thread meanwhile")
      }
    },
    Case("a close action is let go when it ran, or was replaced") { factory in
      try factory.withPair { a, _ in
        weak var first: Counter?
        weak var second: Counter?
        do {
          let (one, two) = (Counter(), Counter())
          (first, second) = (one, two)
          a.setCloseAction { one.add(1) }
          a.setCloseAction { two.add(1) }
        }
        try expect(first == nil, "an action that was replaced is kept")
        try expect(second != nil, "the action in force is gone")
        a.close()
        try expectEnd(a)
        try expect(eventually { second == nil }, "an action that ran is kept")
      }
    },
    Case("the last step of a driven link runs the close action", needs: .steps) { factory in
      var options = LinkOptions()
      options.drive = .caller
      try factory.withPair(LinkOptions(), options) { _, b in
        guard let driven = b as? any DrivenLink else { return }
        let actions = Counter()
        b.setCloseAction { actions.add(1) }
        try b.attach(Inbox())
        b.close()
        try expectEqual(actions.value, 0, "actions before the last step")
        try expectEqual(driven.step(), .closed, "the last step")
        try expectEqual(actions.value, 1, "actions")
      }
    },
  ]
}
