import FDLink
import LinkCore
import LinkSystem

/// Joins a link to a TUN or TAP device until one of them is over, or a signal comes.
extension Session {
  func runBridge(_ link: any LinkEndpoint, _ kind: NetworkDevice.Kind, name: String) throws(Failure) -> Report {
    let device: FDEndpoint
    do {
      device = try Device.open(kind, name: name, options.linkOptions)
    } catch {
      link.close()
      throw error
    }
    let progress = try Progress()
    let near = TappedLink(link, trims: options.trims, progress: progress)
    let far = TappedLink(device, trims: false, progress: progress)
    let bridge = LinkBridge(near, far)
    var report = Report(role: role, mode: options.action?.mode ?? "")
    do { try bridge.start() } catch  where error.code != .closed { throw Failure(error, "bridge") } catch {}
    Console.write("shmpeer: \(role) joined to \(device.deviceName ?? name)", to: .error)
    report.complaint = waitForEnd(progress, link)
    bridge.close()
    bridge.wait()
    judge(&report, link, progress.closeReason)
    report.received = link.statistics.received.packets
    report.sent = link.statistics.sent.packets
    report.rated = (link.statistics.received.packets, link.statistics.received.bytes)
    report.seconds = Double(monotonicNanoseconds() &- began) / 1e9
    return report
  }

  private func waitForEnd(_ progress: Progress, _ link: any LinkEndpoint) -> String? {
    var stats = StatsClock(options.statsInterval, since: began)
    while progress.closeReason == nil {
      let wake = progress.wait(watch, until: [stats.next, deadline].compactMap(\.self).min())
      if wake == .signal { return nil }
      if let deadline, monotonicNanoseconds() >= deadline { return "timed out after \(options.timeout!)" }
      stats.tick(link, progress.closeReason)
    }
    return nil
  }
}

/// TUN and TAP devices, with errors that say what to do.
enum Device {
  static func open(
    _ kind: NetworkDevice.Kind, name: String, _ options: LinkOptions
  ) throws(Failure) -> FDEndpoint {
    do {
      return switch kind {
      case .tun: try FDEndpoint.tun(name: name, options: options)
      case .tap: try FDEndpoint.tap(name: name, options: options)
      }
    } catch {
      throw Failure(error, "device \(name)", advice: "it takes /dev/net/tun and the right to make devices (root)")
    }
  }
}
