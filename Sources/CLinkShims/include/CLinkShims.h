// Names for what Swift's Glibc overlay cannot import: functions hidden behind _GNU_SOURCE, function-like
// macros, variadic calls. No logic and no state: every line is one C name under a Swift-visible one. The exceptions are
// the guard against SIGBUS, in a file of its own, and the calls that move packets.
#pragma once

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

// MARK: futex(2), of one process

/// Sleeps while `*word` is `expected`, for at most `nanoseconds`, less than a second.
void link_futex_wait(const uint32_t *word, uint32_t expected, long nanoseconds);
/// Wakes at most `count` threads.
void link_futex_wake(const uint32_t *word, int count);

// MARK: eventfd(2), memfd_create(2), seals

int link_eventfd(unsigned int initial, int flags);
extern const int LINK_EFD_CLOEXEC;
extern const int LINK_EFD_NONBLOCK;
/// preadv2(2) with RWF_NOWAIT at the current position: reads without blocking whatever O_NONBLOCK says.
ssize_t link_read_nowait(int fd, void *buffer, size_t count);

int link_memfd_create(const char *name, unsigned int flags);
extern const unsigned int LINK_MFD_CLOEXEC;
extern const unsigned int LINK_MFD_ALLOW_SEALING;
extern const unsigned int LINK_MFD_HUGETLB;
extern const long LINK_HUGETLBFS_MAGIC;
/// The f_type of fstatfs(2), or -1.
long link_file_system_type(int fd);
extern const int LINK_F_ADD_SEALS;
extern const int LINK_F_GET_SEALS;
extern const int LINK_F_SEAL_SEAL;
extern const int LINK_F_SEAL_SHRINK;
extern const int LINK_F_SEAL_GROW;
int link_fallocate(int fd, int mode, off_t offset, off_t count);

// MARK: the guard of mappings whose file others can shrink (fault_guard.c)

/// Takes the signal SIGBUS over, once for the process. Returns 0, or -1 and errno.
int link_guard_install(void);
/// For a thread of ours that begins: it may have inherited a mask that blocks SIGBUS, and an access of such a thread ends the
/// process whatever the handler. Does nothing before the signal was taken over.
void link_guard_enter_thread(void);
/// From now on a SIGBUS in this mapping puts zeros in its place. Returns a slot, or -1 and errno when there is none left.
int link_guard_add(void *base, size_t length);
/// Before the mapping goes.
void link_guard_remove(int slot);
/// Whether the mapping has been replaced by zeros.
int link_guard_has_faulted(int slot);

// MARK: waiting, threads, signals

int link_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout);
int link_set_thread_name(const char *name);
int link_set_affinity(int cpu);
/// The number of the `index`-th CPU that this thread may use, or -1.
int link_allowed_cpu(int index);
int link_signalfd(const int *signals, int count);
int link_block_signals(const int *signals, int count);
int link_set_parent_death_signal(int signal);
int link_set_no_new_privileges(void);
/// prctl(2) with PR_SET_SECCOMP and SECCOMP_MODE_FILTER.
int link_set_filter(const struct sock_fprog *program);
extern const uint32_t LINK_SECCOMP_RET_ALLOW;
extern const uint32_t LINK_SECCOMP_RET_ERRNO;
extern const uint32_t LINK_SECCOMP_RET_TRAP;

/// The cache line at this address will be read soon. Any address will do.
static inline void link_prefetch(const void *address) { __builtin_prefetch(address); }
/// The same of one that will be written: other processors give it up. The builtin makes it a fetch for reading on x86-64, unless
/// a processor is named that has the instruction; the others take it for one that does nothing.
static inline void link_prefetch_for_writing(const void *address) {
#if defined(__x86_64__)
  __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
  __builtin_prefetch(address, 1);
#endif
}

// MARK: sockets and control messages

