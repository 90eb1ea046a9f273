#include "common.h"

enum { flags = MSG_DONTWAIT | MSG_NOSIGNAL };

struct cb_count cb_send_write(int fd, int byte_count, enum cb_framing framing, uint64_t packets) {
  struct cb_count count = {0};
  cb_write_packets(1, byte_count, framing);
  while (count.packets < packets) {
    ssize_t result = write(fd, cb_packets[0], (size_t)byte_count);
    if (result > 0) {
      cb_add(&count, cb_packets[0], (uint64_t)byte_count);
    } else if (errno != EAGAIN || !cb_wait(fd, POLLOUT)) {
      break;
    }
  }
  return count;
}

struct cb_count cb_send_send(int fd, int byte_count, enum cb_framing framing, uint64_t packets) {
  struct cb_count count = {0};
  cb_write_packets(1, byte_count, framing);
  while (count.packets < packets) {
    ssize_t result = send(fd, cb_packets[0], (size_t)byte_count, flags);
    if (result > 0) {
      cb_add(&count, cb_packets[0], (uint64_t)byte_count);
    } else if ((errno != EAGAIN && errno != ENOBUFS) || !cb_wait(fd, POLLOUT)) {
      break;
    }
  }
  return count;
}

struct cb_count cb_send_sendmmsg(int fd, int batch, int byte_count, enum cb_framing framing, uint64_t packets) {
  struct mmsghdr messages[most_messages] = {0};
  struct iovec parts[most_messages];
  struct cb_count count = {0};
  cb_write_packets(batch, byte_count, framing);
  while (count.packets < packets) {
    uint64_t left = packets - count.packets;
    int asked = left < (uint64_t)batch ? (int)left : batch;
    for (int index = 0; index < asked; index++) {
      parts[index] = (struct iovec){cb_packets[index], (size_t)byte_count};
      messages[index].msg_hdr = (struct msghdr){.msg_iov = &parts[index], .msg_iovlen = 1};
    }
    int result = sendmmsg(fd, messages, (unsigned)asked, flags);
    if (result > 0) {
      for (int index = 0; index < result; index++) cb_add(&count, cb_packets[index], (uint64_t)byte_count);
    } else if ((errno != EAGAIN && errno != ENOBUFS) || !cb_wait(fd, POLLOUT)) {
      break;
    }
  }
  return count;
}
