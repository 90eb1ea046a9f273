package import LinkCore

/// What every link promises, as functions that throw where one does not: the documentation of `LinkEndpoint`,
/// `LinkDispatcher` and `DrivenLink` line by line. A test target of a link runs every case over every pair it can make.
package enum LinkConformance {
  /// One promise.
  package struct Case: Sendable, CustomStringConvertible {
    package let name: String
    /// What a pair must be able to do for it.
    package let needs: LinkPairFactory.Traits
    package let run: @Sendable (LinkPairFactory) throws -> Void
    package var description: String { name }

    init(
      _ name: String, needs: LinkPairFactory.Traits = [], _ run: @escaping @Sendable (LinkPairFactory) throws -> Void
    ) {
      self.name = name
      self.needs = needs
      self.run = run
    }
  }

  package static let cases: [Case] =
    deliveryCases + backpressureCases + dropCases + lifecycleCases + closingCases + peerCases + packetCases
    + headerCases + propertyCases + threadCases + drivenCases + closeActionCases
    + rawFrameCases + offloadCases

  /// Every promise with every pair that can keep it.
  package static func runs(over pairs: [LinkPairFactory]) -> [Run] {
    pairs.flatMap { pair in
      cases.filter { pair.traits.isSuperset(of: $0.needs) }.map { Run(pairs: pair, promise: $0) }
    }
  }

  /// One promise over one kind of pair.
  package struct Run: Sendable, CustomStringConvertible {
    package let pairs: LinkPairFactory
    package let promise: Case
    package var description: String { "\(pairs): \(promise)" }
    package func callAsFunction() throws { try promise.run(pairs) }
  }
}

/// Makes connected pairs of links.
package struct LinkPairFactory: Sendable, CustomStringConvertible {
  /// What not every medium can do.
  package struct Traits: OptionSet, Sendable {
    package let rawValue: Int
    package init(rawValue: Int) { self.rawValue = rawValue }

    /// A sender that is too fast is refused, instead of losing packets on the way.
    package static let backPressure = Traits(rawValue: 1)
    /// An end notices when the other is closed.
    package static let noticesEnd = Traits(rawValue: 2)
    /// Packets may be no IP packets.
    package static let anyByte = Traits(rawValue: 4)
    /// Frames may be shorter than an Ethernet header.
    package static let anyLength = Traits(rawValue: 8)
    /// The links can be driven by their owner.
    package static let steps = Traits(rawValue: 16)
    /// Packets arrive in the order in which they were sent, of whatever flow they are.
    package static let globalOrder = Traits(rawValue: 32)
    /// Packets of one flow may take all that a small pool has: several descriptors share it evenly.
    package static let wholePool = Traits(rawValue: 64)
    /// What links of several descriptors cannot do.
    package static let oneDescriptor: Traits = [.steps, .globalOrder, .wholePool]
    package static let all: Traits = [.backPressure, .noticesEnd, .anyByte, .anyLength, .oneDescriptor]
  }

  package let name: String
  /// Whether its links have Ethernet framing: it adds addresses to the options.
  package let isEthernet: Bool
  package let traits: Traits
  /// The largest packet that it carries.
  package let largestMTU: Int
  /// Makes two ends of one link, neither attached.
  package let make: @Sendable (LinkOptions, LinkOptions) throws -> (any LinkEndpoint, any LinkEndpoint)

  package init(
    name: String, isEthernet: Bool, traits: Traits = .all, largestMTU: Int = LinkOptions.mtuRange.upperBound,
    make: @escaping @Sendable (LinkOptions, LinkOptions) throws -> (any LinkEndpoint, any LinkEndpoint)
  ) {
    self.name = name
    self.isEthernet = isEthernet
    self.traits = traits
    self.largestMTU = largestMTU
    self.make = make
  }

  package var description: String { name }

  package static let firstAddress = LinkAddress(2, 0, 0, 0, 0, 1)
  package static let secondAddress = LinkAddress(2, 0, 0, 0, 0, 2)

  /// Runs `body` with a pair, then closes both ends, whatever happened.
  func withPair(
    _ first: LinkOptions = LinkOptions(), _ second: LinkOptions = LinkOptions(),
    _ body: (any LinkEndpoint, any LinkEndpoint) throws -> Void
  ) throws {
    var (first, second) = (first, second)
    if isEthernet {
      first.linkAddress = first.linkAddress ?? Self.firstAddress
      second.linkAddress = second.linkAddress ?? Self.secondAddress
    }
    let (a, b) = try make(first, second)
    defer {
      for link in [a, b] {
        link.close()
        if let driven = link as? any DrivenLink, (link === a ? first : second).drive == .caller { _ = driven.step() }
      }
    }
    try body(a, b)
  }
}

/// A promise that was not kept.
package struct ConformanceFailure: Error, CustomStringConvertible {
  package let message: String
  package let file: String
  package let line: UInt
  package var description: String { "\(file):\(line): \(message)" }
}

func expect(
  _ condition: @autoclosure () throws -> Bool, _ message: @autoclosure () -> String, file: String = #fileID,
  line: UInt = #line
) throws {
  if try !condition() { throw ConformanceFailure(message: message(), file: file, line: line) }
}

func expectEqual<Value: Equatable>(
  _ value: Value, _ expected: Value, _ what: String, file: String = #fileID, line: UInt = #line
) throws {
  if value == expected { return }
  var text = "\(what): \(value), not \(expected)"
  if text.count > 400 { text = "\(text.prefix(400))…" }
  throw ConformanceFailure(message: text, file: file, line: line)
}

/// Expects `body` to fail with this code.
func expectError(
  _ code: LinkError.Code, _ what: String, file: String = #fileID, line: UInt = #line,
  _ body: () throws(LinkError) -> Void
) throws {
  do throws(LinkError) { try body() } catch {
    if error.code == code { return }
    throw ConformanceFailure(message: "\(what): \(error), not \(code)", file: file, line: line)
  }
  throw ConformanceFailure(message: "\(what): no error, not \(code)", file: file, line: line)
}

/// Waits for the end of a link, with a deadline: a `wait()` that hangs is a failure, not a hang of the test.
func expectEnd(_ link: any LinkEndpoint, file: String = #fileID, line: UInt = #line) throws {
  let code = try inThread { () -> LinkError.Code? in
    do throws(LinkError) {
      try link.wait()
      return nil
    } catch { return error.code }
  }
  try expect(code != nil, "wait() did not return", file: file, line: line)
  try expectEqual(code!, nil, "wait() threw", file: file, line: line)
}
