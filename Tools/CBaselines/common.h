#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "CBaselines.h"

enum { most_messages = 64, most_bytes = 2048 };

/// Memory for a batch of packets. One thread measures at a time; the threads that feed it have their own.
extern _Thread_local uint8_t cb_packets[most_messages][most_bytes];

/// Writes `count` packets of one size into `cb_packets`.
void cb_write_packets(int count, int byte_count, enum cb_framing framing);

/// Waits for the descriptor. False if it was 100 ms for nothing.
static inline bool cb_wait(int fd, short events) {
  struct pollfd entry = {.fd = fd, .events = events};
  struct timespec time = {.tv_nsec = 100000000};
  return ppoll(&entry, 1, &time, NULL) > 0;
}

static inline void cb_add(struct cb_count *count, const uint8_t *packet, uint64_t byte_count) {
  count->packets += 1;
  count->bytes += byte_count;
  count->sum += packet[0];
}
