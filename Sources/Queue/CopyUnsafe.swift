import CLinkShims
import LinkCore

/// From here up `rep movsb` is mostly ahead of memcpy into memory that another core read last, by up to a tenth, though not at
/// 9000 bytes. Out of memory that another core wrote last memcpy is better, by up to a third. In bytes.
let longCopyIntoShared = 256

/// Copies payload into and out of shared memory: as `moveBytes`, but `rep movsb` from `longCopy` bytes on.
@unsafe @inline(__always)
func copyBytes(to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, count: Int, longCopy: Int = .max)
{
  // SAFETY: the caller checked both ranges.
  if count >= longCopy { return unsafe link_copy_long(destination, source, count) }
  unsafe moveBytes(to: destination, from: source, count: count)
}
