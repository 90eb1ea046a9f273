import LinkTestSupport
import Testing

/// What every link promises, over shared memory.
@Test(arguments: LinkConformance.runs(over: LinkPairFactory.sharedMemory))
func `a link over shared memory keeps the promise`(_ run: LinkConformance.Run) throws {
  try run()
}
