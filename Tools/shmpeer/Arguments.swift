/// The words of a command line, read from the front. Every refusal says which flag, what was given, and what is allowed.
struct Arguments {
  private var words: ArraySlice<String>
  private let command: String

  init(_ words: ArraySlice<String>, command: String) {
    self.words = words
    self.command = command
  }

  /// The next flag; nil at the end. `--flag=value` is read as two words.
  mutating func nextFlag() throws(Failure) -> String? {
    guard let word = words.popFirst() else { return nil }
    guard word.hasPrefix("-") else {
      throw usage("unexpected \"\(word)\": flags begin with --")
    }
    guard let equals = word.firstIndex(of: "=") else { return word }
    words = [String(word[word.index(after: equals)...])] + words
    return String(word[..<equals])
  }

  mutating func value(of flag: String, _ what: String) throws(Failure) -> String {
    guard let word = words.first, !word.isEmpty, !word.hasPrefix("--") else {
      throw usage("\(flag) needs a value: \(what)")
    }
    return words.removeFirst()
  }

  /// The number behind a flag whose number may be left out.
  mutating func optionalInteger(of flag: String, in range: ClosedRange<Int>) throws(Failure) -> Int? {
    guard let word = words.first, !word.hasPrefix("--") else { return nil }
    return try integer(of: flag, in: range)
  }

  mutating func integer(of flag: String, in range: ClosedRange<Int>) throws(Failure) -> Int {
    let allowed = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    let word = try value(of: flag, allowed)
    guard let number = Int(word), range.contains(number) else { throw refusal(flag, word, allowed) }
    return number
  }

  mutating func seconds(of flag: String, in range: ClosedRange<Double>) throws(Failure) -> Duration {
    let allowed = "seconds from \(range.lowerBound) to \(Int(range.upperBound))"
    let word = try value(of: flag, allowed)
    guard let number = Double(word), range.contains(number) else { throw refusal(flag, word, allowed) }
    return .milliseconds(Int(number * 1000))
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(
    of flag: String, _ type: Choice.Type
  ) throws(Failure) -> Choice where Choice.RawValue == String {
    let allowed = Choice.allCases.map(\.rawValue).joined(separator: " or ")
    let word = try value(of: flag, allowed)
    guard let choice = Choice(rawValue: word) else { throw refusal(flag, word, allowed) }
    return choice
  }

  /// The name of a network interface.
  mutating func interfaceName(of flag: String) throws(Failure) -> String {
    let allowed = "an interface name of 1 to 15 characters without / and blanks"
    let word = try value(of: flag, allowed)
    let isName = (1...15).contains(word.utf8.count) && !word.contains { $0 == "/" || $0.isWhitespace }
    guard isName, word != ".", word != ".." else { throw refusal(flag, word, allowed) }
    return word
  }

  func refusal(_ flag: String, _ word: String, _ allowed: String) -> Failure {
    usage("\(flag) \(word): must be \(allowed)")
  }

  func usage(_ text: String) -> Failure { Failure(.usage, "\(text) (see shmpeer \(command) --help)") }
}
