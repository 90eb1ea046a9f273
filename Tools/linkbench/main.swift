import LinkSystem

ProcessControl.end(ResultsCommand.run(Array(CommandLine.arguments.dropFirst())) ?? Bench.run(CommandLine.arguments))
