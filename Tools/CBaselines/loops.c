#include "link.h"

static inline void spin_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Time that was spent in vain. A time in which the process stood still does not count: nobody looked.
struct patience {
  uint64_t spins, last, waited;
};

/// Once more; false after a second.
static inline bool spin(struct patience *patience) {
  spin_pause();
  if (++patience->spins % 4096 != 0) return true;
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  uint64_t now = (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
  uint64_t passed = patience->last == 0 ? 0 : now - patience->last;
  patience->waited += passed < 10000000 ? passed : 10000000;
  patience->last = now;
  return patience->waited < 1000000000;
}

static bool sleep_until_rung(struct link *link) {
  __atomic_store_n(link->in_word, 2, __ATOMIC_RELAXED);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  bool is_rung = true;
  if (load(link->in.base, link->in.head) & slot_free) {
    struct pollfd entry = {.fd = link->in_event, .events = POLLIN};
    is_rung = ppoll(&entry, 1, &(struct timespec){.tv_sec = 1}, NULL) > 0;
    uint64_t value;
    (void)!read(link->in_event, &value, 8);
  }
  __atomic_store_n(link->in_word, 1, __ATOMIC_RELAXED);
  return is_rung;
}

static int receive_some(struct link *link, struct cb_count *count, bool sleeps, int most) {
  struct patience patience = {0};
  while (true) {
    int received = cb_receive_batch(link, count, most);
    if (received > 0) return received;
    if (sleeps ? !sleep_until_rung(link) : !spin(&patience)) return 0;
  }
}

/// All of them, `most` at a time. False after a second without room.
static bool send_all(struct link *link, const uint8_t *packets, const uint32_t *lengths, int count) {
  struct patience patience = {0};
  for (int sent = 0; sent < count;) {
    const uint32_t *left = lengths == NULL ? NULL : lengths + sent;
    int more = cb_send_batch(link, packets + (size_t)sent * link->stride, left, count - sent);
    sent += more;
    if (more > 0) {
      patience = (struct patience){0};
    } else if (!spin(&patience)) {
      return false;
    }
  }
  return true;
}

struct cb_count cb_link_send(int handle, uint64_t packets) {
  struct link *link = cb_link_at(handle);
  struct cb_count count = {0};
  while (count.packets < packets) {
    uint64_t left = packets - count.packets;
    int asked = left < (uint64_t)link->batch ? (int)left : link->batch;
    if (!send_all(link, link->source, NULL, asked)) break;
    count.packets += (uint64_t)asked;
    count.bytes += (uint64_t)asked * link->byte_count;
  }
  return count;
}

struct cb_count cb_link_receive(int handle, bool sleeps, uint64_t packets) {
  struct link *link = cb_link_at(handle);
  struct cb_count count = {0};
  int most = link->is_tuned ? room_for_packets : link->batch;
  __atomic_store_n(link->in_word, 1, __ATOMIC_RELAXED);
  while (count.packets < packets && receive_some(link, &count, sleeps, most) > 0) {
  }
  return count;
}

struct cb_count cb_link_forward(int source, int target, bool sleeps, uint64_t packets) {
  struct link *from = cb_link_at(source), *to = cb_link_at(target);
  struct cb_count count = {0};
  __atomic_store_n(from->in_word, 1, __ATOMIC_RELAXED);
  while (count.packets < packets) {
    int received = receive_some(from, &count, sleeps, room_for_packets);
    if (received == 0 || !send_all(to, from->sink, from->lengths, received)) break;
  }
  return count;
}

struct cb_count cb_link_circulate(int target, int source, uint64_t packets) {
  struct link *to = cb_link_at(target), *from = cb_link_at(source);
  struct cb_count count = {0};
  struct patience patience = {0};
  __atomic_store_n(from->in_word, 1, __ATOMIC_RELAXED);
  for (uint64_t sent = 0; count.packets < packets;) {
    uint64_t left = packets - sent;
    int asked = left < (uint64_t)to->batch ? (int)left : to->batch;
    int moved = asked > 0 ? cb_send_batch(to, to->source, NULL, asked) : 0;
    sent += (uint64_t)moved;
    moved += cb_receive_batch(from, &count, room_for_packets);
    if (moved > 0) {
      patience = (struct patience){0};
    } else if (!spin(&patience)) {
      break;
    }
  }
  return count;
}