int link_accept4(int fd, int flags);
extern const int LINK_SOCK_SEQPACKET;
extern const int LINK_SOCK_DGRAM;
extern const int LINK_SOCK_STREAM;
extern const int LINK_SOCK_RAW;
extern const int LINK_SOCK_CLOEXEC;
extern const int LINK_SOCK_NONBLOCK;
extern const int LINK_MSG_CMSG_CLOEXEC;
extern const int LINK_MSG_DONTWAIT;
extern const int LINK_MSG_NOSIGNAL;
extern const int LINK_MSG_TRUNC;
extern const int LINK_MSG_CTRUNC;
extern const short LINK_POLLRDHUP;
extern const int LINK_SO_PASSRIGHTS;
// Inlined: links ask for each packet.
static inline size_t link_cmsg_space(size_t count) { return CMSG_SPACE(count); }
static inline size_t link_cmsg_len(size_t count) { return CMSG_LEN(count); }
static inline struct cmsghdr *link_cmsg_first(struct msghdr *message) { return CMSG_FIRSTHDR(message); }
static inline struct cmsghdr *link_cmsg_next(struct msghdr *message, struct cmsghdr *current) {
  return CMSG_NXTHDR(message, current);
}
static inline unsigned char *link_cmsg_data(struct cmsghdr *header) { return CMSG_DATA(header); }
extern const int LINK_MSG_ERRQUEUE;
/// `struct mmsghdr`.
struct link_mmsghdr {
  struct msghdr header;
  unsigned int byte_count;
};

// MARK: the calls that move packets
//
// As those of libc with these names, which are points of cancellation besides: in a process with threads that costs two
// locked instructions around each call, and a link is no place to be cancelled in. Under a sanitizer they are those of libc.

ssize_t link_read(int fd, void *bytes, size_t count);
ssize_t link_readv(int fd, const struct iovec *parts, int count);
ssize_t link_write(int fd, const void *bytes, size_t count);
ssize_t link_writev(int fd, const struct iovec *parts, int count);
ssize_t link_send(int fd, const void *bytes, size_t count, int flags);
int link_sendmmsg(int fd, struct link_mmsghdr *messages, unsigned int count, int flags);
int link_recvmmsg(int fd, struct link_mmsghdr *messages, unsigned int count, int flags);

// MARK: ioctl(2), network devices, namespaces

int link_ioctl(int fd, unsigned long request, void *argument);
/// The same with a number as its argument.
int link_ioctl_value(int fd, unsigned long request, unsigned long value);
extern const unsigned long LINK_TUNSETIFF;
extern const unsigned long LINK_TUNSETPERSIST;
extern const unsigned long LINK_TUNGETIFF;
extern const short LINK_IFF_TUN;
extern const short LINK_IFF_TAP;
extern const short LINK_IFF_NO_PI;
extern const short LINK_IFF_MULTI_QUEUE;
extern const short LINK_IFF_VNET_HDR;
extern const unsigned long LINK_TUNSETVNETHDRSZ;
extern const unsigned long LINK_TUNGETVNETHDRSZ;
extern const unsigned long LINK_TUNSETVNETLE;
extern const unsigned long LINK_TUNSETOFFLOAD;
extern const unsigned long LINK_TUN_F_CSUM;
extern const unsigned long LINK_TUN_F_TSO4;
extern const unsigned long LINK_TUN_F_TSO6;
extern const unsigned long LINK_TUN_F_TSO_ECN;
extern const unsigned long LINK_TUN_F_USO4;
extern const unsigned long LINK_TUN_F_USO6;
extern const int LINK_PACKET_VNET_HDR_SZ;
/// `struct ifreq` as TUNSETIFF and SIOC?IF* read it, without the union that Swift spells badly.
struct link_ifreq {
  char name[16];
  union {
    short flags;
    int value;
    struct sockaddr address;
    char padding[24];
  };
};
/// `struct in6_ifreq`.
struct link_in6_ifreq {
  uint8_t address[16];
  uint32_t prefix_length;
  int index;
};
int link_unshare_network(void);

// MARK: processor

/// Tells the core that this is a spin loop.
static inline void link_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield" ::: "memory");
#endif
}

/// `rep movsb`: on processors with fast string moves a quick copy from a few hundred bytes up, and one
/// that does not displace the vector registers. Elsewhere memcpy.
static inline void link_copy_long(void *destination, const void *source, size_t count) {
#if defined(__x86_64__)
  __asm__ volatile("rep movsb" : "+D"(destination), "+S"(source), "+c"(count)::"memory");
#else
  __builtin_memcpy(destination, source, count);
#endif
}
