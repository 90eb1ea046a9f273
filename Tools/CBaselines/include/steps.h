// What code executes, counted instruction by instruction in a copy of this process that runs in single steps. Part of
// CBaselines.h; on x86-64 only.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cb_steps {
  uint64_t instructions;
  /// `mfence`, and locked instructions that do nothing else.
  uint64_t fences;
  /// Other instructions that lock the bus or a cache line: of locks, reference counts, exchanges.
  uint64_t locked;
  uint64_t system_calls;
};

/// What happens from a mark to the next one.
enum cb_stretch { cb_uncounted, cb_sending, cb_receiving };

struct cb_step_counts {
  struct cb_steps sending, receiving;
  /// The copy did all that it was to do.
  bool is_whole;
};

/// Forks. In the copy: 0, with the calling thread alone; it marks stretches and leaves. Here: its identifier, for the same
/// thread to follow it; or minus errno, `ENOSYS` on other processors, `EPERM` where `ptrace(2)` is not allowed.
int cb_steps_copy(void);
void cb_steps_mark(enum cb_stretch stretch);
void cb_steps_leave(bool has_worked);
/// Until the copy has left.
struct cb_step_counts cb_steps_follow(int copy);
