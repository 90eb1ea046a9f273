/// Ends a side's program where its known past ends.
package struct Halt: Error {}

/// One of the parties of a scenario, while its program runs on a given past.
///
/// A program is a function of the values that it reads: to learn what a side does next, it runs from the start on the
/// values that it has read so far. The first access beyond them is the answer; what the program makes of the zeros that
/// follow is thrown away. So ordinary code can be stopped between any two accesses, without a thread.
package final class Side: @unchecked Sendable {
  private let past: [UInt64]
  private var position = 0
  /// What the program does behind its past, up to the first access that has a value.
  private(set) var accesses: [Access] = []
  private(set) var isOver = false
  private var accessesAfterEnd = 0
  private var lastLoad: (Place, UInt64)?
  /// A plain store that a fault holds back. See `Fault.swapsStores`.
  var heldStore: (Place, UInt64)?

  init(past: [UInt64]) { self.past = past }

  func run(_ program: Scenario.Program) {
    do throws(Halt) {
      try program(self)
      perform(.end)
    } catch {}
    precondition(isOver && position == past.count, "a program must depend on nothing but the values that it reads")
  }

  @discardableResult func perform(_ access: Access) -> UInt64 {
    if isOver {
      accessesAfterEnd += 1
      precondition(accessesAfterEnd < 100_000, "a loop in a program needs a `try` that ends it")
      return 0
    }
    var value: UInt64 = 0
    if position < past.count {
      value = past[position]
      position += 1
    } else {
      accesses.append(access)
      isOver = access.hasValue
    }
    if case .load(let place, _) = access { lastLoad = (place, value) }
    return value
  }

  private func performOrHalt(_ access: Access) throws(Halt) -> UInt64 {
    let value = perform(access)
    if isOver { throw Halt() }
    return value
  }

  // MARK: What programs use

  package func memory(_ region: Region, _ fault: Fault = .none) -> ExploredMemory {
    ExploredMemory(self, region, fault)
  }

  /// Waits until the word that was loaded last is another one.
  package func awaitChange() throws(Halt) {
    guard let (place, value) = lastLoad else { preconditionFailure("nothing was loaded") }
    _ = try performOrHalt(.awaitChange(place, value))
  }

  package func awaitChange(_ atomic: Region, from value: UInt64) throws(Halt) {
    _ = try performOrHalt(.awaitChange(atomic.place(0, 4), value))
  }

  /// The field at `offset` has this value, now and for as long as a load on its way may take.
  package func expect(_ region: Region, _ offset: Int, _ value: UInt32, _ what: @autoclosure () -> String) {
    perform(.expect(region.place(offset, 4), UInt64(value), what: isOver ? "" : what()))
  }

  package func require(_ condition: Bool, _ what: @autoclosure () -> String) throws(Halt) {
    if condition, !isOver { return }
    if !isOver { perform(.fail(what())) }
    throw Halt()
  }

  package func note(_ what: @autoclosure () -> String) { if !isOver { perform(.note(what())) } }

  // MARK: The kernel's, and the atomics of a process

  package func lock(_ mutex: Region) throws(Halt) { _ = try performOrHalt(.lock(mutex.place(0, 4))) }
  /// Who holds it; 0: this side does now.
  package func tryLock(_ mutex: Region) throws(Halt) -> UInt64 {
    try performOrHalt(.update(mutex.place(0, 4), .lock))
  }
  package func unlock(_ mutex: Region) throws(Halt) { _ = try exchange(mutex, 0) }

  /// Takes nothing. One bit per counter, the first the lowest.
  package func poll(_ counters: [Region]) throws(Halt) -> UInt64 {
    try performOrHalt(.poll(counters.map { $0.place(0, 4) }))
  }
  /// `write` to an event counter.
  package func ring(_ counter: Region) throws(Halt) { _ = try performOrHalt(.update(counter.place(0, 4), .add(1))) }
  /// `read` of an event counter.
  package func take(_ counter: Region) throws(Halt) { _ = try exchange(counter, 0) }

  package func read(_ data: Guarded) throws(Halt) -> UInt64 { try performOrHalt(.read(data)) }
  package func write(_ data: Guarded, _ value: UInt64) { perform(.write(data, value)) }

  package func load(_ atomic: Region) throws(Halt) -> UInt64 {
    try performOrHalt(.load(atomic.place(0, 4), acquires: true))
  }
  package func store(_ atomic: Region, _ value: UInt64, releases: Bool) {
    perform(.store(atomic.place(0, 4), value, releases: releases))
  }
  package func exchange(_ atomic: Region, _ value: UInt64) throws(Halt) -> UInt64 {
    try performOrHalt(.update(atomic.place(0, 4), .exchange(value)))
  }
  package func compareExchange(_ atomic: Region, _ expected: UInt64, _ desired: UInt64) throws(Halt) -> UInt64 {
    try performOrHalt(.update(atomic.place(0, 4), .compareExchange(expected, desired)))
  }
  package func fence() { perform(.fence) }
}
