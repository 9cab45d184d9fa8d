/* worker_kept.h - what of a worker outlives its process: flow cache, ring, the datagram that is
 * being counted, and where its last turn has begun.
 *
 * Place: kept_memory.h -> worker. Before each turn the worker notes its ledger and the position in
 * its source, in one of two places, and then which of them holds. A process that is killed in the
 * turn is continued from there: the cache knows how many packets it has got since, the ring what
 * has left; the packets are read again, and those that the cache has are only counted. So each
 * packet and each record is counted once, at whatever instruction the process ends. Not noted again
 * are counters of what is special about those packets (superpackets, packets of unknown length): at
 * most one batch of 32. */
#ifndef WORKER_KEPT_H
#define WORKER_KEPT_H

#include "export_thread_parts.h"
#include "worker_parts.h"

/* Bytes of memory that a worker takes. */
uint64_t worker_kept_size(const struct worker_config *config);
/* What else than that size must be the same in the process that continues. */
#define WORKER_KEPT_LAYOUT 6

/* Make ring and cache in worker->memory. */
void worker_kept_create(struct worker *worker, const struct worker_config *config);
/* Find them there, as another process has left them. Returns 0, or a negative errno: -EINVAL if
 * what is there is damaged. */
int worker_kept_recover(struct worker *worker, const struct worker_config *config);
/* Where that process has stood in its source, as far as the memory says. */
void worker_kept_position(const struct kept_memory *memory, struct capture_position *position);
/* After that, the source is open: read from memory what the turn had read, and count it. */
void worker_kept_resume(struct worker *worker);

/* Where a worker had come with the packets of a turn: it goes with what its source reads into. */
struct worker_kept_turn {
	struct capture_position position;  /* before the views of the turn */
	uint32_t view_first;               /* of them, the first that the ledger does not have */
	uint32_t packets;                  /* that the cache has got since */
	uint8_t reasons[FLOW_CACHE_BATCH]; /* of the views since ignored: enum drop_reason */
};

/* What a worker of a killed process has left of which only 'memory' is used, and which
 * worker_kept_recover() has found: its counters, with all packets that its cache has; and its turn.
 */
void worker_kept_left(const struct worker *left, struct worker_ledger *ledger);
void worker_kept_turn(const struct worker *left, struct worker_kept_turn *turn);
/* Before the thread of a worker with the same source starts, whose memory is new: give it the
 * packets that the ledger above does not have. 'memory' is what that source had read into, up to
 * its last byte that is not 0. */
void worker_kept_resume_from(struct worker *worker, const struct worker_kept_turn *turn,
			     const struct reader *memory);

/* What a head says of a worker (export_kept.h). */
struct export_kept_source worker_kept_source(const struct worker *worker);

/* A turn begins. Reasons of packets that are ignored in it are noted in worker->reasons. */
void worker_kept_begin(struct worker *worker);
/* Thread only: from now on nothing is noted. Cache and ring stay where they are. */
void worker_kept_stop(struct worker *worker);

#endif
