import LinkTestSupport
import Testing

@Suite struct ExplorerPipeTests {
  @Test(arguments: [MemoryOrder.totalStoreOrder, .weak])
  func `messages arrive once, whole and in order in every schedule`(order: MemoryOrder) {
    for words in 4...6 {
      for batch in 1...2 {
      var pipe = PipeScenario()
      pipe.order = order
      pipe.words = words
      pipe.writerBatch = batch
      pipe.readerBatch = batch
      let clock = ContinuousClock.now
      let exploration = Exploration(pipe.scenario("pipe of \(words) words, batches of \(batch)"))
      print(exploration, ContinuousClock.now - clock)
      #expect(exploration.holds)
    }
    }
  }
}
