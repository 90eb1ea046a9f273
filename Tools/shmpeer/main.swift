import LinkSystem

ProcessControl.end(Tool.run(CommandLine.arguments).rawValue)
