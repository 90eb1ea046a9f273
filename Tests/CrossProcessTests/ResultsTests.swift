import Foundation
import FoundationXML
import LinkSystem
import LinkTestSupport
import Testing

/// What `linkbench plot` and `linkbench page` make of figures. It takes no measurement.
@Suite struct `linkbench's page and pictures` {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "results-\(UUID().uuidString)")

  /// Figures as `linkbench --json` writes them: one direction and batch beside two baselines, two sizes, one round trip, one case
  /// of another kind, and costs. Some of the keys are of a later version, some are missing.
  private static let figures: String = {
    func summary(_ value: Double) -> String { "{\"least\":\(value * 0.9),\"median\":\(value),\"most\":\(value * 1.1)}" }
    func side(_ rate: Double) -> String { "{\"lost\":0,\"packets\":9,\"packetsPerSecond\":\(summary(rate))}" }
    func trip(_ p50: Int) -> String {
      let distribution = (0...100).map { "\(p50 + $0)" }.joined(separator: ",")
      return
        "{\"roundTrip\":{\"p50\":\(p50),\"p99\":\(p50 * 2),\"p99_9\":\(p50 * 9),\"distribution\":[\(distribution)]}}"
    }
    func line(_ name: String, _ baseline: String, _ ours: String, _ ratio: Double, _ more: String = "") -> String {
      "{\"name\":\"\(name)\",\"pairs\":15,\"baseline\":\(baseline),\"ours\":\(ours),\"ratio\":\(summary(ratio))\(more)}"
    }
    let aim = ",\"target\":0.85,\"met\":"
    let cases = [
      line("shm/plain/client-to-server/32/64", side(20e6), side(25e6), 1.25, ",\"target\":1,\"met\":true"),
      line("shm/plain/client-to-server/32/1500", side(9e6), side(11e6), 1.22),
      line("shm/tuned/client-to-server/32/64", side(30e6), side(24e6), 0.8, aim + "false"),
      line("round-trip/spin/64", trip(300), trip(320), 0.94),
      line("gvisor/client-to-server/64", side(2e6), side(22e6), 11, ",\"target\":10,\"met\":true"),
      line("demo/server-to-client/1/64", side(5e6), side(6e6), 1.2),
      line("receive/tun/readv/64", "{\"cpuNanosecondsPerPacket\":\(summary(900))}", "{}", 0.97, aim + "true"),
    ]
    let machine =
      "{\"processor\":\"Test & Co\",\"processorCount\":2,\"kernel\":\"6.1\",\"date\":\"2026-01-02\",\"isOptimised\":true}"
    return "{\"machine\":\(machine),\"version\":9,\"cases\":[\(cases.joined(separator: ","))]}"
  }()
  private static let costs =
    "{\"costs\":[{\"name\":\"client-to-server/1/64\",\"met\":true,\"fencesPerBatch\":2,\"sending\":{\"systemCallsPerPacket\":0.5}}]}"

  /// Runs the tool over these texts, each in a file of its own. What it wrote, by name.
  private func run(_ command: String, _ inputs: [String], to target: String) throws -> (Peer.Outcome, [String: String])
  {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var files: [String] = []
    for (index, input) in inputs.enumerated() {
      files.append(folder.appending(path: "in-\(index).json").path)
      try Data(input.utf8).write(to: URL(filePath: files[index]))
    }
    let outcome = try linkbench([command] + files + ["--to", folder.appending(path: target).path])
    return (outcome, try texts(under: folder).filter { !$0.key.hasPrefix("in-") })
  }

  private func linkbench(_ words: [String]) throws -> Peer.Outcome {
    try Peer(words, executable: Peer.path(of: "linkbench")).wait()
  }

  private func texts(under folder: URL) throws -> [String: String] {
    let names = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    return try names.filter { $0.hasSuffix(".md") || $0.hasSuffix(".svg") || $0.hasSuffix(".json") }.reduce(into: [:]) {
      $0[$1] = String(decoding: try Data(contentsOf: folder.appending(path: $1)), as: UTF8.self)
    }
  }

  @Test func `hold every figure, and are the same each time`() throws {
    let (outcome, files) = try run("page", [Self.figures, Self.costs], to: "Page.md")
    #expect(outcome.ending == .exited(0), "\(outcome.messages)")
    #expect(
      Set(files.keys)
        == ["Page.md", "Page/rate-packets.svg", "Page/rate-bits.svg", "Page/ratio.svg", "Page/latency.svg"])
    let page = try #require(files["Page.md"])
    for text in [
      "Measured on Test & Co, 2 processors, Linux 6.1, 2026-01-02.",
      "Of 5 aims 4 are met, and these are not:\n\n- `shm/tuned/client-to-server/32/64`: 0.800 (0.72–0.88), aim ≥ 0.85\n",
      "| plain C | client to server | 32 | 64 | 20.00 M | 25.00 M | 12.8 | 1.250 (1.12–1.38) | 15 | ≥ 1 | met |",
      "| plain C | client to server | 32 | 1500 | 9.00 M | 11.00 M | 132.0 | 1.220 (1.10–1.34) | 15 |  |  |",
      "| tuned C | client to server | 32 | 64 | 30.00 M | 24.00 M | 12.3 | 0.800 (0.72–0.88) | 15 | ≥ 0.85 | **not met** |",
      "| gVisor | client to server | 32 | 64 | 2.00 M | 22.00 M | 11.3 | 11.000 (9.90–12.10) | 15 | ≥ 10 | met |",
      "| round-trip/spin/64 | 0.30 / 0.60 / 2.70 | 0.32 / 0.64 / 2.88 | 0.940 (0.85–1.03) | 15 |  |  |",
      "| plain C | server to client | 1 | 64 | 5.00 M | 6.00 M | 3.1 | 1.200 (1.08–1.32) | 15 |  |  |",
      "| receive/tun/readv/64 | 900 |  |  |  | 0.970 (0.87–1.07) | 15 | ≥ 0.85 | met |",
      "| case | fences per batch | met | sending: system calls per packet |",
      "| client-to-server/1/64 | 2 | yes | 0.5 |",
    ] { #expect(page.contains(text), "\(text)\nis not in\n\(page)") }
    for name in files.keys where name.hasSuffix(".svg") { #expect(page.contains("](\(name))"), "\(name)") }
    #expect(try run("page", [Self.figures, Self.costs], to: "Page.md").1 == files)
  }

  @Test func `draw every row, with units, hardware and date`() throws {
    let (outcome, files) = try run("plot", [Self.figures], to: "pictures")
    #expect(outcome.ending == .exited(0), "\(outcome.messages)")
    for (name, text) in files {
      let parser = XMLParser(data: Data(text.utf8))
      #expect(parser.parse(), "\(name): \(String(describing: parser.parserError))")
      #expect(text.contains("Test &amp; Co, 2 processors, Linux 6.1, 2026-01-02"), "\(name)")
      #expect(text.contains("@media (prefers-color-scheme: dark)"), "\(name)")
    }
    func count(_ shape: String, in name: String) -> Int { files["pictures/\(name)"]?.ranges(of: shape).count ?? 0 }
    // A mark a size, and one in the legend.
    for name in ["rate-packets.svg", "rate-bits.svg"] {
      #expect(count("class=\"m0\"", in: name) == 3 && count("class=\"m1\"", in: name) == 3, "\(name)")
      #expect(count("class=\"m2\"", in: name) == 2, "\(name)")
      #expect(count("class=\"m3\"", in: name) == 2, "\(name)")
      for word in [">SharedMemLink<", ">gVisor<", ">plain C<", ">tuned C<", ">bytes of a packet<", ">64<", ">1500<"] {
        #expect(count(word, in: name) > 0, "\(name): \(word)")
      }
    }
    #expect(count(">packets/s<", in: "rate-packets.svg") == 1 && count(">Gbit/s<", in: "rate-bits.svg") == 1)
    #expect(count("<polyline class=\"s0\"", in: "latency.svg") == 2 && count(">99.9 %<", in: "latency.svg") == 1)
    #expect(count("C median 0.3 µs, slowest 0.4 µs; ours median 0.32 µs", in: "latency.svg") == 1)
  }

  @Test(arguments: [
    ("", "it is empty"), ("{\"cases\":", "no JSON object"), ("[]", "no JSON object"), ("{}", "no measured case"),
    ("{\"cases\":[{\"name\":\"x\"}]}", "are not those"), ("{\"cases\":[]}", "no measured case"),
  ])
  func `refuse figures that are none, and write nothing`(input: String, complaint: String) throws {
    for command in ["plot", "page"] {
      let (outcome, files) = try run(command, [input], to: "Out.md")
      #expect(outcome.ending == .exited(2))
      #expect(outcome.messageLines.count == 1 && outcome.messages.contains(complaint), "\(outcome.messages)")
      #expect(files.isEmpty)
    }
  }

  @Test(arguments: [
    ["plot"], ["demo", "--fast"], ["page", "x.json"], ["plot", "--to", "x"], ["plot", "--from", "x"],
    ["plot", "x", "--to"],
  ])
  func `refuse words that say too little`(words: [String]) throws {
    let outcome = try linkbench(words)
    #expect(outcome.ending == .exited(2))
    #expect(outcome.messageLines.count == 1)
  }

  /// Nobody changed it by hand, and no picture is of another run. `linkbench page` makes it anew without measuring.
  @Test func `are in the documentation as they are made from the figures beside them`() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let documentation = root.appending(path: "Documentation")
    let committed = try texts(under: documentation).filter { $0.key == "Results.md" || $0.key.hasPrefix("Results/") }
    let figures = committed.filter { $0.key.hasSuffix(".json") }.sorted { $0.key < $1.key }.map(\.value)
    #expect(!figures.isEmpty)
    let (outcome, made) = try run("page", figures, to: "Results.md")
    #expect(outcome.ending == .exited(0), "\(outcome.messages)")
    for (name, text) in committed where !name.hasSuffix(".json") {
      #expect(made[name] == text, "Documentation/\(name) is not what Tools/check page writes")
    }
    #expect(made.keys.allSatisfy { committed[$0] != nil })
  }
}
