import FDLink
import LinkCore
import LinkSystem

/// Joins a link to a device or an interface until one of them is over, or a signal comes.
extension Session {
  func runBridge(_ link: any DrivenLink, _ kind: DeviceKind, name: String) throws(Failure) -> Report {
    var linkOptions = options.linkOptions
    linkOptions.mtu = link.mtu
    // `--trim` is about the peer. What a device brings goes on as it is.
    linkOptions.trimsPadding = false
    let device: FDEndpoint
    do throws(Failure) {
      device = try Device.open(kind, name: name, linkOptions, offloads: options.offloads)
    } catch {
      link.close()
      throw error
    }
    let progress = try Progress()
    let near = TappedLink(link, progress: progress)
    let far = TappedLink(device, progress: progress)
    var report = Report(role: role, mode: options.action?.mode ?? "")
    report.device = description(of: device, "device")
    let running = try RunningBridge(near, far, linkOptions)
    let bridge = running.bridge
    Console.write("shmpeer: \(role) joined to \(device.deviceName ?? name)", to: .error)
    if running.hasStarted { report.complaint = waitForEnd(progress, link) }
    running.end()
    for flow in [bridge.flowFromA, bridge.flowFromB] {
      for cause in DropCause.allCases where flow.tally[cause] > 0 {
        report.drops[cause, default: 0] += flow.tally[cause]
      }
    }
    judge(&report, link, progress.closeReason)
    report.received = link.statistics.received.packets
    report.sent = link.statistics.sent.packets
    report.rated = (link.statistics.received.packets, link.statistics.received.bytes)
    report.seconds = Double(monotonicNanoseconds() &- began) / 1e9
    return report
  }

  /// Waits until both links are over. When one is, the other gets a moment to hand over what is still there.
  private func waitForEnd(_ progress: Progress, _ link: any LinkEndpoint) -> String? {
    var stats = StatsClock(options.statsInterval, since: began)
    var lastMoment: UInt64?
    while progress.endCount < 2 {
      if progress.endCount == 1, lastMoment == nil { lastMoment = moment(after: .seconds(1)) }
      let wake = progress.wait(watch, until: [stats.next, deadline, lastMoment].compactMap(\.self).min())
      if wake == .signal { return nil }
      let now = monotonicNanoseconds()
      if let lastMoment, now >= lastMoment { return nil }
      if let deadline, now >= deadline { return "timed out after \(options.timeout!)" }
      stats.tick(link, progress.closeReason)
    }
    return nil
  }
}

/// Devices and interfaces, with errors that say what to do.
enum Device {
  static func open(
    _ kind: DeviceKind, name: String, _ options: LinkOptions, _ fdOptions: FDOptions = FDOptions(),
    offloads: OffloadSupport = [], takesInterfaceMTU: Bool = false, queueCount: Int = 1
  ) throws(Failure) -> FDEndpoint {
    var options = options
    var device = DeviceOptions()
    var socket = socketOptions(takesInterfaceMTU, queueCount)
    device.queueCount = queueCount
    if !offloads.isEmpty {
      options.offloads = offloads
      options.segmentation = SegmentationSupport(kind: .host, maxByteCount: LinkOptions.mtuRange.upperBound)
      device.hasVirtioNetHeader = true
      socket.hasVirtioNetHeader = true
    }
    do {
      return switch kind {
      case .tun: try FDEndpoint.tun(name: name, options: options, fdOptions: fdOptions, device: device)
      case .tap: try FDEndpoint.tap(name: name, options: options, fdOptions: fdOptions, device: device)
      case .packet: try FDEndpoint.packet(interface: name, options: options, fdOptions: fdOptions, socket: socket)
      }
    } catch { throw Failure(error) }
  }

  /// The address on the link is not that of the interface, which would filter frames to it.
  private static func socketOptions(_ takesInterfaceMTU: Bool, _ queueCount: Int) -> PacketSocketOptions {
    var options = PacketSocketOptions()
    options.socketCount = queueCount
    options.isPromiscuous = true
    options.takesInterfaceMTU = takesInterfaceMTU
    return options
  }
}
