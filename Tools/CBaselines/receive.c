#include "common.h"

#include <linux/if_packet.h>

struct cb_count cb_receive_readv(int fd, uint64_t packets) {
  struct cb_count count = {0};
  struct iovec part = {cb_packets[0], most_bytes};
  while (count.packets < packets) {
    ssize_t result = readv(fd, &part, 1);
    if (result > 0) {
      cb_add(&count, cb_packets[0], (uint64_t)result);
    } else if (result == 0 || errno != EAGAIN || !cb_wait(fd, POLLIN)) {
      break;
    }
  }
  return count;
}

struct cb_count cb_receive_recvmmsg(int fd, int batch, bool has_control, uint64_t packets) {
  enum { control_byte_count = CMSG_SPACE(sizeof(struct tpacket_auxdata)) };
  static _Thread_local union {
    struct cmsghdr header;
    uint8_t bytes[control_byte_count];
  } control[most_messages];
  struct mmsghdr messages[most_messages] = {0};
  struct iovec parts[most_messages];
  for (int index = 0; index < batch; index++) {
    parts[index] = (struct iovec){cb_packets[index], most_bytes};
    messages[index].msg_hdr = (struct msghdr){.msg_iov = &parts[index], .msg_iovlen = 1};
    if (has_control) messages[index].msg_hdr.msg_control = &control[index];
  }
  struct cb_count count = {0};
  while (count.packets < packets) {
    // The kernel has left there how much of the area it used.
    if (has_control) {
      for (int index = 0; index < batch; index++) messages[index].msg_hdr.msg_controllen = control_byte_count;
    }
    int result = recvmmsg(fd, messages, (unsigned)batch, MSG_DONTWAIT | MSG_TRUNC, NULL);
    if (result > 0) {
      for (int index = 0; index < result; index++) cb_add(&count, cb_packets[index], messages[index].msg_len);
    } else if (result == 0 || errno != EAGAIN || !cb_wait(fd, POLLIN)) {
      break;
    }
  }
  return count;
}
