// What Tools/linkbench compares the links with: plain loops around the same system calls. Everything here is by value, so
// that Swift needs no pointer. Descriptors are the caller's, and do not block.
#pragma once

#include <stdbool.h>
#include <stdint.h>

/// What a loop moved. `sum` is of the first bytes: they were looked at.
struct cb_count {
  uint64_t packets, bytes, sum;
};

/// CPU time of the calling thread, user and kernel. `CLOCK_THREAD_CPUTIME_ID`.
uint64_t cb_thread_nanoseconds(void);
/// The same of all threads of this process. `CLOCK_PROCESS_CPUTIME_ID`.
uint64_t cb_process_nanoseconds(void);

/// How often this process has asked for memory so far; -1 where nobody counts, under a sanitizer. A program with this target in
/// it has its calls of `malloc` and the like counted.
int64_t cb_allocations(void);

/// What packets begin with: an Ethernet header, or one of IPv4.
enum cb_framing { cb_ethernet, cb_ip };

// Traffic. Both stop where the descriptor is full.

/// Sends up to `packets` messages of `byte_count` bytes each, 32 in a call. Returns how many went.
uint64_t cb_fill(int fd, int byte_count, enum cb_framing framing, uint64_t packets);
/// Throws away what waits on a socket. Returns how many messages that were.
uint64_t cb_discard(int fd);
/// Packets sent go past the queue of the interface. `PACKET_QDISC_BYPASS`.
void cb_bypass_queue(int fd);

// Receiving: until `packets` came, or nothing came for 100 ms.

/// One `readv(2)` a packet.
struct cb_count cb_receive_readv(int fd, uint64_t packets);
/// Up to `batch` packets a `recvmmsg(2)`; `has_control`: with room for what a packet socket says beside each.
struct cb_count cb_receive_recvmmsg(int fd, int batch, bool has_control, uint64_t packets);

/// The same numbers as the kernel's `tpacket_req3`; `version` 2 or 3. Copied into each packet's own memory, or left in place.
struct cb_ring_geometry {
  int version, block_byte_count, block_count, frame_byte_count, block_timeout;
};
/// Gives a packet socket a ring and maps it. A handle, or minus errno.
int cb_ring_open(int fd, struct cb_ring_geometry geometry);
void cb_ring_close(int ring);
/// `copies`: out of the ring, before it is looked at.
struct cb_count cb_receive_ring(int ring, bool copies, uint64_t packets);

// Sending: until `packets` went, or the descriptor was full for 100 ms.

/// One `write(2)` a packet.
struct cb_count cb_send_write(int fd, int byte_count, enum cb_framing framing, uint64_t packets);
/// One `send(2)` a packet.
struct cb_count cb_send_send(int fd, int byte_count, enum cb_framing framing, uint64_t packets);
/// `batch` packets a `sendmmsg(2)`.
struct cb_count cb_send_sendmmsg(int fd, int batch, int byte_count, enum cb_framing framing, uint64_t packets);

#include "queues.h"
#include "steps.h"
