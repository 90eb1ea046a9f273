#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A pipe of Documentation/WireFormat.md between two sides that trust each other.
static const uint64_t slot_free = 1ull << 63, revolution = 1ull << 32, offset_mask = 0xffffffff;
static const uint64_t pipe_start = 0xfffffffeull << 32;

struct writer {
  uint8_t *base;
  uint64_t length, head, tail, next, tail_header;
};

struct reader {
  uint8_t *base;
  uint64_t length, head, tail;
};

static inline struct writer writer_on(uint8_t *base, uint64_t length) {
  return (struct writer){.base = base, .length = length & ~7ull, .head = pipe_start + revolution, .tail = pipe_start,
                         .next = pipe_start};
}

static inline struct reader reader_on(uint8_t *base, uint64_t length) {
  return (struct reader){.base = base, .length = length & ~7ull, .head = pipe_start, .tail = pipe_start};
}

static inline uint64_t slot_size(uint64_t byte_count) { return (byte_count + 15) & ~7ull; }
static inline uint64_t *word(uint8_t *base, uint64_t index) { return (uint64_t *)(base + (index & offset_mask)); }
static inline uint64_t load(uint8_t *base, uint64_t index) {
  return __atomic_load_n(word(base, index), __ATOMIC_ACQUIRE);
}
static inline void publish(uint8_t *base, uint64_t index, uint64_t header) {
  __atomic_store_n(word(base, index), header, __ATOMIC_RELEASE);
}

static inline void writer_flush(struct writer *pipe) {
  if (pipe->next == pipe->tail) return;
  if (pipe->next != pipe->head) *word(pipe->base, pipe->next) = slot_free;
  publish(pipe->base, pipe->tail, pipe->tail_header);
  pipe->tail = pipe->next;
}

static inline bool reclaim(struct writer *pipe, uint64_t end) {
  while ((int64_t)(end - pipe->head) > 0) {
    if (pipe->head == pipe->tail + revolution) return false;
    uint64_t header = load(pipe->base, pipe->head);
    if (!(header & slot_free)) return false;
    pipe->head += slot_size(header & offset_mask);
  }
  return true;
}

static inline void advance(struct writer *pipe, uint64_t header, uint64_t end) {
  if (pipe->next == pipe->tail) {
    pipe->tail_header = header;
  } else {
    *word(pipe->base, pipe->next) = header;
  }
  pipe->next = end;
}

/// The place of a message of so many bytes, or NULL.
static inline uint8_t *push(struct writer *pipe, uint64_t byte_count) {
  uint64_t size = slot_size(byte_count);
  if ((pipe->next & offset_mask) + size >= pipe->length) {
    uint64_t end = (pipe->next & ~offset_mask) + revolution;
    if (!reclaim(pipe, end)) return NULL;
    bool is_first = pipe->next == pipe->tail;
    advance(pipe, end - pipe->next - 8, end);
    if (is_first) writer_flush(pipe);
  }
  uint64_t end = pipe->next + size;
  if (!reclaim(pipe, end)) return NULL;
  uint8_t *message = (uint8_t *)word(pipe->base, pipe->next) + 8;
  advance(pipe, byte_count, end);
  return message;
}

static inline void reader_flush(struct reader *pipe) {
  if (pipe->head == pipe->tail) return;
  publish(pipe->base, pipe->tail, slot_free | (pipe->head - pipe->tail - 8));
  pipe->tail = pipe->head;
}

/// The next message, or NULL.
static inline uint8_t *pull(struct reader *pipe) {
  while (pipe->head != pipe->tail + revolution) {
    uint64_t header = load(pipe->base, pipe->head);
    if (header & slot_free) return NULL;
    if ((pipe->head & offset_mask) + slot_size(header) < pipe->length) {
      uint8_t *message = (uint8_t *)word(pipe->base, pipe->head) + 8;
      pipe->head += slot_size(header);
      return message;
    }
    bool is_first = pipe->head == pipe->tail;
    pipe->head = (pipe->head & ~offset_mask) + revolution;
    if (is_first) reader_flush(pipe);
  }
  return NULL;
}
