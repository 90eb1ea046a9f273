/// Costs for people, in Markdown.
enum CostTable {
  static let header = """
    | link | allocations a packet | notifications a batch | sleeps a batch | fences a batch, sending / receiving \
    | locked instructions a batch | system calls a packet | instructions a packet |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    """

  static func row(_ costs: Costs) -> String {
    func both(_ value: (Costs.End) -> Double) -> String {
      let ends = [costs.sending, costs.receiving].map { $0.map { text(value($0)) } ?? "" }
      return ends == ["", ""] ? "not counted" : ends.joined(separator: " / ")
    }
    let cells = [
      costs.name, costs.allocationsPerPacket.map(text) ?? "not counted", text(costs.notificationsPerBatch),
      text(costs.sleepsPerBatch), both(\.fencesPerBatch), both(\.lockedInstructionsPerBatch),
      both(\.systemCallsPerPacket), both(\.instructionsPerPacket),
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  private static func text(_ number: Double) -> String { Table.text(number, number < 10 ? 3 : 0) }
}
