#include "common.h"

#include <linux/if_packet.h>

_Thread_local uint8_t cb_packets[most_messages][most_bytes];

static uint64_t nanoseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

uint64_t cb_thread_nanoseconds(void) { return nanoseconds(CLOCK_THREAD_CPUTIME_ID); }
uint64_t cb_process_nanoseconds(void) { return nanoseconds(CLOCK_PROCESS_CPUTIME_ID); }

void cb_write_packets(int count, int byte_count, enum cb_framing framing) {
  // To everyone, of a type that is for experiments: nobody answers.
  static const uint8_t ethernet[14] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 0x88, 0xb5};
  // From and to nowhere: 192.0.2.1, 192.0.2.2.
  const uint8_t ip[20] = {0x45, 0, (uint8_t)(byte_count >> 8), (uint8_t)byte_count, 0, 0, 0, 0, 64, 253, 0, 0,
                          192,  0, 2, 1, 192, 0, 2, 2};
  for (int index = 0; index < count; index++) {
    memset(cb_packets[index], 0, (size_t)byte_count);
    if (framing == cb_ethernet) memcpy(cb_packets[index], ethernet, sizeof ethernet);
    if (framing == cb_ip) memcpy(cb_packets[index], ip, sizeof ip);
  }
}

uint64_t cb_fill(int fd, int byte_count, enum cb_framing framing, uint64_t packets) {
  enum { batch = 32 };
  struct mmsghdr messages[batch] = {0};
  struct iovec parts[batch];
  cb_write_packets(batch, byte_count, framing);
  for (int index = 0; index < batch; index++) {
    parts[index] = (struct iovec){cb_packets[index], (size_t)byte_count};
    messages[index].msg_hdr = (struct msghdr){.msg_iov = &parts[index], .msg_iovlen = 1};
  }
  uint64_t sent = 0;
  while (sent < packets) {
    uint64_t left = packets - sent;
    int result = sendmmsg(fd, messages, left < batch ? (unsigned)left : batch, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (result <= 0) break;
    sent += (uint64_t)result;
  }
  return sent;
}

uint64_t cb_discard(int fd) {
  uint64_t count = 0;
  uint8_t sink;
  while (recv(fd, &sink, 1, MSG_DONTWAIT | MSG_TRUNC) > 0) count += 1;
  return count;
}

void cb_bypass_queue(int fd) {
  int one = 1;
  // A kernel without it sends all the same.
  (void)!setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one);
}
