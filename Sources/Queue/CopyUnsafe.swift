import CLinkShims

/// From here up `rep movsb` beats memcpy into memory that another core read last, by up to a tenth. Out of memory that another
/// core wrote last memcpy is better, by up to a third. In bytes.
let longCopyIntoShared = 256

/// The one place that copies payload. Short copies are inline vector moves, those of `longCopy` bytes and more `rep movsb`, the
/// others memcpy.
@unsafe @inline(__always)
func copyBytes(to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, count: Int, longCopy: Int = .max)
{
  // SAFETY: the caller checked both ranges. Every vector move lies within `count` bytes: where the size is no multiple
  // of 16, the last moves overlap the ones before them.
  if count >= longCopy {
    unsafe link_copy_long(destination, source, count)
  } else if count > 128 || count < 16 {
    unsafe destination.copyMemory(from: source, byteCount: count)
  } else {
    unsafe move(destination, source, 0)
    if count > 32 {
      unsafe move(destination, source, 16)
      if count > 64 {
        unsafe move(destination, source, 32)
        unsafe move(destination, source, 48)
        unsafe move(destination, source, count &- 64)
        unsafe move(destination, source, count &- 48)
      }
      unsafe move(destination, source, count &- 32)
    }
    unsafe move(destination, source, count &- 16)
  }
}

/// Moves 16 bytes at `offset`.
@unsafe @inline(__always)
private func move(_ destination: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ offset: Int) {
  // SAFETY: see `copyBytes`.
  let bytes = unsafe source.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
  unsafe destination.storeBytes(of: bytes, toByteOffset: offset, as: SIMD16<UInt8>.self)
}
