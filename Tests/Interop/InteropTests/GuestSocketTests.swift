import FDLink
import InteropSupport
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// The same job over gVisor's other endpoint, `fdbased`, and a socket pair.
@Suite(.needsGvisor, .needsDevices, .serialized) struct `A gVisor guest on a seqpacket socket` {
  @Test(arguments: ["readv", "recvmmsg"]) func `answers pings, streams and datagrams`(dispatch: String) throws {
    let (talks, report) = try TestNetwork.inNamespace(hasIPv6: true) {
      var options = LinkOptions()
      options.segmentation = SegmentationSupport(kind: .host, maxByteCount: 65536)
      var device = DeviceOptions()
      device.hasVirtioNetHeader = true
      let tun = try FDEndpoint.tun(name: Host.device, options: options, device: device)
      try Host.configure()
      // As with queues: gVisor's endpoint gets packets that are cut and complete.
      options.segmentation = SegmentationSupport(kind: .software, maxByteCount: 65536)
      let (link, number) = try FDEndpoint.socketPair(options: options)
      let guestsEnd = OwnedDescriptor(owning: number)
      // A whole datagram of fragments has room: gVisor drops what does not fit.
      try SocketFacts.setBuffers(of: number, receive: nil, send: 1 << 20)
      let bridge = LinkBridge(link, tun)
      try bridge.start()
      let guest = try Guest(link: guestsEnd.number, ["--dispatch", dispatch])
      // Only the guest holds its end now.
      _ = consume guestsEnd
      let talks = try Guest.addresses.map { try Host.talk(to: $0, byteCount: Extent.streamByteCount) }
      bridge.close()
      try bridge.wait()
      return (talks, GuestReport(outcome: guest.process.wait()))
    }
    for talk in talks { #expect(talk.isGoodTalk, "\(talk)") }
    #expect(report.faults.isEmpty, "\(report)")
    #expect(report.outcome.text("ended_by") == "host")
  }
}
