/// A part of the machine's memory: a shared file, a counter of the kernel, an atomic.
package struct Region: Sendable {
  let firstCell: Int
  package let byteCount: Int

  func place(_ offset: Int, _ size: Int) -> Place {
    precondition(offset >= 0 && offset % size == 0 && offset + size <= byteCount, "access at \(offset)")
    return Place(cell: firstCell + offset / 4, cellCount: size / 4)
  }
}

/// What stores, and loads, may overtake.
package enum MemoryOrder: Sendable {
  /// x86: stores leave a side's buffer one after the other; a load may overtake them.
  case totalStoreOrder
  /// As weak as C's memory model with acquire and release, but for loads that wait on what follows them (see
  /// Documentation/Exploration.md): plain stores leave in any order, a release store after everything ahead of it; plain
  /// loads may see what was there at any time since the last acquire load, and those that are only compared may be late.
  case weak
}

/// Some memory, and two or three sides that run over it: everything that an exploration needs.
package struct Scenario: Sendable {
  package typealias Program = @Sendable (Side) throws(Halt) -> Void

  let name: String
  let order: MemoryOrder
  private(set) var cells: [UInt32] = []
  private var names: [String] = []
  private(set) var sides: [(name: String, program: Program)] = []

  package init(_ name: String, _ order: MemoryOrder) {
    self.name = name
    self.order = order
  }

  /// A part of memory, zeroed but for its first 32 bits.
  package mutating func region(_ name: String, byteCount: Int = 4, initially value: UInt32 = 0) -> Region {
    let region = Region(firstCell: cells.count, byteCount: byteCount)
    for cell in 0..<byteCount / 4 {
      cells.append(0)
      names.append(byteCount == 4 ? name : "\(name)[\(cell * 4)]")
    }
    cells[region.firstCell] = value
    return region
  }

  /// Data under a mutex.
  package mutating func region(_ name: String, under mutex: Region, initially value: UInt32 = 0) -> Guarded {
    Guarded(place: region(name, initially: value).place(0, 4), mutex: mutex.place(0, 4))
  }

  /// A pipe as its creator leaves it.
  package mutating func pipe(_ name: String, words: Int) -> Region {
    let pipe = region(name, byteCount: 8 * words)
    cells[pipe.firstCell + 1] = 1 << 31
    return pipe
  }

  package mutating func side(_ name: String, _ program: @escaping Program) { sides.append((name, program)) }

  func name(of place: Place) -> String { names[place.cell] }
}
