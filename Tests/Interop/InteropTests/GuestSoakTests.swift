import Foundation
import InteropSupport
import LinkSystem
import LinkTestSupport
import Testing

/// One guest under traffic of all kinds, for a few seconds, or as long as `Tools/check interop-soak` says.
@Suite(.needsGvisor, .needsDevices) struct `A gVisor guest that goes on` {
  private static let minutes = ProcessInfo.processInfo.environment["INTEROP_SOAK_MINUTES"].flatMap(Double.init)

  @Test func `answers everything the first time, and neither its host nor itself grows`() throws {
    let time = Duration.seconds((Self.minutes ?? 0.05) * 60)
    let byteCount = Self.minutes == nil ? 5_000_000 : 200_000_000
    let (server, sessions, report, held) = try TestNetwork.inNamespace(hasIPv6: true) {
      let server = try GuestServer()
      defer { server.process.signal(SIGTERM, unlessEndedBy: 0) }
      let guest = try Guest(socket: server.path)
      guard try guest.isUp() else { throw SystemError("\(guest.process.wait())", SystemError.timedOut) }
      var held: [(server: Held, guest: Held)] = []
      let (began, end) = (monotonicNanoseconds(), deadline(after: time))
      repeat {
        let talks = try Guest.addresses.map { try Host.startTalk(to: $0, byteCount: byteCount) }
        let outcomes = talks.map { $0.wait(deadline: deadline(after: .seconds(110))) }
        held.append((try Held(by: server.process.processIdentifier), try Held(by: guest.process.processIdentifier)))
        let seconds = (monotonicNanoseconds() - began) / 1_000_000_000
        let rates = outcomes.map { $0.decimal("gbit_per_second") ?? 0 }
        print("\(seconds) s: \(rates) Gbit/s there and back; shmpeer: \(held.last!.server); guest: \(held.last!.guest)")
        for outcome in outcomes where !outcome.isGoodTalk {
          throw SystemError("\(outcome); \(server.end()); \(guest.process.wait())", SystemError.timedOut)
        }
      } while monotonicNanoseconds() < end || held.count < 2
      guest.process.signal(SIGTERM)
      let report = GuestReport(outcome: guest.process.wait())
      let sessions = try server.sessions(1)
      return (server.end(), sessions, report, held)
    }
    #expect(report.faults.isEmpty, "\(report)")
    for session in sessions { #expect(session.isFlawless, "\(session)") }
    #expect(server.ending == .exited(0), "\(server)")
    // What is used first in the first tenth is not a leak.
    let first = held[held.count / 10]
    let last = held.last!
    #expect(last.server.fits(into: first.server), "\(first), then \(last)")
    #expect(last.guest.fits(into: first.guest, isGo: true), "\(first), then \(last)")
  }
}
