import LinkSystem

ProcessControl.end(Bench.run(CommandLine.arguments))
