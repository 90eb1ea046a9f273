import LinkQueue

/// A shared file as one side of a scenario sees it: each access is a step of the exploration.
package struct ExploredMemory: WordMemory {
  private let side: Side
  private let region: Region
  private let fault: Fault

  init(_ side: Side, _ region: Region, _ fault: Fault) {
    self.side = side
    self.region = region
    self.fault = fault
  }

  package var byteCount: Int { region.byteCount }

  package func loadAcquiring(_ offset: Int) -> UInt64 {
    side.perform(.load(region.place(offset, 8), acquires: fault != .loadsPlainly))
  }
  package func storeReleasing(_ value: UInt64, _ offset: Int) {
    side.perform(.store(region.place(offset, 8), value, releases: fault != .storesPlainly))
    guard let (place, held) = side.heldStore else { return }
    side.heldStore = nil
    side.perform(.store(place, held, releases: false))
  }
  package func store(_ value: UInt64, _ offset: Int) {
    if fault == .swapsStores {
      side.heldStore = (region.place(offset, 8), value)
    } else {
      side.perform(.store(region.place(offset, 8), value, releases: false))
    }
  }

  package func field32(_ offset: Int) -> UInt32 {
    UInt32(truncatingIfNeeded: side.perform(.load(region.place(offset, 4), acquires: false)))
  }
  package func field64(_ offset: Int) -> UInt64 { UInt64(field32(offset)) | UInt64(field32(offset + 4)) << 32 }
  package func setField32(_ value: UInt32, _ offset: Int) {
    side.perform(.store(region.place(offset, 4), UInt64(value), releases: false))
  }
  package func setField64(_ value: UInt64, _ offset: Int) {
    setField32(UInt32(truncatingIfNeeded: value), offset)
    setField32(UInt32(truncatingIfNeeded: value >> 32), offset + 4)
  }

  package func loadFlag(_ offset: Int) -> UInt32 { field32(offset) }
  package func storeFlag(_ value: UInt32, _ offset: Int) { setField32(value, offset) }
  package func fence() { if fault != .lacksFence { side.perform(.fence) } }
}

/// What is wrong with a side's memory, to see that it is noticed.
package enum Fault: Equatable, Sendable {
  case none
  /// A fence does nothing.
  case lacksFence
  /// A release store is a plain one.
  case storesPlainly
  /// An acquire load is a plain one.
  case loadsPlainly
  /// A plain store of a header comes after the release store that follows it.
  case swapsStores
}
