#include "CBaselines.h"

#include <errno.h>

#if defined(__x86_64__)
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

// MARK: The copy

int cb_steps_copy(void) {
  pid_t pid = fork();
  if (pid < 0) return -errno;
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(errno);
    raise(SIGSTOP);
    return 0;
  }
  int status;
  if (waitpid(pid, &status, 0) != pid) return -ECHILD;
  if (!WIFSTOPPED(status)) return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
  ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_EXITKILL);
  return pid;
}

__attribute__((noinline)) void cb_steps_mark(enum cb_stretch stretch) {
  __asm__ volatile("int3" : : "D"((long)stretch) : "memory");
}

void cb_steps_leave(bool has_worked) { _exit(has_worked ? 0 : 1); }

// MARK: Decoding

enum kind { ordinary, fence, locked, system_call, repeated, breakpoint };

/// What the instruction with these first bytes is. `prefixes`: how many bytes are before its operation.
static enum kind kind_of(const uint8_t *bytes, int *prefixes) {
  bool has_lock = false, has_repeat = false;
  const uint8_t *next = bytes;
  for (;; next++) {
    if (*next == 0xf0) {
      has_lock = true;
    } else if (*next == 0xf2 || *next == 0xf3) {
      has_repeat = true;
    } else if (*next != 0x66 && *next != 0x67 && *next != 0x64 && *next != 0x65 && (*next & 0xf0) != 0x40) {
      break;
    }
  }
  *prefixes = (int)(next - bytes);
  if (has_lock) {
    // Nothing is added to the stack's top, or or-ed into it, but for the sake of the lock.
    bool is_stack = next[0] == 0x83 && (next[1] & 7) == 4 && next[2] == 0x24;
    return is_stack && next[next[1] & 0x40 ? 4 : 3] == 0 ? fence : locked;
  }
  if (next[0] == 0x0f && next[1] == 0xae && next[2] == 0xf0) return fence;
  if (next[0] == 0x0f && next[1] == 0x05) return system_call;
  // An exchange with memory is locked without the prefix.
  if ((next[0] == 0x86 || next[0] == 0x87) && next[1] < 0xc0) return locked;
  if (has_repeat && ((next[0] >= 0xa4 && next[0] <= 0xa7) || (next[0] >= 0xaa && next[0] <= 0xaf))) return repeated;
  return next[0] == 0xcc ? breakpoint : ordinary;
}

// MARK: Following

/// Until the next trap. False: it has ended. Who stops this process for a while, from outside, stops the copy as well: that
/// must not count, nor let it run on.
static bool resume(pid_t pid, int request, int *status) {
  long signal = 0;
  while (true) {
    ptrace((enum __ptrace_request)request, pid, NULL, (void *)signal);
    if (waitpid(pid, status, 0) != pid || !WIFSTOPPED(*status)) return false;
    signal = WSTOPSIG(*status);
    if (signal == SIGTRAP) return true;
    if (signal == SIGSTOP) signal = 0;
  }
}

/// One instruction to its end, which is a step for each repetition otherwise.
static bool run_repeated(pid_t pid, struct user_regs_struct *registers, int byte_count, int *status) {
  void *behind = (void *)(registers->rip + (unsigned long)byte_count);
  long text = ptrace(PTRACE_PEEKTEXT, pid, behind, NULL);
  ptrace(PTRACE_POKETEXT, pid, behind, (void *)((text & ~0xffl) | 0xcc));
  if (!resume(pid, PTRACE_CONT, status)) return false;
  ptrace(PTRACE_POKETEXT, pid, behind, (void *)text);
  ptrace(PTRACE_GETREGS, pid, NULL, registers);
  registers->rip -= 1;
  ptrace(PTRACE_SETREGS, pid, NULL, registers);
  return true;
}

/// From a mark to the next, whose stretch it returns; -1 at the end.
static int step_to_mark(pid_t pid, struct cb_steps *steps, int *status) {
  struct user_regs_struct registers;
  while (true) {
    ptrace(PTRACE_GETREGS, pid, NULL, &registers);
    union {
      long word;
      uint8_t bytes[16];
    } text = {.word = ptrace(PTRACE_PEEKTEXT, pid, (void *)registers.rip, NULL)};
    int prefixes;
    enum kind kind = kind_of(text.bytes, &prefixes);
    if (kind == repeated) {
      if (!run_repeated(pid, &registers, prefixes + 1, status)) return -1;
    } else {
      if (!resume(pid, PTRACE_SINGLESTEP, status)) return -1;
      if (kind == breakpoint) return (int)registers.rdi;
    }
    steps->instructions += 1;
    if (kind == fence) steps->fences += 1;
    if (kind == locked) steps->locked += 1;
    if (kind == system_call) steps->system_calls += 1;
  }
}

struct cb_step_counts cb_steps_follow(int pid) {
  struct cb_step_counts counts = {0};
  // Of no process that exited.
  int status = -1;
  int stretch = cb_uncounted;
  while (stretch >= 0) {
    if (stretch != cb_uncounted) {
      stretch = step_to_mark(pid, stretch == cb_sending ? &counts.sending : &counts.receiving, &status);
      continue;
    }
    if (!resume(pid, PTRACE_CONT, &status)) break;
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, pid, NULL, &registers);
    stretch = (int)registers.rdi;
  }
  counts.is_whole = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  return counts;
}
#else
int cb_steps_copy(void) { return -ENOSYS; }
void cb_steps_mark(enum cb_stretch stretch) { (void)stretch; }
void cb_steps_leave(bool has_worked) { (void)has_worked; }
struct cb_step_counts cb_steps_follow(int pid) {
  (void)pid;
  return (struct cb_step_counts){0};
}
#endif
