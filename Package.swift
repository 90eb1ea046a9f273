// swift-tools-version: 6.3
import PackageDescription

/// One set of rules for every Swift target: Swift 6 mode, strict memory safety, warnings are errors.
let rules: [SwiftSetting] = [
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "swift-shared-mem-link",
  products: [
    .library(name: "LinkCore", targets: ["LinkCore"]),
    .library(name: "Eventfd", targets: ["Eventfd"]),
    .library(name: "SharedMemLink", targets: ["SharedMemLink"]),
    .library(name: "FDLink", targets: ["FDLink"]),
    .executable(name: "shmpeer", targets: ["shmpeer"]),
  ],
  targets: [
    // Sources: arrows point down only. CONTRIBUTING.md has the rule of rooms.
    .target(name: "CLinkShims"),
    .target(name: "LinkSystem", dependencies: ["CLinkShims"], swiftSettings: rules),
    .target(name: "LinkCore", dependencies: ["LinkSystem"], swiftSettings: rules),
    .target(name: "Eventfd", dependencies: ["LinkCore", "LinkSystem"], swiftSettings: rules),
    // The folder is Queue; the module is not, because a public package already has a target of that
    // name and SwiftPM refuses a graph with two.
    .target(
      name: "LinkQueue", dependencies: ["CLinkShims", "LinkCore"], path: "Sources/Queue", swiftSettings: rules),
    .target(
      name: "SharedMemLink", dependencies: ["Eventfd", "LinkCore", "LinkQueue", "LinkSystem"], swiftSettings: rules),
    .target(name: "FDLink", dependencies: ["Eventfd", "LinkCore", "LinkSystem"], swiftSettings: rules),

    // Tools
    .executableTarget(
      name: "shmpeer", dependencies: ["Eventfd", "FDLink", "HostilePeer", "LinkCore", "LinkSystem", "SharedMemLink"],
      path: "Tools/shmpeer", swiftSettings: rules),
    // Shows that the test of the bell's fences would notice if they were gone. No product.
    .executableTarget(
      name: "litmus", dependencies: ["LinkQueue", "LinkSystem", "LinkTestSupport"], path: "Tools/litmus",
      swiftSettings: rules),

    // Feeds the fuzz targets: once by a plain build, with libFuzzer behind it by `Tools/check fuzz`. No product.
    .systemLibrary(name: "CLibFuzzer", path: "Tools/CLibFuzzer"),
    .executableTarget(
      name: "fuzz", dependencies: ["CLibFuzzer", "FuzzTargets"], path: "Tools/fuzz", swiftSettings: rules),
    // Shows that nothing grows, for as long as one likes to look. No product.
    .executableTarget(
      name: "soak", dependencies: ["LinkSystem", "LinkTestSupport"], path: "Tools/soak", swiftSettings: rules),

    // A TUN device joined to a socket in C: what Tools/throughput compares with. No product.
    .executableTarget(name: "forwarder", path: "Tools/forwarder"),

    // The links beside plain C loops around the same system calls. No product.
    .target(name: "CBaselines", path: "Tools/CBaselines"),
    .executableTarget(
      name: "linkbench",
      dependencies: [
        "CBaselines", "Eventfd", "FDLink", "InteropSupport", "LinkCore", "LinkSystem", "LinkTestSupport",
        "SharedMemLink",
      ],
      path: "Tools/linkbench", swiftSettings: rules),

    // The tables of Documentation/Interop.md. No product.
    .executableTarget(
      name: "interop", dependencies: ["InteropSupport", "LinkSystem", "LinkTestSupport"],
      path: "Tools/interop", swiftSettings: rules),

    // The attacker in the box, for tests and tools. It speaks the wire format by itself: it knows the kernel's calls, and
    // nothing of the link's code.
    .target(
      name: "HostilePeer", dependencies: ["CLinkShims", "LinkSystem"], path: "Tests/HostilePeer", swiftSettings: rules),

    // Tests. LinkTestSupport knows nothing of the testing library, so that tools may use it too.
    .target(
      name: "LinkTestSupport",
      dependencies: [
        "CLinkShims", "Eventfd", "FDLink", "HostilePeer", "LinkCore", "LinkQueue", "LinkSystem", "SharedMemLink",
      ],
      path: "Tests/LinkTestSupport", swiftSettings: rules),
    // What a peer's bytes are fed to, for the fuzzer and for a test over its corpus.
    .target(
      name: "FuzzTargets",
      dependencies: ["LinkCore", "LinkQueue", "LinkSystem", "LinkTestSupport", "SharedMemLink"],
      path: "Tests/FuzzTargets", swiftSettings: rules),
    .testTarget(
      name: "FuzzTests", dependencies: ["FuzzTargets", "LinkTestSupport"], exclude: ["Corpus"], swiftSettings: rules),
    .testTarget(name: "LinkSystemTests", dependencies: ["LinkSystem", "LinkTestSupport"], swiftSettings: rules),
    .testTarget(
      name: "LinkCoreTests", dependencies: ["FDLink", "LinkCore", "LinkSystem", "LinkTestSupport", "SharedMemLink"],
      swiftSettings: rules
    ),
    .testTarget(
      name: "EventfdTests", dependencies: ["Eventfd", "LinkCore", "LinkSystem", "LinkTestSupport"], swiftSettings: rules
    ),
    .testTarget(
      name: "QueueTests", dependencies: ["LinkCore", "LinkQueue", "LinkSystem", "LinkTestSupport"],
      swiftSettings: rules),
    .testTarget(
      name: "SharedMemLinkTests",
      dependencies: ["Eventfd", "LinkCore", "LinkQueue", "LinkSystem", "LinkTestSupport", "SharedMemLink"],
      swiftSettings: rules),
    .testTarget(
      name: "FDLinkTests", dependencies: ["Eventfd", "FDLink", "LinkCore", "LinkSystem", "LinkTestSupport"],
      swiftSettings: rules),
    .testTarget(
      name: "CrossProcessTests",
      dependencies: ["FDLink", "LinkCore", "LinkSystem", "LinkTestSupport", "SharedMemLink", "linkbench", "shmpeer"],
      swiftSettings: rules),
    .testTarget(
      name: "HostileTests",
      dependencies: ["HostilePeer", "LinkCore", "LinkSystem", "LinkTestSupport", "SharedMemLink", "shmpeer"],
      swiftSettings: rules),
    // Beside gVisor's own endpoints, which a Go program in Tests/Interop runs.
    .target(
      name: "InteropSupport", dependencies: ["LinkSystem", "LinkTestSupport", "SharedMemLink"],
      path: "Tests/Interop/InteropSupport", swiftSettings: rules),
    .testTarget(
      name: "InteropTests",
      dependencies: [
        "FDLink", "InteropSupport", "LinkCore", "LinkSystem", "LinkTestSupport", "SharedMemLink", "linkbench",
        "shmpeer",
      ],
      path: "Tests/Interop/InteropTests", swiftSettings: rules),
    // A stranger's use: plain imports of the products only.
    .testTarget(
      name: "APITests", dependencies: ["Eventfd", "FDLink", "LinkCore", "SharedMemLink"], swiftSettings: rules),
  ]
)
