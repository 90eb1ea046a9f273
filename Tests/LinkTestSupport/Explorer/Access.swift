/// One step that a side asks for. Nothing else that it does can be seen by anybody.
///
/// Memory is an array of cells of 32 bits; a word of 64 is two of them, read and written at once.
package enum Access: Equatable, Sendable {
  case load(Place, acquires: Bool)
  case store(Place, UInt64, releases: Bool)
  /// A plain load whose value is only compared: where loads may be late, it may be later than what follows it.
  case expect(Place, UInt64, what: String)
  /// Everything ahead is visible before anything that follows. Sequentially consistent.
  case fence
  /// A read, a change and a write in one, sequentially consistent. Its value is the old one.
  case update(Place, Update)
  /// Goes on once the place holds something other than this: what a loop that looks again and again comes to.
  case awaitChange(Place, UInt64)
  /// Data under a mutex, which the side has to hold: so nobody else can tell when it happens.
  case read(Guarded)
  case write(Guarded, UInt64)
  /// A mutex is taken: goes on once it is free.
  case lock(Place)
  /// `poll` on counters: goes on once one of them is not 0. Its value has a bit for each that is not.
  case poll([Place])
  /// For the reader of the trace.
  case note(String)
  /// The side has seen what must not be.
  case fail(String)
  case end

  package enum Update: Equatable, Sendable {
    case exchange(UInt64)
    case compareExchange(UInt64, UInt64)
    case add(UInt64)
    /// A mutex, if it is free.
    case lock

    func result(_ old: UInt64, by side: Int) -> UInt64 {
      switch self {
      case .exchange(let new): new
      case .compareExchange(let expected, let desired): old == expected ? desired : old
      case .add(let number): old &+ number
      case .lock: old == 0 ? Machine.holder(side) : old
      }
    }
  }

  /// Whether what follows can depend on its outcome.
  var hasValue: Bool {
    switch self {
    case .load, .read, .update, .poll, .fail, .end: true
    case .store, .write, .expect, .fence, .awaitChange, .lock, .note: false
    }
  }
}

/// Data, and the mutex that it lies under.
package struct Guarded: Equatable, Sendable {
  var place: Place
  var mutex: Place
}

/// One or two cells.
package struct Place: Equatable, Sendable {
  var cell: Int
  var cellCount: Int

  func overlaps(_ other: Place) -> Bool {
    cell < other.cell + other.cellCount && other.cell < cell + cellCount
  }
}
