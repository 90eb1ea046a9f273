/// What a link over a descriptor can be told besides `LinkOptions`.
public struct FDOptions: Sendable {
  /// How packets are read.
  public var dispatchMode = DispatchMode.automatic
  /// Drop Ethernet frames that are addressed to another interface. For packet sockets, which see what the interface
  /// sees; devices and Unix sockets bring only what is meant for this end.
  public var filtersAddresses = false

  public init() {}
}

/// How packets are read from the descriptor.
public enum DispatchMode: Sendable {
  /// The best way that the kernel and the kind of descriptor offer.
  case automatic
  /// One system call per packet: every descriptor can do it. `readv(2)`.
  case readv
}
