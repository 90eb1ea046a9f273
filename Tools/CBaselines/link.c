#include "link.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

static struct link *links[8];

struct link *cb_link_at(int handle) { return links[handle]; }

static uint8_t *map(struct link *link, int fd, int index) {
  struct stat status;
  if (fstat(fd, &status) != 0) return NULL;
  size_t size = (size_t)status.st_size;
  void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (base == MAP_FAILED) return NULL;
  link->mappings[index] = (struct mapping){base, size};
  return base;
}

static void post_buffers(struct link *link) {
  for (uint64_t index = 0; index < most_buffers; index++) {
    uint8_t *message = push(&link->returns, 32);
    put64(message, index * buffer_byte_count);
    put32(message + 8, buffer_byte_count);
    put32(message + 12, 0);
    put64(message + 16, 0);
    put64(message + 24, index);
  }
  writer_flush(&link->returns);
}

static void write_packets(struct link *link) {
  const uint8_t ip[20] = {0x45, 0, (uint8_t)(link->byte_count >> 8), (uint8_t)link->byte_count, 0, 0, 0, 0, 64, 253,
                          0, 0, 192, 0, 2, 1, 192, 0, 2, 2};
  for (int index = 0; index < room_for_packets; index++) {
    memset(link->source + (size_t)index * link->stride, 0, link->byte_count);
    memcpy(link->source + (size_t)index * link->stride, ip, sizeof ip);
  }
}

int cb_link_open(struct cb_queue_files tx, struct cb_queue_files rx, bool is_client, enum cb_style style, int batch,
                 int byte_count) {
  int handle = 0;
  while (handle < 8 && links[handle] != NULL) handle++;
  struct link *link = handle < 8 ? calloc(1, sizeof *link) : NULL;
  if (link == NULL) return -ENOMEM;
  links[handle] = link;
  link->is_client = is_client;
  link->is_tuned = style == cb_tuned;
  link->batch = batch;
  link->byte_count = (uint32_t)byte_count;
  link->stride = ((size_t)byte_count + 127) / 128 * 128 + 64;
  link->source = malloc(room_for_packets * link->stride);
  link->sink = malloc(room_for_packets * link->stride);

  struct cb_queue_files queues[2] = {is_client ? tx : rx, is_client ? rx : tx};
  link->out_event = fcntl(queues[0].event, F_DUPFD_CLOEXEC, 0);
  link->in_event = fcntl(queues[1].event, F_DUPFD_CLOEXEC, 0);
  bool is_whole = link->source != NULL && link->sink != NULL && link->out_event >= 0 && link->in_event >= 0;
  for (int index = 0; index < 2; index++) {
    struct cb_queue_files queue = queues[index];
    int files[4] = {queue.data, queue.tx_pipe, queue.rx_pipe, queue.shared};
    for (int file = 0; file < 4; file++) is_whole = map(link, files[file], 4 * index + file) != NULL && is_whole;
  }
  if (!is_whole) {
    cb_link_close(handle);
    return -ENOMEM;
  }
  struct mapping *out = link->mappings, *in = link->mappings + 4;
  // A client writes tx pipes and reads rx pipes, whichever queue; a server the other way round.
  int written = is_client ? 1 : 2, read = 3 - written;
  link->out_data = out[0].base;
  link->out = writer_on(out[written].base, out[written].byte_count);
  link->room = reader_on(out[read].base, out[read].byte_count);
  link->out_word = out[3].base;
  link->in_data = in[0].base;
  link->in = reader_on(in[read].base, in[read].byte_count);
  link->returns = writer_on(in[written].base, in[written].byte_count);
  link->in_word = in[3].base;
  if (is_client) {
    for (uint32_t index = 0; index < most_buffers; index++) {
      link->free[index] = (struct buffer){.offset = (uint64_t)index * buffer_byte_count, .id = index};
    }
    link->free_count = most_buffers;
    post_buffers(link);
  }
  write_packets(link);
  memset(link->sink, 0, room_for_packets * link->stride);
  return handle;
}

void cb_link_close(int handle) {
  struct link *link = links[handle];
  links[handle] = NULL;
  for (int index = 0; index < 8; index++) {
    if (link->mappings[index].base != NULL) munmap(link->mappings[index].base, link->mappings[index].byte_count);
  }
  if (link->out_event >= 0) close(link->out_event);
  if (link->in_event >= 0) close(link->in_event);
  free(link->source);
  free(link->sink);
  free(link);
}
