import Glibc

/// Whether this process runs under the thread sanitizer: it makes everything slower than its own deadlines, keeps a
/// thread of its own, and a shadow of all memory that was touched, so that what the process holds says nothing of the link.
package let isThreadSanitized: Bool = {
  // SAFETY: the name is a literal; the address is only compared. Nil looks in the program and all its libraries.
  unsafe dlsym(nil, "__tsan_init") != nil
}()
