import FDLink
import LinkCore
import LinkSystem

/// Reads a command line. What it returns makes sense as a whole.
struct OptionParser {
  private static let counts = 1...1_000_000_000_000_000
  private static let descriptors = 0...1_048_575
  private static let actionFlags = [
    "--echo", "--sink", "--source", "--ping", "--bridge-tun", "--bridge-tap", "--bridge-packet",
  ]
  private static let linkFlags = [
    "--size", "--batch", "--mtu", "--buffer-size", "--ethernet", "--peer-ethernet", "--check", "--virtio-net-header",
    "--no-offload", "--trim", "--spin", "--threads", "--timeout", "--accept-unsealed", "--capture", "--stats",
    "--describe", "--json",
  ]

  /// The flags of a command, `--help` aside.
  static func flags(of command: Command) -> [String] {
    switch command {
    case .demo:
      ["--duration", "--size", "--batch", "--check", "--spin", "--buffer-size", "--tun", "--no-offload", "--json"]
    case .serve: ["--socket", "--keep"] + actionFlags + linkFlags
    case .connect: ["--socket"] + actionFlags + linkFlags
    case .attach: ["--role", "--tx-fds", "--rx-fds", "--peer-fd"] + actionFlags + linkFlags
    case .fd:
      ["--fd", "--tun", "--tap", "--packet", "--queues", "--fanout", "--dispatch"] + actionFlags + linkFlags
    case .demoPeer: ["--size", "--batch", "--check", "--spin"]
    case .tunPeer: ["--role", "--no-offload"]
    }
  }

  static func parse(_ command: Command, _ words: ArraySlice<String>) throws(Failure) -> Options {
    var arguments = Arguments(words, command: command.rawValue)
    var options = Options(command)
    let known = flags(of: command)
    while let flag = try arguments.nextFlag() {
      if flag == "--help" || flag == "-h" {
        options.wantsHelp = true
        return options
      }
      guard known.contains(flag) else { throw arguments.usage("unknown flag \(flag)") }
      if actionFlags.contains(flag) {
        try readAction(flag, &arguments, &options)
      } else {
        try read(flag, &arguments, &options)
      }
    }
    try options.validate(arguments)
    return options
  }

  private static func readAction(
    _ flag: String, _ arguments: inout Arguments, _ options: inout Options
  ) throws(Failure) {
    guard options.action == nil else { throw arguments.usage("\(flag): there is an action already, one is allowed") }
    switch flag {
    case "--echo": options.action = .echo
    case "--sink":
      options.action = .sink(count: try arguments.optionalInteger(of: flag, in: counts).map { UInt64($0) })
    case "--source": options.action = .source(count: UInt64(try arguments.integer(of: flag, in: counts)))
    case "--ping": options.action = .ping(count: UInt64(try arguments.integer(of: flag, in: counts)))
    case "--bridge-tun": options.action = .bridge(.tun, name: try arguments.interfaceName(of: flag))
    case "--bridge-tap": options.action = .bridge(.tap, name: try arguments.interfaceName(of: flag))
    case "--bridge-packet": options.action = .bridge(.packet, name: try arguments.interfaceName(of: flag))
    default: throw arguments.usage("\(flag) is not available yet")
    }
  }

