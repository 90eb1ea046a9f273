import CLinkShims
import Glibc

/// Nanoseconds of CLOCK_MONOTONIC: never set back, not comparable across machines.
@inline(__always)
package func monotonicNanoseconds() -> UInt64 {
  var time = timespec()
  // SAFETY: a live local; this clock always exists, so the call cannot fail.
  _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

/// The same, as it was at the kernel's last tick, 1 to 10 ms ago at most: a load, where the other reads a counter.
package func coarseMonotonicNanoseconds() -> UInt64 {
  var time = timespec()
  // SAFETY: as above.
  _ = unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
  return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}

/// Lets other threads run. `sched_yield(2)`.
package func yieldThread() { _ = sched_yield() }

/// One turn of a spin loop, gentle to the sibling thread of the core.
@inline(__always)
package func spinPause() { link_pause() }
