import LinkTestSupport
import Testing

/// What every link promises, over shared memory.
@Test(arguments: LinkPairFactory.sharedMemory, LinkConformance.cases)
func `a link over shared memory keeps the promise`(pairs: LinkPairFactory, promise: LinkConformance.Case) throws {
  try promise.run(pairs)
}
