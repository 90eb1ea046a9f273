#include "common.h"

#include <linux/if_packet.h>
#include <sys/mman.h>

static struct ring {
  int fd;
  struct cb_ring_geometry geometry;
  uint8_t *base;
  /// The next block, or place of version 2.
  uint32_t index;
  /// Of the block under way: frames that are left, and the next of them.
  uint32_t frames_left;
  uint8_t *frame;
} rings[8];

static size_t ring_byte_count(const struct ring *ring) {
  return (size_t)ring->geometry.block_byte_count * (size_t)ring->geometry.block_count;
}

int cb_ring_open(int fd, struct cb_ring_geometry geometry) {
  int handle = 0;
  while (handle < 8 && rings[handle].base != NULL) handle++;
  if (handle == 8) return -ENOSPC;
  int version = geometry.version == 3 ? TPACKET_V3 : TPACKET_V2;
  if (setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof version) != 0) return -errno;
  struct tpacket_req3 request = {
      .tp_block_size = (unsigned)geometry.block_byte_count,
      .tp_block_nr = (unsigned)geometry.block_count,
      .tp_frame_size = (unsigned)geometry.frame_byte_count,
      .tp_frame_nr = (unsigned)(geometry.block_byte_count / geometry.frame_byte_count * geometry.block_count),
      .tp_retire_blk_tov = geometry.version == 3 ? (unsigned)geometry.block_timeout : 0,
  };
  // Version 2 has the shorter record.
  socklen_t size = geometry.version == 3 ? sizeof request : sizeof(struct tpacket_req);
  if (setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, size) != 0) return -errno;
  struct ring ring = {.fd = fd, .geometry = geometry};
  void *base = mmap(NULL, ring_byte_count(&ring), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) return -errno;
  ring.base = base;
  rings[handle] = ring;
  return handle;
}

void cb_ring_close(int handle) {
  munmap(rings[handle].base, ring_byte_count(&rings[handle]));
  rings[handle] = (struct ring){0};
}

static inline void look(struct cb_count *count, const uint8_t *packet, uint32_t byte_count, bool copies) {
  if (copies) {
    uint8_t *own = cb_packets[count->packets % 32];
    memcpy(own, packet, byte_count < most_bytes ? byte_count : most_bytes);
    packet = own;
  }
  cb_add(count, packet, byte_count);
}

/// One frame. False if there is none.
static inline bool next_alone(struct ring *ring, struct cb_count *count, bool copies) {
  struct cb_ring_geometry geometry = ring->geometry;
  uint32_t frames_per_block = (uint32_t)(geometry.block_byte_count / geometry.frame_byte_count);
  uint8_t *place = ring->base + (size_t)(ring->index / frames_per_block) * (size_t)geometry.block_byte_count +
                   (size_t)(ring->index % frames_per_block) * (size_t)geometry.frame_byte_count;
  struct tpacket2_hdr *header = (struct tpacket2_hdr *)place;
  if (!(__atomic_load_n(&header->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) return false;
  look(count, place + header->tp_mac, header->tp_snaplen, copies);
  __atomic_store_n(&header->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
  ring->index += 1;
  if (ring->index == frames_per_block * (uint32_t)geometry.block_count) ring->index = 0;
  return true;
}

static inline bool next_of_block(struct ring *ring, struct cb_count *count, bool copies) {
  uint8_t *block = ring->base + (size_t)ring->index * (size_t)ring->geometry.block_byte_count;
  struct tpacket_hdr_v1 *header = &((struct tpacket_block_desc *)block)->hdr.bh1;
  if (ring->frames_left == 0) {
    if (!(__atomic_load_n(&header->block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER)) return false;
    ring->frames_left = header->num_pkts;
    ring->frame = block + header->offset_to_first_pkt;
  }
  if (ring->frames_left > 0) {
    struct tpacket3_hdr *frame = (struct tpacket3_hdr *)ring->frame;
    look(count, ring->frame + frame->tp_mac, frame->tp_snaplen, copies);
    ring->frame += frame->tp_next_offset;
    ring->frames_left -= 1;
  }
  if (ring->frames_left == 0) {
    __atomic_store_n(&header->block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    ring->index += 1;
    if (ring->index == (uint32_t)ring->geometry.block_count) ring->index = 0;
  }
  return true;
}

struct cb_count cb_receive_ring(int handle, bool copies, uint64_t packets) {
  struct ring *ring = &rings[handle];
  struct cb_count count = {0};
  while (count.packets < packets) {
    bool came = ring->geometry.version == 3 ? next_of_block(ring, &count, copies) : next_alone(ring, &count, copies);
    if (!came && !cb_wait(ring->fd, POLLIN)) break;
  }
  return count;
}
