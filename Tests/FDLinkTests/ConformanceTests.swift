import LinkTestSupport
import Testing

/// What every link promises, over a descriptor.
@Test(arguments: LinkConformance.runs(over: LinkPairFactory.descriptors + LinkPairFactory.severalSockets))
func `a link over a descriptor keeps the promise`(_ run: LinkConformance.Run) throws {
  try run()
}

/// And over interfaces.
@Test(
  .enabled(if: canMakeDevices, "needs root and /dev/net/tun"),
  arguments: LinkConformance.runs(over: LinkPairFactory.devices + LinkPairFactory.severalOnInterfaces))
func `a link over an interface keeps the promise`(_ run: LinkConformance.Run) throws {
  try run()
}
