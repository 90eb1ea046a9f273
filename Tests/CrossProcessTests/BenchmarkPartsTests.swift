// Only debug builds are compiled for testing of internals; the parts are the same in both.
#if DEBUG
  import SharedMemLink
  import Testing

  @testable import linkbench

  @Suite struct `The parts of linkbench` {
    @Test func `the middle of several numbers, and how far they reach`() {
      let odd = Summary([3, 1, 2])
      #expect((odd.median, odd.least, odd.most) == (2, 1, 3))
      let even = Summary([4, 1, 3, 2])
      #expect((even.median, even.least, even.most) == (2.5, 1, 4))
      #expect(Summary([7]).median == 7)
    }

    @Test func `the ratio is that of CPU time, pair by pair`() {
      func round(_ cpu: UInt64) -> Measurement {
        Measurement(packets: 100, bytes: 6400, cpuNanoseconds: cpu, nanoseconds: 1000)
      }
      // The machine was slow in the second pair, for both sides alike.
      let result = CaseResult(
        name: "", [(round(1000), round(2000)), (round(4000), round(8000)), (round(1000), round(1000))])
      #expect(result.ratio == Summary([0.5, 0.5, 1]))
      #expect(result.ours.cpuNanosecondsPerPacket.median == 20)
      #expect(result.ours.packetsPerSecond.median == 1e8)
      #expect(result.ours.packets == 300)
    }

    @Test func `the ratio of round trips is that of their medians`() {
      func round(_ trips: [UInt64]) -> Measurement {
        Measurement(packets: trips.count, nanoseconds: 1_000_000, roundTrips: trips)
      }
      let result = CaseResult(name: "", isByClock: true, [(round([10, 20, 900]), round([30, 40, 50]))])
      #expect(result.ratio.median == 0.5)
      #expect(result.ours.roundTrip?.p50 == 40)
      #expect(result.baseline.roundTrip?.distribution.last == 900)
    }

    @Test func `the second process understands what it is told of its end`() {
      let end = QueueEnd(.server, .tuned, batch: 32, byteCount: 9000, waiting: .sleeps)
      #expect(QueueEnd(end.words[...]) == end)
      #expect(end.opposite.role == .client && end.opposite.opposite == end)
      #expect(QueueEnd(["tuned", "server"]) == nil)
    }

    @Test func `the second process understands what it is told of a bridge`() {
      let bridge = QueueBridge(.ours, byteCount: 1500)
      #expect(QueueBridge(bridge.words[...]) == bridge)
      #expect(QueueEnd(bridge.words[...]) == nil)
      #expect(QueueBridge(QueueEnd(.client, .ours, batch: 1, byteCount: 64).words[...]) == nil)
    }

    @Test func `what the links are to reach goes by the name of a case`() {
      #expect(Target.ofRatio("shm/plain/client-to-server/1/64") == 1.5)
      #expect(Target.ofRatio("shm/plain/client-to-server/32/64") == 1)
      #expect(Target.ofRatio("shm/plain/client-to-server/32/256") == nil)
      #expect(Target.ofRatio("shm/tuned/server-to-client/1/256") == 0.85)
      #expect(Target.ofRatio("receive/packet/ring-v2/64") == 0.95)
      #expect(Target.ofRatio("receive/packet/ring-v2-in-place/64") == nil)
      #expect(Target.ofRatio("round-trip/paced/64") == nil)
      #expect(BenchCase.gvisor.allSatisfy { Target.ofRatio($0.name) != nil })
      func round(_ cpu: UInt64) -> Measurement { Measurement(packets: 1, cpuNanoseconds: cpu, nanoseconds: 1) }
      #expect(CaseResult(name: "send/tun/1/64", [(round(95), round(100))]).met == true)
      #expect(CaseResult(name: "send/tun/1/64", [(round(94), round(100))]).met == false)
    }

    @Test func `rounds become shorter, then fewer, where a case may not take long`() throws {
      var moved: [Int] = []
      func side() -> Side {
        Side(
          prepare: { $0 },
          move: {
            moved.append($0)
            return Moved(packets: $0, bytes: 0)
          }, close: {})
      }
      let nothing = BenchCase(name: "") { _ in (side(), side()) }
      let feeder = try Feeder()
      defer { feeder.end() }
      var runner = Runner(pairs: 5, packets: 8000, nanoseconds: 0)
      #expect(try runner.run(nothing, feeder).pairs == 2)
      #expect(moved == [1000, 1000, 125, 125, 125, 125])
      runner.nanoseconds = 1_000_000_000_000
      #expect(try runner.run(nothing, feeder).pairs == 5)
      #expect(moved.last == 8000)
    }

    @Test func `a round goes on until enough has been moved, and counts what was lost`() throws {
      var calls: [String] = []
      let side = Side(
        prepare: {
          calls.append("prepare \($0)")
          return min($0, 4)
        },
        move: {
          calls.append("move \($0)")
          return Moved(packets: $0 == 4 ? 3 : $0, bytes: 0)
        }, close: {})
      let sum = try Runner(pairs: 1, packets: 7).round(side)
      #expect(calls == ["prepare 7", "move 4", "prepare 4", "move 4", "prepare 1", "move 1"])
      #expect((sum.packets, sum.lost) == (7, 2))
    }

    @Test func `a side that moves nothing ends the round`() {
      let stuck = Side(prepare: { $0 }, move: { _ in Moved(packets: 0, bytes: 0) }, close: {})
      #expect(throws: BenchFailure.self) { try Runner(pairs: 1, packets: 7).round(stuck) }
    }

    @Test func `every case has a name of its own, and the command line finds it`() throws {
      let cases = Bench.cases
      #expect(Set(cases.map(\.name)).count == cases.count)
      #expect(try BenchOptions(["--case", "/tun/", "--quick"]).choose(from: cases).allSatisfy(\.needsRoot))
      #expect(throws: BenchFailure.self) { try BenchOptions(["--fast"]) }
      #expect(throws: BenchFailure.self) { try BenchOptions(["--case"]) }
      #expect(throws: BenchFailure.self) { try BenchOptions(["--pairs", "0"]) }
    }
  }
#endif
