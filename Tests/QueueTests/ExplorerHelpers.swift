import LinkTestSupport

let memoryOrders = [MemoryOrder.totalStoreOrder, .weak]

/// Runs every schedule, and says how many there were.
func explore(_ scenario: Scenario, mostStates: Int = 500_000) -> Exploration {
  let exploration = Exploration(scenario, mostStates: mostStates)
  print(exploration.summary)
  return exploration
}
