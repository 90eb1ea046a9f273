// The queues of a link in shared memory, as Documentation/WireFormat.md has them, in plain C between two sides that trust
// each other. Part of CBaselines.h.
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cb_queue_files {
  int data, event, tx_pipe, rx_pipe, shared;
};

/// How the loops are written. Both ring at most once a batch, and only a side that sleeps.
enum cb_style {
  /// As other implementations do: completions are collected before each write, everything is copied by `memcpy`, and the
  /// receiver gives back as many packets at a time as the sender sends.
  cb_plain,
  /// What is known to help: completions are collected every 64 packets and on shortage, large packets are published and given
  /// back in small portions, copies are inline or `rep movsb`, by length.
  cb_tuned,
};

/// Maps one end of a link; `byte_count`: of each packet that it sends, `batch`: packets in a write. The files stay the
/// caller's. A handle, or minus errno.
int cb_link_open(struct cb_queue_files tx, struct cb_queue_files rx, bool is_client, enum cb_style style, int batch,
                 int byte_count);
void cb_link_close(int link);

// All of these give up when nothing moved for a second.

/// Sends, and spins when there is no room.
struct cb_count cb_link_send(int link, uint64_t packets);
/// Receives. `sleeps`: on the eventfd when there is nothing; otherwise it spins.
struct cb_count cb_link_receive(int link, bool sleeps, uint64_t packets);
/// Sends each packet that comes from one link over the other; over the same one, as an answer.
struct cb_count cb_link_forward(int from, int to, bool sleeps, uint64_t packets);
/// Sends over one link, and receives as many over the other, by turns. It spins.
struct cb_count cb_link_circulate(int to, int from, uint64_t packets);
