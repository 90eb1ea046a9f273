#pragma once

#include "common.h"
#include "pipe.h"

enum { buffer_byte_count = 2048, most_buffers = 512, room_for_packets = 32 };
enum { collection_interval = 64, publication_interval = 65536, turn_byte_count = 131072 };

/// One end of a link. A client sends on the TX queue, where it owns the buffers, and posts those of the RX queue.
struct link {
  bool is_client, is_tuned;
  int batch;
  uint32_t byte_count;

  struct writer out;
  /// What the peer gives to send in: completions, or posted buffers.
  struct reader room;
  uint8_t *out_data;
  uint32_t *out_word;
  int out_event;

  struct reader in;
  /// Completions, or buffers posted again.
  struct writer returns;
  uint8_t *in_data;
  uint32_t *in_word;
  int in_event;

  /// Buffers to send in: a stack. Of a client, with a chain through those of each packet under way.
  struct buffer {
    uint64_t offset, user_data, id;
  } free[most_buffers];
  uint32_t free_count;
  uint32_t chain[most_buffers];
  uint32_t sent_since_collection;

  /// Packets to send, and received ones with their lengths. From one to the next it is an odd number of cache lines, so
  /// that they do not share sets.
  uint8_t *source, *sink;
  size_t stride;
  uint32_t lengths[room_for_packets];

  struct mapping {
    void *base;
    size_t byte_count;
  } mappings[8];
};

struct link *cb_link_at(int handle);

/// Up to `count` packets from `packets`, `lengths` their own or all of one. Returns how many there was room for.
int cb_send_batch(struct link *link, const uint8_t *packets, const uint32_t *lengths, int count);
/// What is there, at most `most` packets. Returns how many.
int cb_receive_batch(struct link *link, struct cb_count *count, int most);

/// `tuned` is a constant wherever this is called.
static inline __attribute__((always_inline)) void copy(uint8_t *to, const uint8_t *from, size_t count, bool tuned) {
  if (!tuned || count < 16 || (count > 128 && count < 256)) {
    memcpy(to, from, count);
  } else if (count >= 256) {
#if defined(__x86_64__)
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
#else
    memcpy(to, from, count);
#endif
  } else {
    memcpy(to, from, 16);
    if (count > 32) {
      memcpy(to + 16, from + 16, 16);
      if (count > 64) {
        memcpy(to + 32, from + 32, 32);
        memcpy(to + count - 64, from + count - 64, 32);
      }
      memcpy(to + count - 32, from + count - 32, 16);
    }
    memcpy(to + count - 16, from + count - 16, 16);
  }
}

static inline void put32(uint8_t *place, uint32_t value) { memcpy(place, &value, 4); }
static inline void put64(uint8_t *place, uint64_t value) { memcpy(place, &value, 8); }
static inline uint32_t get32(const uint8_t *place) {
  uint32_t value;
  memcpy(&value, place, 4);
  return value;
}
static inline uint64_t get64(const uint8_t *place) {
  uint64_t value;
  memcpy(&value, place, 8);
  return value;
}
