import LinkSystem

let words = Array(CommandLine.arguments.dropFirst())
ProcessControl.end(ResultsCommand.run(words) ?? DemoCommand.run(words) ?? Bench.run(CommandLine.arguments))
