/// Everything that one side can do: a tree with a branch for each value that an access can have. It grows as values are
/// met for the first time; the program runs once per branch.
struct LocalTree {
  private struct Node {
    let parent: Int
    /// The value of the parent's access that leads here.
    let value: UInt64
    /// What the side does next.
    let access: Access
    var children: [(value: UInt64, node: Int)] = []
  }

  private let program: Scenario.Program
  private var nodes: [Node] = []

  init(_ program: @escaping Scenario.Program) {
    self.program = program
    _ = grow(-1, 0)
  }

  func access(_ node: Int) -> Access { nodes[node].access }

  /// Where the side is after its access at `node` had this value.
  mutating func follow(_ node: Int, _ value: UInt64) -> Int {
    for child in nodes[node].children where child.value == value { return child.node }
    return grow(node, value)
  }

  /// The accesses on the way from one node to another below it, with the values that they had.
  func way(from: Int, to: Int) -> [(Access, UInt64)] {
    var way: [(Access, UInt64)] = []
    var node = to
    while node != from {
      way.append((nodes[nodes[node].parent].access, nodes[node].value))
      node = nodes[node].parent
    }
    return way.reversed()
  }

  private mutating func grow(_ node: Int, _ value: UInt64) -> Int {
    var past = node < 0 ? [] : [value]
    var ancestor = node
    while ancestor > 0 {
      past.append(nodes[ancestor].value)
      ancestor = nodes[ancestor].parent
    }
    let side = Side(past: past.reversed())
    side.run(program)
    var (parent, branch) = (node, value)
    for access in side.accesses {
      if parent >= 0 { nodes[parent].children.append((branch, nodes.count)) }
      nodes.append(Node(parent: parent, value: branch, access: access))
      (parent, branch) = (nodes.count - 1, 0)
    }
    return nodes.count - side.accesses.count
  }
}
