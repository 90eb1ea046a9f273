import Glibc
import LinkSystem
import Synchronization

/// The first byte of a mapping, read once.
@inline(never) func firstByte(of mapping: borrowing Mapping) -> UInt8 {
  // SAFETY: mappings are not empty, and this one is borrowed.
  unsafe UnsafeRawPointer(mapping.base).load(as: UInt8.self)
}

@inline(never) func lastByte(of mapping: borrowing Mapping) -> UInt8 {
  // SAFETY: as above.
  unsafe UnsafeRawPointer(mapping.base).load(fromByteOffset: mapping.byteCount - 1, as: UInt8.self)
}

@inline(never) func writeEverywhere(_ mapping: borrowing Mapping) {
  for offset in stride(from: mapping.byteCount - 1, through: 0, by: -1000) {
    // SAFETY: within the mapping. Atomic, since several threads write there.
    unsafe (mapping.base + offset).assumingMemoryBound(to: Atomic<UInt8>.self).pointee.store(0x55, ordering: .relaxed)
  }
}

/// The kinds of atomic access that order others.
enum OrderedAccess: CaseIterable { case load, store, exchange, compareExchange, add }

@inline(never) func access(_ mapping: borrowing Mapping, by kind: OrderedAccess) {
  // SAFETY: mappings begin with a page, and are not shorter than eight bytes.
  let word = unsafe mapping.base.assumingMemoryBound(to: Atomic<UInt64>.self)
  switch kind {
  case .load: _ = unsafe word.pointee.load(ordering: .acquiring)
  case .store: unsafe word.pointee.store(1, ordering: .releasing)
  case .exchange: _ = unsafe word.pointee.exchange(1, ordering: .acquiringAndReleasing)
  case .compareExchange:
    _ = unsafe word.pointee.compareExchange(expected: 0, desired: 1, ordering: .sequentiallyConsistent)
  case .add: unsafe word.pointee.wrappingAdd(1, ordering: .releasing)
  }
}

/// Installs a handler for SIGBUS that the kernel would take away before its first run, and that just returns.
func installHandlerForOnce() {
  var action = sigaction()
  // SAFETY: a live local record; the handler does nothing.
  unsafe action.__sigaction_handler.sa_handler = { _ in }
  action.sa_flags = CInt(bitPattern: 0x8000_0000)  // SA_RESETHAND
  _ = unsafe sigaction(SIGBUS, &action, nil)
}
