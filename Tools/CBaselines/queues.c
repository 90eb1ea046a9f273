#include "link.h"

#define inlined static inline __attribute__((always_inline))

// MARK: Room

/// Client: buffers of completed packets.
inlined void collect_completions(struct link *link) {
  link->sent_since_collection = 0;
  uint8_t *message;
  while ((message = pull(&link->room)) != NULL) {
    uint32_t buffer = (uint32_t)get64(message);
    while (buffer != most_buffers) {
      link->free[link->free_count++] = (struct buffer){.offset = (uint64_t)buffer * buffer_byte_count, .id = buffer};
      buffer = link->chain[buffer];
    }
  }
  reader_flush(&link->room);
}

/// Server: buffers that the client posted, as many as a packet needs; when there are fewer, some in stock where that helps.
inlined void collect_posts(struct link *link, uint32_t wanted, bool tuned) {
  if (link->free_count >= wanted) return;
  if (tuned && wanted < collection_interval) wanted = collection_interval;
  uint8_t *message;
  while (link->free_count < wanted && (message = pull(&link->room)) != NULL) {
    link->free[link->free_count++] =
        (struct buffer){.offset = get64(message), .user_data = get64(message + 16), .id = get64(message + 24)};
  }
}

// MARK: Sending

/// One packet into free buffers, its message into the pipe. False if there is no room.
inlined bool put(struct link *link, const uint8_t *packet, uint32_t byte_count, bool client, bool tuned) {
  uint32_t count = byte_count <= buffer_byte_count ? 1 : (byte_count + buffer_byte_count - 1) / buffer_byte_count;
  if (!client) collect_posts(link, count, tuned);
  if (link->free_count < count) return false;
  uint8_t *message = push(&link->out, client ? 16 + 12 * count : 8 + 28 * count);
  if (message == NULL) return false;
  if (client) {
    put64(message, link->free[link->free_count - 1].id);
    message += 8;
  }
  put32(message, byte_count);
  put32(message + 4, 0);
  message += 8;
  for (uint32_t position = 0; position < byte_count; position += buffer_byte_count) {
    struct buffer buffer = link->free[--link->free_count];
    uint32_t left = byte_count - position;
    uint32_t size = left < buffer_byte_count ? left : buffer_byte_count;
    copy(link->out_data + buffer.offset, packet + position, size, tuned);
    put64(message, buffer.offset);
    put32(message + 8, size);
    if (client) {
      link->chain[buffer.id] = left == size ? most_buffers : (uint32_t)link->free[link->free_count - 1].id;
      message += 12;
    } else {
      put64(message + 12, buffer.user_data);
      put64(message + 20, buffer.id);
      message += 28;
    }
  }
  return true;
}

/// Up to `count` packets from `packets`, `lengths` their own or all of one, and one look at the word. Returns how many.
inlined int send_batch(struct link *link, const uint8_t *packets, const uint32_t *lengths, int count, bool client,
                       bool tuned) {
  if (client && (!tuned || link->sent_since_collection >= collection_interval)) collect_completions(link);
  int sent = 0;
  uint32_t unpublished = 0;
  for (; sent < count; sent++) {
    uint32_t byte_count = lengths == NULL ? link->byte_count : lengths[sent];
    const uint8_t *packet = packets + (size_t)sent * link->stride;
    if (!put(link, packet, byte_count, client, tuned)) {
      if (!client || !tuned) break;
      collect_completions(link);
      if (!put(link, packet, byte_count, client, tuned)) break;
    }
    unpublished += byte_count;
    if (tuned && unpublished >= publication_interval) {
      writer_flush(&link->out);
      unpublished = 0;
    }
  }
  if (!client) reader_flush(&link->room);
  if (sent == 0) return 0;
  link->sent_since_collection += (uint32_t)sent;
  writer_flush(&link->out);
  // Published, fence, look: the receiver does enable, fence, look at the pipe.
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (__atomic_load_n(link->out_word, __ATOMIC_RELAXED) != 1) (void)!write(link->out_event, &(uint64_t){1}, 8);
  return sent;
}

// MARK: Receiving

/// Copies what is there out, at most `most` packets, and gives it back. Returns how many.
inlined int receive_batch(struct link *link, struct cb_count *count, int most, bool client, bool tuned) {
  int received = 0;
  uint32_t bytes = 0;
  uint8_t *message;
  while (received < most && !(tuned && bytes >= turn_byte_count) && (message = pull(&link->in)) != NULL) {
    uint64_t id = client ? 0 : get64(message);
    if (!client) message += 8;
    uint32_t byte_count = get32(message);
    message += 8;
    uint8_t *packet = link->sink + (size_t)received * link->stride;
    for (uint32_t position = 0; position < byte_count;) {
      uint64_t offset = get64(message);
      uint32_t left = byte_count - position;
      uint32_t size = get32(message + 8) < left ? get32(message + 8) : left;
      // Out of shared memory memcpy beats `rep movsb`.
      copy(packet + position, link->in_data + offset, size, tuned && size < 256);
      position += size;
      if (client) {
        uint64_t buffer = get64(message + 20);
        uint8_t *post = push(&link->returns, 32);
        put64(post, offset);
        put32(post + 8, buffer_byte_count);
        put32(post + 12, 0);
        put64(post + 16, 0);
        put64(post + 24, buffer);
      }
      message += client ? 28 : 12;
    }
    if (!client) put64(push(&link->returns, 8), id);
    link->lengths[received++] = byte_count;
    bytes += byte_count;
  }
  reader_flush(&link->in);
  writer_flush(&link->returns);
  for (int index = 0; index < received; index++) {
    cb_add(count, link->sink + (size_t)index * link->stride, link->lengths[index]);
  }
  return received;
}

// MARK: The four kinds

int cb_send_batch(struct link *link, const uint8_t *packets, const uint32_t *lengths, int count) {
  if (link->is_client) {
    return link->is_tuned ? send_batch(link, packets, lengths, count, true, true)
                          : send_batch(link, packets, lengths, count, true, false);
  }
  return link->is_tuned ? send_batch(link, packets, lengths, count, false, true)
                        : send_batch(link, packets, lengths, count, false, false);
}

int cb_receive_batch(struct link *link, struct cb_count *count, int most) {
  if (link->is_client) {
    return link->is_tuned ? receive_batch(link, count, most, true, true)
                          : receive_batch(link, count, most, true, false);
  }
  return link->is_tuned ? receive_batch(link, count, most, false, true)
                        : receive_batch(link, count, most, false, false);
}
