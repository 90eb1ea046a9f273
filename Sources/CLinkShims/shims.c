// See CLinkShims.h.
#define _GNU_SOURCE
#include "CLinkShims.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

_Static_assert(sizeof(struct link_ifreq) == sizeof(struct ifreq), "ifreq layout");
_Static_assert(offsetof(struct link_ifreq, flags) == offsetof(struct ifreq, ifr_flags), "ifreq layout");
_Static_assert(offsetof(struct link_ifreq, address) == offsetof(struct ifreq, ifr_addr), "ifreq layout");
_Static_assert(sizeof(struct link_mmsghdr) == sizeof(struct mmsghdr), "mmsghdr layout");
_Static_assert(offsetof(struct link_mmsghdr, byte_count) == offsetof(struct mmsghdr, msg_len), "mmsghdr layout");
_Static_assert(sizeof(struct link_in6_ifreq) == sizeof(struct in6_ifreq), "in6_ifreq layout");
_Static_assert(offsetof(struct link_in6_ifreq, prefix_length) == offsetof(struct in6_ifreq, ifr6_prefixlen),
               "in6_ifreq layout");
_Static_assert(offsetof(struct link_in6_ifreq, index) == offsetof(struct in6_ifreq, ifr6_ifindex), "in6_ifreq layout");

int link_eventfd(unsigned int initial, int flags) { return eventfd(initial, flags); }
const int LINK_EFD_CLOEXEC = EFD_CLOEXEC;
const int LINK_EFD_NONBLOCK = EFD_NONBLOCK;
ssize_t link_read_nowait(int fd, void *buffer, size_t count) {
  struct iovec vector = {buffer, count};
  return preadv2(fd, &vector, 1, -1, RWF_NOWAIT);
}

void link_futex_wait(const uint32_t *word, uint32_t expected, long nanoseconds) {
  struct timespec patience = {0, nanoseconds};
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, &patience, NULL, 0L);
}
void link_futex_wake(const uint32_t *word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0L);
}

int link_memfd_create(const char *name, unsigned int flags) { return memfd_create(name, flags); }
const unsigned int LINK_MFD_CLOEXEC = MFD_CLOEXEC;
const unsigned int LINK_MFD_ALLOW_SEALING = MFD_ALLOW_SEALING;
const unsigned int LINK_MFD_HUGETLB = MFD_HUGETLB;
const long LINK_HUGETLBFS_MAGIC = HUGETLBFS_MAGIC;
long link_file_system_type(int fd) {
  struct statfs record;
  return fstatfs(fd, &record) == 0 ? (long)record.f_type : -1;
}
const int LINK_F_ADD_SEALS = F_ADD_SEALS;
const int LINK_F_GET_SEALS = F_GET_SEALS;
const int LINK_F_SEAL_SEAL = F_SEAL_SEAL;
const int LINK_F_SEAL_SHRINK = F_SEAL_SHRINK;
const int LINK_F_SEAL_GROW = F_SEAL_GROW;
int link_fallocate(int fd, int mode, off_t offset, off_t count) { return fallocate(fd, mode, offset, count); }

int link_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout) {
  return ppoll(fds, count, timeout, NULL);
}
int link_set_thread_name(const char *name) { return pthread_setname_np(pthread_self(), name); }
int link_set_affinity(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return sched_setaffinity(0, sizeof set, &set);
}
int link_allowed_cpu(int index) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return -1;
  for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
    if (CPU_ISSET(cpu, &set) && index-- == 0) return cpu;
  return -1;
}
static sigset_t signal_set(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  return set;
}
int link_signalfd(const int *signals, int count) {
  sigset_t set = signal_set(signals, count);
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
int link_block_signals(const int *signals, int count) {
  sigset_t set = signal_set(signals, count);
  return pthread_sigmask(SIG_BLOCK, &set, NULL);
}
int link_set_parent_death_signal(int signal) { return prctl(PR_SET_PDEATHSIG, signal); }
int link_set_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); }
int link_set_filter(const struct sock_fprog *program) { return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program); }
const uint32_t LINK_SECCOMP_RET_ALLOW = SECCOMP_RET_ALLOW;
const uint32_t LINK_SECCOMP_RET_ERRNO = SECCOMP_RET_ERRNO;
const uint32_t LINK_SECCOMP_RET_TRAP = SECCOMP_RET_TRAP;

