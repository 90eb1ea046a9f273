import InteropSupport
import LinkSystem
import LinkTestSupport
import Testing

/// `shmpeer` and gVisor's endpoints, in a process each.
@Suite(.needsGvisor) struct `Two processes, ours and gVisor's` {
  @Test(arguments: Extent.cells)
  func `lose, reorder and damage nothing`(cell: Cell) throws {
    let outcome = try cell.run(packets: Extent.packets(of: cell))
    #expect(outcome.faults.isEmpty, "\(cell): \(outcome.faults)")
  }
}
