import Foundation
import InteropSupport
import LinkSystem
import LinkTestSupport
import Testing

/// Guests that come to `shmpeer serve`, which joins each to one TUN device.
@Suite(.needsGvisor, .needsDevices, .serialized) struct `Gvisor guests that shmpeer serves` {
  @Test(arguments: [false, true], [[], ["--no-offload"]])
  func `answer pings, streams and datagrams`(isEthernet: Bool, _ arguments: [String]) throws {
    let (talks, reports, sessions, server) = try TestNetwork.inNamespace(hasIPv6: true) {
      let server = try GuestServer(isEthernet: isEthernet, arguments)
      defer { server.process.signal(SIGTERM, unlessEndedBy: 0) }
      var talks: [Peer.Outcome] = []
      var reports: [GuestReport] = []
      for address in Guest.addresses {
        let guest = try Guest(socket: server.path, isEthernet ? ["--ethernet", "02:00:00:00:06:02"] : [])
        guard try guest.isUp() else { throw SystemError("\(guest.process.wait())", SystemError.timedOut) }
        talks.append(try Host.talk(to: address, byteCount: Extent.streamByteCount))
        guest.process.signal(SIGTERM)
        reports.append(GuestReport(outcome: guest.process.wait()))
        _ = try server.sessions(reports.count)
      }
      return (talks, reports, try server.sessions(reports.count), server.end())
    }
    for talk in talks { #expect(talk.isGoodTalk, "\(talk)") }
    for report in reports { #expect(report.faults.isEmpty, "\(report)") }
    for session in sessions { #expect(session.isFlawless, "\(session)") }
    #expect(server.ending == .exited(0), "\(server)")
  }

  @Test func `are outlived many times in a row, and each death is reported within a second`() throws {
    let count = Extent.isWhole ? 100 : 20
    let (sessions, server, held) = try TestNetwork.inNamespace(hasIPv6: true) {
      let server = try GuestServer()
      defer { server.process.signal(SIGTERM, unlessEndedBy: 0) }
      var held: [Held] = []
      for number in 1...count {
        let guest = try Guest(socket: server.path)
        guard try guest.isUp() else { throw SystemError("\(guest.process.wait())", SystemError.timedOut) }
        // More than the guest lives to echo.
        let stream = try Host.stream(to: Guest.addresses[0], byteCount: 1 << 40)
        let before = try Host.packetCount()
        let isStreaming = try eventually { try Host.packetCount() > before + 200 }
        guest.process.signal(SIGKILL)
        let known = try server.sessions(number, deadline: deadline(after: newsTime)).count
        stream.signal(SIGKILL)
        guard isStreaming, known == number else {
          throw SystemError(
            "guest \(number): \(known) ends reported; \(server.end()), \(stream.wait())", SystemError.timedOut)
        }
        _ = (guest.process.wait(), stream.wait())
        if number == 10 || number == count { held.append(try Held(by: server.process.processIdentifier)) }
      }
      return (try server.sessions(count).map(\.closeReason), server.end(), held)
    }
    #expect(sessions == Array(repeating: "peer-disconnected", count: count))
    #expect(server.ending == .exited(0), "\(server)")
    print("shmpeer after 10 guests: \(held[0]); after \(count): \(held[1])")
    #expect(held[1].fits(into: held[0]))
  }
}
