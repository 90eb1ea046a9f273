import Eventfd
import LinkCore
import LinkSystem

/// A bridge, and the one thread that drives both of its links where they have none of their own.
struct RunningBridge: ~Copyable {
  let bridge: LinkBridge
  /// False: one of the links was over before it began, and both are closed.
  let hasStarted: Bool
  private let thread: SystemThread?

  /// `options`: as both links were made. Closes both if they cannot be joined.
  init(_ near: any DrivenLink, _ far: any DrivenLink, _ options: LinkOptions) throws(Failure) {
    let bridge = LinkBridge(near, far)
    self.bridge = bridge
    do throws(LinkError) {
      try bridge.start()
      thread = options.drive == .thread ? nil : try Self.drive(LinkLoop([near, far], spin: options.spin))
      hasStarted = true
    } catch {
      bridge.close()
      guard error.code == .closed else { throw Failure(error, "bridge") }
      thread = nil
      hasStarted = false
    }
  }

  private static func drive(_ loop: LinkLoop) throws(LinkError) -> SystemThread {
    do throws(SystemError) {
      return try SystemThread(name: "bridge") {
        do { try loop.run() } catch { Console.write("shmpeer: bridge: \(error)", to: .error) }
      }
    } catch { throw LinkError(error, "thread of the bridge") }
  }

  /// Closes both links, and waits until they are.
  consuming func end() {
    bridge.close()
    // It throws only inside a callback of the links.
    do { try bridge.wait() } catch { assertionFailure("\(error)") }
    thread?.join()
  }
}
