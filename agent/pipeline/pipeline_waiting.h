/* pipeline_waiting.h - a datagram that waits for a collector as bytes of the state that one agent
 * leaves to the next.
 *
 * Place: exporter <-> handover_state.h. The body of a section is datagrams one after the other: u32
 * size, u32 by how much it moves the sequence number, u64 records, packets, octets, u64 Unix time,
 * u32 uptime of its header, u32 1 if it has templates, bytes. */
#ifndef PIPELINE_WAITING_H
#define PIPELINE_WAITING_H

#include "bytes.h"
#include "datagram_queue.h"

#define PIPELINE_WAITING_SIZE 48 /* before the bytes */

void pipeline_waiting_write(struct writer *writer, const struct queued_datagram *datagram);
/* The next one, whose bytes are borrowed and not changed. Returns false at the end, and at what is
 * none: then the reader has failed. */
bool pipeline_waiting_read(struct reader *body, struct queued_datagram *datagram);

#endif
