/* spool.h - finished datagrams that wait for room in a full queue: a bounded first-in, first-out
 * store in memory or in a file.
 *
 * Place: datagram_queue -> spool -> datagram_queue, while a collector is away. The file has no
 * name, so it goes with the process, and what waits in it: the next agent has what waited in a
 * queue (outbox_kept.h), and not what waited here. One in
 * a directory is read and written by a thread (spool_disk.h); nothing here waits for a disk. */
#ifndef SPOOL_H
#define SPOOL_H

#include "datagram_queue.h"
#include "error_text.h"
#include "spool_disk.h"

#define SPOOL_SIZE_MIN (1u << 20) /* holds what an outbox may add before it is asked again */
#define SPOOL_HANG_US  5000000    /* one call takes longer: 'is_hanging' */

struct spool_config {
	uint64_t size;         /* bytes at most, headers of datagrams included; 0: no spool */
	const char *directory; /* NULL: in memory; borrowed until spool_init() returns */
	size_t datagram_size;  /* the largest */
	const struct spool_disk_calls *calls; /* static; NULL: those of the kernel */
};

/* What went out of it without having been taken. */
struct spool_loss {
	struct amount amount;
	uint64_t datagrams;
	uint64_t templates; /* datagrams with templates */
	int error;          /* positive errno why, 0: to make room */
};

struct spool_chunk;  /* of spool.c */
struct spool_buffer; /* of spool.c */

struct spool {
	struct spool_disk *disk; /* owned; NULL: there is none */

	/* Read only. */
	uint64_t count;           /* datagrams */
	uint64_t total_bytes;     /* sum of their sizes */
	struct amount amount;     /* sum of what they carry */
	struct spool_loss failed; /* could not be written or read; whoever counts it clears it */
	bool is_hanging;          /* since SPOOL_HANG_US: what finds no room is lost at once */

	/* Ring of 'chunks_max' chunks: the first is taken from, the last is put into. */
	struct spool_chunk *chunks; /* owned */
	size_t chunk_size, chunks_max;
	size_t first, chunk_count;
	size_t taken; /* bytes of the first */

	struct spool_buffer *buffers; /* owned; one for each of the disk's, but for the last */
	size_t buffer_count, buffers_free;

	/* Places of chunks in the file: those from 'place_next' on were never used, those from
	 * 'place_end' on have no space. */
	uint32_t *places; /* owned stack of those given back */
	size_t place_count;
	uint32_t place_next, place_end;
	size_t unplaced; /* full chunks that wait for a place */

	size_t jobs; /* under way */
	uint64_t jobs_done, jobs_seen;
	int64_t seen_us; /* when 'jobs_done' was last seen to grow, or nothing was under way */
};

/* Make an empty one. Returns 0, or a negative errno with 'error' filled. */
int spool_init(struct spool *spool, const struct spool_config *config, struct error_text *error);
void spool_clear(struct spool *spool);

static inline bool spool_is_there(const struct spool *spool)
{
	return spool->disk != NULL;
}

/* See what was read and written meanwhile. Once in each turn; 'now_us' is monotonic. */
void spool_poll(struct spool *spool, int64_t now_us);

/* How many datagrams of 'size' bytes can be put now. */
size_t spool_room(const struct spool *spool, size_t size);
/* The same at most, when it is empty and its disk has nothing to do. */
size_t spool_room_most(const struct spool *spool, size_t size);
/* Whether it is full, and not only the disk late: spool_drop() makes room. */
bool spool_is_full(const struct spool *spool);

/* Put a datagram after all others. Returns 0, -ENOSPC if there is no room before the oldest are
 * taken or dropped, or -EAGAIN if there is none before the disk has gone on. */
int spool_put(struct spool *spool, const struct queued_datagram *datagram);

/* Take the oldest out; there must be one. Its bytes go where 'datagram' points, where there is room
 * for 'capacity'. Returns 0, or -EAGAIN if it was not read yet (or is among those that failed). */
int spool_take(struct spool *spool, struct queued_datagram *datagram, size_t capacity);

/* Drop the oldest, as many as lie together. There must be one. */
void spool_drop(struct spool *spool, struct spool_loss *dropped);

/* Readable when spool_poll() has something to see; -1: nothing is under way. */
int spool_descriptor(const struct spool *spool);

/* Empty it. */
void spool_forget(struct spool *spool);

#endif