  private static func read(_ flag: String, _ arguments: inout Arguments, _ options: inout Options) throws(Failure) {
    switch flag {
    case "--size": options.size = try arguments.integer(of: flag, in: TestPacket.sizes)
    case "--batch": options.batch = try arguments.integer(of: flag, in: 1...64)
    case "--mtu": options.givenMTU = try arguments.integer(of: flag, in: LinkOptions.mtuRange)
    case "--buffer-size": options.bufferByteCount = try arguments.integer(of: flag, in: 64...65536)
    case "--ethernet": options.ethernet = try address(flag, &arguments)
    case "--peer-ethernet": options.peerEthernet = try address(flag, &arguments)
    case "--check": options.check = try arguments.choice(of: flag, Check.self)
    case "--spin": options.givenSpin = .microseconds(try arguments.integer(of: flag, in: 0...10_000))
    case "--threads": options.givenThreadCount = try arguments.integer(of: flag, in: 1...2)
    case "--timeout": options.timeout = try arguments.seconds(of: flag, in: 0.001...1_000_000)
    case "--stats": options.statsInterval = try arguments.seconds(of: flag, in: 0.01...86_400)
    case "--duration": options.duration = try arguments.seconds(of: flag, in: 0.1...3600)
    case "--json": options.isJSON = true
    case "--virtio-net-header" where options.command != .fd: options.hasVirtioNetHeader = true
    case "--trim": options.trims = true
    // Where a side has made the files itself there is nothing to accept.
    case "--accept-unsealed": options.acceptsUnsealed = true
    case "--keep": options.keeps = true
    case "--no-offload": options.leavesOffloadsOut = true
    case "--socket": options.socketPath = try arguments.value(of: flag, "the path of a Unix socket")
    case "--role": options.role = try arguments.choice(of: flag, RoleName.self)
    case "--tx-fds": options.transmitFiles = try descriptorList(flag, &arguments)
    case "--rx-fds": options.receiveFiles = try descriptorList(flag, &arguments)
    case "--peer-fd": options.peerDescriptor = Int32(try arguments.integer(of: flag, in: descriptors))
    case "--tun" where options.command == .demo: options.isTun = true
    case "--fd", "--tun", "--tap", "--packet": try readSource(flag, &arguments, &options)
    case "--queues": options.queueCount = try arguments.integer(of: flag, in: 1...256)
    case "--fanout": options.fanout = try fanout(flag, &arguments)
    case "--describe": options.describes = true
    case "--dispatch": options.dispatch = try arguments.choice(of: flag, Dispatch.self)
    default: throw arguments.usage("\(flag) is not available yet")
    }
  }

  private static func readSource(
    _ flag: String, _ arguments: inout Arguments, _ options: inout Options
  ) throws(Failure) {
    if flag == "--fd", case .numbers(let numbers) = options.source {
      options.source = .numbers(numbers + [Int32(try arguments.integer(of: flag, in: descriptors))])
      return
    }
    guard options.source == nil else {
      throw arguments.usage("\(flag): one of --fd, --tun, --tap and --packet is allowed")
    }
    switch flag {
    case "--fd": options.source = .numbers([Int32(try arguments.integer(of: flag, in: descriptors))])
    case "--tun": options.source = .device(.tun, name: try arguments.interfaceName(of: flag))
    case "--packet": options.source = .device(.packet, name: try arguments.interfaceName(of: flag))
    default: options.source = .device(.tap, name: try arguments.interfaceName(of: flag))
    }
  }

  /// `none`: sockets that are in a group already.
  private static func fanout(_ flag: String, _ arguments: inout Arguments) throws(Failure) -> FanoutMode? {
    let allowed = (FanoutMode.allCases.map(\.rawValue) + ["none"]).joined(separator: " or ")
    let word = try arguments.value(of: flag, allowed)
    if word == "none" { return nil }
    guard let mode = FanoutMode(rawValue: word) else { throw arguments.refusal(flag, word, allowed) }
    return mode
  }

  private static func address(_ flag: String, _ arguments: inout Arguments) throws(Failure) -> LinkAddress {
    let allowed = "the Ethernet address of one interface, such as 02:00:00:00:00:01"
    let word = try arguments.value(of: flag, allowed)
    guard let address = LinkAddress(word), !address.isMulticast, address != LinkAddress(0, 0, 0, 0, 0, 0) else {
      throw arguments.refusal(flag, word, allowed)
    }
    return address
  }

  private static func descriptorList(_ flag: String, _ arguments: inout Arguments) throws(Failure) -> [Int32] {
    let allowed = "five descriptors as data,event,tx-pipe,rx-pipe,shared-data, such as 10,11,12,13,14"
    let word = try arguments.value(of: flag, allowed)
    let numbers = word.split(separator: ",", omittingEmptySubsequences: false).compactMap { Int($0) }
    let isList = numbers.count == 5 && word.split(separator: ",", omittingEmptySubsequences: false).count == 5
    guard isList, numbers.allSatisfy(descriptors.contains) else { throw arguments.refusal(flag, word, allowed) }
    return numbers.map(Int32.init)
  }
}
