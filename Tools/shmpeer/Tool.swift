import LinkSystem

/// From the words of the command line to the exit code.
enum Tool {
  static func run(_ words: [String]) -> ExitCode {
    do { return try dispatch(words.dropFirst()) } catch {
      Console.write("shmpeer: \(error.message)", to: .error)
      return error.code
    }
  }

  private static func dispatch(_ words: ArraySlice<String>) throws(Failure) -> ExitCode {
    guard let name = words.first else { throw Failure(.usage, "a subcommand is missing (see shmpeer --help)") }
    if ["--help", "-h", "help"].contains(name) {
      Console.write(Help.overview, to: .output)
      return .done
    }
    if name == "hostile" { return try Hostile.run(words.dropFirst()) }
    guard let command = Command(rawValue: name) else {
      throw Failure(.usage, "unknown subcommand \(name) (see shmpeer --help)")
    }
    let options = try OptionParser.parse(command, words.dropFirst())
    if options.wantsHelp {
      Console.write(Help.text(command), to: .output)
      return .done
    }
    try Attach.checkNamedDescriptors(options)
    switch command {
    case .demoPeer: return try DemoPeer(options: options).run()
    case .tunPeer: return try TunPeer(options: options).run()
    default: break
    }
    let watch = try Watch()
    return switch command {
    case .demo where options.isTun: try DemoTun(options: options, watch: watch).run()
    case .serve: try Serve(options, watch).run()
    case .connect: try Connect(options: options, watch: watch).run()
    case .attach: try Attach(options: options, watch: watch).run()
    case .fd: try FD(options: options, watch: watch).run()
    default: try Demo(options: options, watch: watch).run()
    }
  }
}
