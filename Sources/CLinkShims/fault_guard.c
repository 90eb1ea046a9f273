// The one file here with state: a signal handler may only do what is async-signal-safe, which Swift code
// cannot promise.
//
// A shared file that somebody else can shrink makes every access to what is gone a SIGBUS. For mappings that were
// registered here the handler puts anonymous zeros in the place of the whole mapping, marks it, and lets the access happen
// again. Every other SIGBUS goes to whoever had the signal before.
#define _GNU_SOURCE
#include "CLinkShims.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(long) == 8, "the system call mmap takes its offset in bytes");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2 && ATOMIC_LONG_LOCK_FREE == 2 && ATOMIC_BOOL_LOCK_FREE == 2,
               "a signal handler may not meet a lock");

static struct slot {
  // Odd while its owner changes it, so that the handler never mixes an old range with a new one.
  atomic_uint sequence;
  // 0: free.
  atomic_ulong base;
  atomic_ulong length;
  atomic_bool has_faulted;
} slots[4096];
enum { slot_count = sizeof slots / sizeof slots[0] };

// Written before the handler is installed, and never again.
static struct sigaction previous;
static atomic_bool is_installed;

// The thread sanitizer makes an access with a lock of its own held. In a function that it instruments, the handler of that
// access would wait for this lock for ever. What is passed on may still do so, by the sanitizer's own `sigaction`.
#if defined(__has_attribute)
#if __has_attribute(disable_sanitizer_instrumentation)
#define NOT_INSTRUMENTED __attribute__((disable_sanitizer_instrumentation))
#endif
#endif
#ifndef NOT_INSTRUMENTED
#define NOT_INSTRUMENTED
#endif

// The range that an address lies in. It stays while the handler runs: the faulting thread is using it.
NOT_INSTRUMENTED static struct slot *find(unsigned long address, unsigned long *base, unsigned long *length) {
  for (int i = 0; i < slot_count; i++) {
    unsigned before = atomic_load_explicit(&slots[i].sequence, memory_order_acquire);
    *base = atomic_load_explicit(&slots[i].base, memory_order_relaxed);
    *length = atomic_load_explicit(&slots[i].length, memory_order_relaxed);
    atomic_thread_fence(memory_order_acquire);
    unsigned after = atomic_load_explicit(&slots[i].sequence, memory_order_relaxed);
    if (before == after && before % 2 == 0 && *base != 0 && address >= *base && address - *base < *length)
      return &slots[i];
  }
  return NULL;
}

NOT_INSTRUMENTED static void restore_default(void) {
  struct sigaction standard = {.sa_handler = SIG_DFL};
  sigaction(SIGBUS, &standard, NULL);
}

NOT_INSTRUMENTED static void pass_on(int signal, siginfo_t *info, void *context) {
  // A handler that is meant to run once counts on the default action when the access happens again.
  if (previous.sa_flags & SA_RESETHAND) restore_default();
  if (previous.sa_flags & SA_SIGINFO) return previous.sa_sigaction(signal, info, context);
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) return previous.sa_handler(signal);
  bool is_access = info->si_code == BUS_ADRALN || info->si_code == BUS_ADRERR || info->si_code == BUS_OBJERR ||
                   info->si_code == BUS_MCEERR_AR;
  // Somebody sent it, and nobody minds.
  if (!is_access && previous.sa_handler == SIG_IGN) return;
  restore_default();
  // An access happens again when the handler returns, and a core file then shows the place. Anything else is sent once
  // more: it is blocked until then.
  if (!is_access) raise(signal);
}

NOT_INSTRUMENTED static void handle(int signal, siginfo_t *info, void *context) {
  int error = errno;
  unsigned long base, length;
  struct slot *slot = info->si_code == BUS_ADRERR ? find((unsigned long)info->si_addr, &base, &length) : NULL;
  bool is_mended = false;
  if (slot != NULL) {
    // Before the zeros can be seen: whoever meets them can ask why.
    atomic_store_explicit(&slot->has_faulted, true, memory_order_seq_cst);
    is_mended = syscall(SYS_mmap, base, length, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1L, 0L) == (long)base;
  }
  if (!is_mended) pass_on(signal, info, context);
  errno = error;
}

int link_guard_install(void) {
  if (sigaction(SIGBUS, NULL, &previous) != 0) return -1;
  struct sigaction action = {.sa_sigaction = handle, .sa_mask = previous.sa_mask};
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | (previous.sa_flags & (SA_RESTART | SA_NODEFER));
  if (sigaction(SIGBUS, &action, NULL) != 0) return -1;
  atomic_store_explicit(&is_installed, true, memory_order_release);
  return 0;
}

void link_guard_enter_thread(void) {
  if (!atomic_load_explicit(&is_installed, memory_order_acquire)) return;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGBUS);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int link_guard_add(void *base, size_t length) {
  for (int i = 0; i < slot_count; i++) {
    unsigned sequence = atomic_load_explicit(&slots[i].sequence, memory_order_relaxed);
    if (sequence % 2 != 0 || atomic_load_explicit(&slots[i].base, memory_order_relaxed) != 0) continue;
    if (!atomic_compare_exchange_strong_explicit(&slots[i].sequence, &sequence, sequence + 1, memory_order_acquire,
                                                 memory_order_relaxed))
      continue;
    // The two looks above may have come in either order, and somebody took it between them.
    if (atomic_load_explicit(&slots[i].base, memory_order_relaxed) != 0) {
      atomic_store_explicit(&slots[i].sequence, sequence + 2, memory_order_release);
      continue;
    }
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&slots[i].has_faulted, false, memory_order_relaxed);
    atomic_store_explicit(&slots[i].length, length, memory_order_relaxed);
    atomic_store_explicit(&slots[i].base, (unsigned long)base, memory_order_relaxed);
    atomic_store_explicit(&slots[i].sequence, sequence + 2, memory_order_release);
    return i;
  }
  errno = ENOMEM;
  return -1;
}

void link_guard_remove(int slot) {
  unsigned sequence = atomic_fetch_add_explicit(&slots[slot].sequence, 1, memory_order_acquire);
  atomic_thread_fence(memory_order_release);
  atomic_store_explicit(&slots[slot].base, 0, memory_order_relaxed);
  atomic_store_explicit(&slots[slot].sequence, sequence + 2, memory_order_release);
}

int link_guard_has_faulted(int slot) {
  return atomic_load_explicit(&slots[slot].has_faulted, memory_order_seq_cst);
}