int link_accept4(int fd, int flags) { return accept4(fd, NULL, NULL, flags); }
const int LINK_SOCK_SEQPACKET = SOCK_SEQPACKET;
const int LINK_SOCK_DGRAM = SOCK_DGRAM;
const int LINK_SOCK_STREAM = SOCK_STREAM;
const int LINK_SOCK_RAW = SOCK_RAW;
const int LINK_SOCK_CLOEXEC = SOCK_CLOEXEC;
const int LINK_SOCK_NONBLOCK = SOCK_NONBLOCK;
const int LINK_MSG_CMSG_CLOEXEC = MSG_CMSG_CLOEXEC;
const int LINK_MSG_DONTWAIT = MSG_DONTWAIT;
const int LINK_MSG_NOSIGNAL = MSG_NOSIGNAL;
const int LINK_MSG_TRUNC = MSG_TRUNC;
const int LINK_MSG_CTRUNC = MSG_CTRUNC;
const short LINK_POLLRDHUP = POLLRDHUP;
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83  // Linux 6.16
#endif
const int LINK_SO_PASSRIGHTS = SO_PASSRIGHTS;
const int LINK_MSG_ERRQUEUE = MSG_ERRQUEUE;

// A sanitizer has to see what the kernel reads and writes: it knows libc's functions.
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define CALL(name, ...) name(__VA_ARGS__)
#else
// Takes longs: of an int that goes over the stack the upper half would be anything.
#define CALL(name, ...) syscall(SYS_##name, __VA_ARGS__)
#endif
ssize_t link_read(int fd, void *bytes, size_t count) { return CALL(read, (long)fd, bytes, count); }
ssize_t link_readv(int fd, const struct iovec *parts, int count) { return CALL(readv, (long)fd, parts, (long)count); }
ssize_t link_write(int fd, const void *bytes, size_t count) { return CALL(write, (long)fd, bytes, count); }
ssize_t link_writev(int fd, const struct iovec *parts, int count) { return CALL(writev, (long)fd, parts, (long)count); }
ssize_t link_send(int fd, const void *bytes, size_t count, int flags) {
  return CALL(sendto, (long)fd, bytes, count, (long)flags, (struct sockaddr *)NULL, 0L);
}
int link_sendmmsg(int fd, struct link_mmsghdr *messages, unsigned int count, int flags) {
  return (int)CALL(sendmmsg, (long)fd, (struct mmsghdr *)messages, (long)count, (long)flags);
}
int link_recvmmsg(int fd, struct link_mmsghdr *messages, unsigned int count, int flags) {
  return (int)CALL(recvmmsg, (long)fd, (struct mmsghdr *)messages, (long)count, (long)flags, (struct timespec *)NULL);
}

int link_ioctl(int fd, unsigned long request, void *argument) { return ioctl(fd, request, argument); }
int link_ioctl_value(int fd, unsigned long request, unsigned long value) { return ioctl(fd, request, value); }
const unsigned long LINK_TUNSETPERSIST = TUNSETPERSIST;
const unsigned long LINK_TUNSETIFF = TUNSETIFF;
const unsigned long LINK_TUNGETIFF = TUNGETIFF;
const short LINK_IFF_TUN = IFF_TUN;
const short LINK_IFF_TAP = IFF_TAP;
const short LINK_IFF_NO_PI = IFF_NO_PI;
const short LINK_IFF_MULTI_QUEUE = IFF_MULTI_QUEUE;
const short LINK_IFF_VNET_HDR = IFF_VNET_HDR;
const unsigned long LINK_TUNSETVNETHDRSZ = TUNSETVNETHDRSZ;
const unsigned long LINK_TUNGETVNETHDRSZ = TUNGETVNETHDRSZ;
const unsigned long LINK_TUNSETVNETLE = TUNSETVNETLE;
const unsigned long LINK_TUNSETOFFLOAD = TUNSETOFFLOAD;
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20  // Linux 6.2
#define TUN_F_USO6 0x40
#endif
const unsigned long LINK_TUN_F_CSUM = TUN_F_CSUM;
const unsigned long LINK_TUN_F_TSO4 = TUN_F_TSO4;
const unsigned long LINK_TUN_F_TSO6 = TUN_F_TSO6;
const unsigned long LINK_TUN_F_TSO_ECN = TUN_F_TSO_ECN;
const unsigned long LINK_TUN_F_USO4 = TUN_F_USO4;
const unsigned long LINK_TUN_F_USO6 = TUN_F_USO6;
#ifndef PACKET_VNET_HDR_SZ
#define PACKET_VNET_HDR_SZ 24  // Linux 6.6
#endif
const int LINK_PACKET_VNET_HDR_SZ = PACKET_VNET_HDR_SZ;
int link_unshare_network(void) { return unshare(CLONE_NEWNET); }
