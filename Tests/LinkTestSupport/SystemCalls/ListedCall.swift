package import LinkSystem

/// A system call that a link may make: one line of Documentation/SystemCalls.md, and of the filters that links are tested
/// under.
package struct ListedCall: Sendable {
  package let name: String
  package let rule: SystemCallFilter.Rule
  /// The arguments that it is made with, where they tell one use of it from another.
  package let arguments: String
  /// The links that make it, by name; empty: all of the list.
  package let users: Set<String>
  package let purpose: String

  init(
    _ name: String, _ number: CInt, _ arguments: String, where conditions: [SystemCallFilter.Argument] = [],
    by users: [any LinkUser] = [], _ purpose: String
  ) {
    self.name = name
    rule = SystemCallFilter.Rule(number: number, arguments: conditions)
    self.arguments = arguments
    self.users = Set(users.map(\.name))
    self.purpose = purpose
  }

  init(_ name: String, _ number: CInt, by users: [any LinkUser] = [], _ purpose: String) {
    self.init(name, number, "", by: users, purpose)
  }

  /// With one argument, the one at `index`, that is `value`.
  init(
    _ name: String, _ number: CInt, _ label: String, _ index: Int, _ value: some BinaryInteger,
    by users: [any LinkUser] = [], _ purpose: String
  ) {
    self.init(
      name, number, label, where: [.init(index, is: UInt32(truncatingIfNeeded: value))], by: users, purpose)
  }
}

/// What a call may be special to, such as a way of receiving.
package protocol LinkUser: Sendable { var name: String { get } }

/// The calls of one time in a link's life.
package struct CallList: Sendable {
  package let title: String
  /// What it is about.
  package let summary: String
  package let calls: [ListedCall]

  /// What a link that is called `user` may do.
  package func rules(of user: String) -> [SystemCallFilter.Rule] {
    calls.filter { $0.users.isEmpty || $0.users.contains(user) }.map(\.rule)
  }

  /// As the page has it.
  package var markdown: String {
    let lines = calls.map { call in
      let arguments = call.arguments.isEmpty ? "" : "`\(call.arguments)`"
      let users = call.users.isEmpty ? "" : call.users.sorted().joined(separator: ", ")
      return "| `\(call.name)` | \(arguments) | \(users) | \(call.purpose) |"
    }
    return (["## \(title)", "", summary, "", "| call | with | only by | for |", "| --- | --- | --- | --- |"] + lines)
      .joined(separator: "\n") + "\n"
  }
}
