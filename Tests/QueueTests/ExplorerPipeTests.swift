import LinkTestSupport
import Testing

@Suite struct ExplorerPipeTests {
  private func explore(_ name: String, _ change: (inout PipeScenario) -> Void) -> Exploration {
    var pipe = PipeScenario()
    change(&pipe)
    return QueueTests.explore(pipe.scenario(name))
  }

  @Test(arguments: 4...6, [[8, 8, 8], [4, 12, 1]])
  func `messages arrive once, whole and in order in every schedule of x86`(words: Int, sizes: [Int]) {
    for (writerBatch, readerBatch) in [(1, 1), (2, 1), (1, 2), (3, 3)] {
      let exploration = explore("\(words) words, messages \(sizes), batches \(writerBatch) and \(readerBatch)") {
        $0.words = words
        $0.sizes = sizes
        $0.writerBatch = writerBatch
        $0.readerBatch = readerBatch
      }
      #expect(exploration.holds, "\(exploration)")
    }
  }

  @Test(arguments: [4, 5]) func `messages arrive once, whole and in order in every schedule of a weaker machine`(
    words: Int
  ) {
    for batch in 1...2 {
      let exploration = explore("\(words) words, batches of \(batch)") {
        $0.order = .weak
        $0.words = words
        $0.writerBatch = batch
        $0.readerBatch = batch
      }
      #expect(exploration.holds, "\(exploration)")
    }
  }

  @Test(arguments: memoryOrders) func `a writer that publishes before it frees the next slot is found`(
    order: MemoryOrder
  ) {
    let exploration = explore("stores swapped") {
      $0.order = order
      $0.writerFault = .swapsStores
    }
    #expect(exploration.trace?.failure == "the reader finds the pipe corrupt")
  }

  @Test(arguments: memoryOrders) func `a reader that gives back what it has not read is found`(order: MemoryOrder) {
    let exploration = explore("given back first") {
      $0.order = order
      $0.givesBackFirst = true
    }
    #expect(exploration.trace?.failure == "message 0 at 0 is 0x200 instead of 0x100")
  }

  @Test func `a plain store where the writer publishes is found on a weak machine, and is none on x86`() {
    let weak = explore("publishes plainly") {
      $0.order = .weak
      $0.writerFault = .storesPlainly
    }
    #expect(weak.trace?.failure == "the reader finds the pipe corrupt")
    #expect(explore("publishes plainly") { $0.writerFault = .storesPlainly }.holds)
  }

  @Test func `a plain store where the reader gives back is found on a weak machine, and is none on x86`() {
    let weak = explore("gives back plainly") {
      $0.order = .weak
      $0.readerFault = .storesPlainly
    }
    #expect(weak.trace?.failure == "message 0 at 0 is 0x200 instead of 0x100")
    #expect(explore("gives back plainly") { $0.readerFault = .storesPlainly }.holds)
  }

  @Test func `a plain load where the reader looks is found on a weak machine, and is none on x86`() {
    let weak = explore("looks plainly") {
      $0.order = .weak
      $0.readerFault = .loadsPlainly
    }
    #expect(weak.trace != nil)
    #expect(explore("looks plainly") { $0.readerFault = .loadsPlainly }.holds)
  }
}
