import LinkSystem

/// A number that threads and callbacks share.
package final class Counter: Sendable {
  private let number = Monitor(0)

  package init() {}

  package var value: Int {
    get { number.withLock { $0 } }
    set { number.withLock { $0 = newValue } }
  }
  package func add(_ amount: Int) { number.withLock { $0 += amount } }
}
