import LinkTestSupport
import Testing

/// What every link promises, over a descriptor.
@Test(arguments: LinkPairFactory.descriptors, LinkConformance.cases)
func `a link over a descriptor keeps the promise`(pairs: LinkPairFactory, promise: LinkConformance.Case) throws {
  try promise.run(pairs)
}
