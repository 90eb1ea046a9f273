import LinkCore
import LinkSystem

/// `shmpeer demo --tun`: two network namespaces joined by two processes and one shared-memory link.
struct DemoTun {
  let options: Options
  let watch: Watch

  /// All of it ends within this time, setting up and taking down included.
  private static let limit: Duration = .seconds(45)

  private struct Result {
    var ping4 = false
    var ping6 = false
    var byteCount: UInt64 = 0
    var isDigestOK = false
    var seconds = 0.0
    var gigabitPerSecond: Double { seconds > 0 ? Double(byteCount) * 8 / seconds / 1e9 : 0 }
    var isVerified: Bool { ping4 && ping6 && isDigestOK && byteCount > 0 }
  }

  func run() throws(Failure) -> ExitCode {
    var result = Result()
    var failure: Failure?
    do { try measure(&result, until: moment(after: Self.limit)) } catch { failure = error }
    if let failure {
      Console.write("shmpeer: demo --tun: \(failure.message)", to: .error)
      if failure.code != .unverified { return failure.code }
    }
    publish(result)
    return failure?.code ?? (result.isVerified ? .done : .unverified)
  }

  private func measure(_ result: inout Result, until deadline: UInt64) throws(Failure) {
    let ends: InlineArray<2, Int32>
    do { ends = try UnixSocket.pair(.seqpacket).takeBoth() } catch { throw Failure(.missing, "sockets: \(error)") }
    let near = OwnedDescriptor(owning: ends[0])
    let far = OwnedDescriptor(owning: ends[1])
    let how = options.leavesOffloadsOut ? ["--no-offload"] : []
    let server = try SecondProcess(["tun-peer", "--role", "server"] + how, handOver: near, watch)
    let client: SecondProcess
    do { client = try SecondProcess(["tun-peer", "--role", "client"] + how, handOver: far, watch) } catch {
      server.end()
      throw error
    }
    var failure: Failure?
    do { try measure(server.control, client.control, &result, until: deadline) } catch { failure = error }
    server.end()
    client.end()
    if let failure { throw failure }
  }

  private func measure(
    _ server: borrowing ControlChannel, _ client: borrowing ControlChannel, _ result: inout Result,
    until deadline: UInt64
  ) throws(Failure) {
    _ = try server.expect("ready", until: deadline)
    _ = try client.expect("ready", until: deadline)
    note("ping, IPv4")
    result.ping4 = try server.ask("ping4", expecting: "answered", until: deadline) == [1]
    note("ping, IPv6")
    result.ping6 = try server.ask("ping6", expecting: "answered", until: deadline) == [1]
    note("a file over TCP")
    _ = try client.ask("receive", expecting: "ready", until: deadline)
    let sent = try server.ask("send", expecting: "sent", until: deadline)
    let received = try client.expect("received", until: deadline)
    guard received.count == 3 else { return }
    result.byteCount = received[0]
    result.isDigestOK = sent == Array(received[..<2])
    result.seconds = Double(received[2]) / 1e9
  }

  private func note(_ phase: String) {
    if !options.isJSON { Console.write("shmpeer: \(phase) …", to: .error) }
  }

  private func publish(_ result: Result) {
    guard options.isJSON else {
      Console.write("ping across, IPv4: \(result.ping4 ? "answered" : "no answer")", to: .output)
      Console.write("ping across, IPv6: \(result.ping6 ? "answered" : "no answer")", to: .output)
      let digest = result.isDigestOK ? "digest right" : "digest wrong"
      let rate = decimal(result.gigabitPerSecond, places: 3)
      Console.write("file over TCP:     \(result.byteCount) bytes, \(digest), \(rate) Gbit/s", to: .output)
      return
    }
    var line = JSONLine()
    line["ping4"] = .flag(result.ping4)
    line["ping6"] = .flag(result.ping6)
    line["tcp_bytes"] = .integer(result.byteCount)
    line["tcp_digest_ok"] = .flag(result.isDigestOK)
    line["gbit_per_second"] = .number(result.gigabitPerSecond)
    Console.write(line.description, to: .output)
  }
}
