/// A machine between two steps: its memory, and of each side where its program is and what it did that nobody sees yet.
struct MachineState {
  /// A store, or a load that may be late, on its way.
  struct Pending {
    enum Kind: UInt32 { case store, release, expect }
    var kind: Kind
    var place: Place
    var value: UInt64
    /// The step that asked for it.
    var node: Int
  }

  /// A value that was overwritten, and that a plain load may still see.
  struct Old {
    var place: Place
    var value: UInt64
  }

  struct SideState {
    var node = 0
    /// First in, first out, as far as the memory's order says so.
    var buffer: [Pending] = []
    var old: [Old] = []
  }

  var cells: [UInt32]
  var sides: [SideState]

  subscript(place: Place) -> UInt64 {
    get {
      let low = UInt64(cells[place.cell])
      return place.cellCount == 1 ? low : low | UInt64(cells[place.cell + 1]) << 32
    }
    set {
      cells[place.cell] = UInt32(truncatingIfNeeded: newValue)
      if place.cellCount == 2 { cells[place.cell + 1] = UInt32(truncatingIfNeeded: newValue >> 32) }
    }
  }

  /// What a load of this side sees: its own stores first.
  func visible(_ place: Place, to side: Int) -> UInt64 {
    if sides[side].buffer.isEmpty { return self[place] }
    var seen = self
    for pending in sides[side].buffer where pending.kind != .expect { seen[pending.place] = pending.value }
    return seen[place]
  }

  /// Equal exactly for equal states.
  var key: [UInt32] {
    var key = cells
    for side in sides {
      key.append(UInt32(side.node))
      key.append(UInt32(side.buffer.count))
      // What it was that the program asked for is known from its place in the program.
      for pending in side.buffer { key.append(UInt32(pending.node)) }
      key.append(UInt32(side.old.count))
      for old in side.old {
        key.append(UInt32(old.place.cell * 2 + old.place.cellCount - 1))
        key.append(UInt32(truncatingIfNeeded: old.value))
        key.append(UInt32(truncatingIfNeeded: old.value >> 32))
      }
    }
    return key
  }
}
