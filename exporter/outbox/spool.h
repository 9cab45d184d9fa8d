/* spool.h - finished datagrams that wait behind a full queue: a bounded first-in, first-out store
 * in memory or in a file.
 *
 * Stage: datagram_queue -> spool -> datagram_queue, while a collector is away. The file has no
 * name, so it goes with the process: what waits is lost with it, as what waits in memory is. */
#ifndef SPOOL_H
#define SPOOL_H

#include "datagram_queue.h"
#include "error_text.h"

#define SPOOL_SIZE_MIN (1u << 20) /* holds what an outbox may add before it is asked again */

struct spool {
	int fd;        /* owned; -1: there is none */
	uint64_t size; /* bytes at most, headers of datagrams included */

	/* Read only. */
	uint64_t count;       /* datagrams */
	uint64_t total_bytes; /* sum of their sizes */
	struct amount amount; /* sum of what they carry */

	/* Places in the file. In order they are from 'head' to 'tail', or, when it has come round,
	 * from 'head' to 'end' and from 0 to 'tail'. */
	uint64_t head, tail, end;
	bool is_round;
};

/* Make an empty one: in memory, or in a file of 'directory' that is not NULL. 'size' 0: none.
 * Returns 0, or a negative errno with 'error' filled. */
int spool_init(struct spool *spool, uint64_t size, const char *directory, struct error_text *error);
void spool_clear(struct spool *spool);

static inline bool spool_is_there(const struct spool *spool)
{
	return spool->fd >= 0;
}

/* How many datagrams of 'size' bytes can be put, as far as the file system has room. */
size_t spool_room(const struct spool *spool, size_t size);

/* Put a datagram behind all others. Returns 0, -ENOSPC if there is no room before the oldest is
 * taken out (or none in the file system at all, then it is empty), or another negative errno. */
int spool_put(struct spool *spool, const struct queued_datagram *datagram);

/* Take the oldest out; there must be one. Its bytes go where 'datagram' points, where there is room
 * for 'capacity'. Returns 0; or a negative errno: the file cannot be read, nothing is known of what
 * follows, and the caller should spool_forget() all. */
int spool_take(struct spool *spool, struct queued_datagram *datagram, size_t capacity);

/* Empty it. */
void spool_forget(struct spool *spool);

#endif
