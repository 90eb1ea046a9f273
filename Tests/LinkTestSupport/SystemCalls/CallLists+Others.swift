import CLinkShims
import Glibc
import LinkSystem

extension CallLists {
  package static let sharedMemorySetup = CallList(
    title: "SharedMemLink: setup",
    summary: "Making queues, handing them over, and making a link of them.",
    calls: [
      ListedCall("memfd_create", SYS_memfd_create, "the memory of a queue"),
      ListedCall("ftruncate", SYS_ftruncate, "its size"),
      ListedCall("fallocate", SYS_fallocate, "takes it from the kernel at once"),
      ListedCall("pwrite64", SYS_pwrite64, "its first words"),
      ListedCall("pread64", SYS_pread64, "`FilePolicy.unsealedGuarded` only"),
      ListedCall("fcntl", SYS_fcntl, "F_ADD_SEALS", 1, LINK_F_ADD_SEALS, "seals it"),
      ListedCall("fcntl", SYS_fcntl, "F_GET_SEALS", 1, LINK_F_GET_SEALS, "whether what the peer sent is sealed"),
      ListedCall("fcntl", SYS_fcntl, "F_DUPFD_CLOEXEC", 1, F_DUPFD_CLOEXEC, "descriptors to be handed over"),
      ListedCall("fcntl", SYS_fcntl, "F_GETFL", 1, F_GETFL, "whether a descriptor is non-blocking"),
      ListedCall("fcntl", SYS_fcntl, "F_SETFL", 1, F_SETFL, "makes it so, if it is not"),
      ListedCall("fcntl", SYS_fcntl, "F_SETFD", 1, F_SETFD, "makes it close-on-exec"),
      ListedCall("fstat", SYS_fstat, "sizes and kinds of files; or `newfstatat`, as the C library likes"),
      ListedCall("newfstatat", SYS_newfstatat, "the same; whether a socket's file is stale"),
      ListedCall("fstatfs", SYS_fstatfs, "what file system the memory is on"),
      ListedCall("mmap", SYS_mmap, "MAP_SHARED", 3, MAP_SHARED, "maps the queues"),
      ListedCall("munmap", SYS_munmap, "when the link is refused"),
      ListedCall("eventfd2", SYS_eventfd2, "the bells"),
      ListedCall("openat", SYS_openat, "/proc/self/fdinfo", "whether what the peer sent is an eventfd"),
      ListedCall("read", SYS_read, "the same"),
      ListedCall("socketpair", SYS_socketpair, "a connection of your own making"),
      ListedCall("socket", SYS_socket, "AF_UNIX", 0, AF_UNIX, "the hand-over by a socket's path"),
      ListedCall("bind", SYS_bind, "the same"),
      ListedCall("unlink", SYS_unlink, "the same: a socket's file that nobody listens on any more, and at the end"),
      ListedCall("listen", SYS_listen, "the same"),
      ListedCall("accept4", SYS_accept4, "the same"),
      ListedCall("connect", SYS_connect, "the same"),
      ListedCall("sendmsg", SYS_sendmsg, "the messages of the hand-over"),
      ListedCall("recvmsg", SYS_recvmsg, "the same"),
      ListedCall("ppoll", SYS_ppoll, "waits for them"),
      set("SO_PASSRIGHTS", SOL_SOCKET, LINK_SO_PASSRIGHTS, "peers send no descriptors any more"),
      ListedCall("rt_sigaction", SYS_rt_sigaction, "SIGBUS", 0, SIGBUS, "`FilePolicy.unsealedGuarded` only"),
      ListedCall("close", SYS_close, "what was handed over, and what a refused peer sent"),
    ])

  package static let sharedMemoryDataPath = CallList(
    title: "SharedMemLink: data path",
    summary: "From `attach` to `close`. While both sides are awake packets need none of these.",
    calls: [
      ListedCall("write", SYS_write, "rings the peer's bell, or the link's own"),
      ListedCall("preadv2", SYS_preadv2, "RWF_NOWAIT", 5, 8, "takes what a bell rang"),
      ListedCall("ppoll", SYS_ppoll, "waits; looks whether a bell has room, and at the peer's socket"),
      ListedCall(
        "recvfrom", SYS_recvfrom, "MSG_DONTWAIT", 3, MSG_DONTWAIT | MSG_TRUNC,
        "throws away what the peer wrote to its socket"),
    ])

  package static let sharedMemoryTeardown = CallList(
    title: "SharedMemLink: teardown",
    summary: "After `close`, on the link's thread; and `wait`.",
    calls: [
      ListedCall("munmap", SYS_munmap, "the queues"),
      ListedCall("close", SYS_close, "the descriptors, and the bell when nobody holds the link any more"),
    ])

  package static let runtime = CallList(
    title: "The runtime",
    summary:
      "What Swift and the C library do for both links: memory, locks, threads, clocks. All through a link's life.",
    calls: [
      ListedCall("futex", SYS_futex, "locks, and the end of a thread"),
      ListedCall("gettid", SYS_gettid, "the number of a thread"),
      ListedCall("mmap", SYS_mmap, "MAP_PRIVATE, MAP_ANONYMOUS", 3, MAP_PRIVATE | MAP_ANONYMOUS, "memory"),
      ListedCall("mmap", SYS_mmap, "and MAP_STACK", 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, "a thread's stack"),
      ListedCall(
        "mmap", SYS_mmap, "and MAP_NORESERVE", 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
        "a thread's heap"),
      ListedCall("munmap", SYS_munmap, "memory"),
      ListedCall("mremap", SYS_mremap, "memory"),
      ListedCall("mprotect", SYS_mprotect, "a thread's stack and heap"),
      ListedCall("madvise", SYS_madvise, "memory that is given back"),
      ListedCall("brk", SYS_brk, "memory"),
      ListedCall("clone3", SYS_clone3, "starts a thread"),
      ListedCall("clone", SYS_clone, "the same on older kernels"),
      ListedCall("set_robust_list", SYS_set_robust_list, "a thread begins"),
      ListedCall("rseq", SYS_rseq, "the same"),
      ListedCall("rt_sigprocmask", SYS_rt_sigprocmask, "the same, and its end"),
      ListedCall("prctl", SYS_prctl, "PR_SET_NAME", 0, PR_SET_NAME, "the thread's name"),
      ListedCall("exit", SYS_exit, "a thread ends"),
      ListedCall("sched_getaffinity", SYS_sched_getaffinity, "how many heaps there may be"),
      ListedCall(
        "openat", SYS_openat, "O_RDONLY, O_CLOEXEC", 2, O_RDONLY | O_CLOEXEC,
        "the same, of `/sys/devices/system/cpu/online`: a filter may answer ENOENT"),
      ListedCall("read", SYS_read, "the same"),
      ListedCall("close", SYS_close, "the same"),
      ListedCall("sched_yield", SYS_sched_yield, "a lock that is held"),
      ListedCall("getrandom", SYS_getrandom, "seeds of hash tables"),
      ListedCall("clock_gettime", SYS_clock_gettime, "the time, on machines that cannot read it otherwise"),
      ListedCall("rt_sigreturn", SYS_rt_sigreturn, "the end of a signal handler"),
      ListedCall("restart_syscall", SYS_restart_syscall, "a wait that a signal interrupted"),
    ])

  /// The page, in its order.
  package static let all = [
    fdSetup, fdDataPath, fdTeardown, fdDescription, sharedMemorySetup, sharedMemoryDataPath, sharedMemoryTeardown,
    runtime,
  ]
}
