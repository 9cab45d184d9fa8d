/* spool.c - ring of chunks of datagrams, which go through buffers into a file.
 *
 * Place: after the queue of an outbox. A datagram lies in one piece after its header, as many of
 * them as fit in a chunk. The last chunk is filled in memory, then written; the first two are read
 * before they are needed, or never leave memory: a spool that small touches no disk. What a chunk
 * carries is known without reading it, so that the oldest can be dropped while a disk hangs. An
 * empty spool gives its disk space back; while it is in use, places are used again but not given
 * back one by one.
 *
 * A file system that is full before the ring is makes the places end there: those that were used
 * need no new space. Invariant: count, total_bytes and amount are the sums over all chunks. */
#include "spool.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A chunk has at least room for two datagrams, and there are not many more than CHUNKS_MANY. */
#define CHUNK_SIZE_MIN 65536
#define CHUNK_SIZE_MAX 1048576
#define CHUNKS_MANY    16384

#define AHEAD 2 /* chunks in memory before they are taken from */
#define MEMORY_BUFFERS                                                                          \
	6               /* AHEAD, one that is filled, and AHEAD free: its jobs are done at once \
			 */
#define DISK_BUFFERS 14 /* what comes while one write is under way: 0.7 MB, or 18 chunks' worth */
#define NO_PLACE     UINT32_MAX

/* Only this process reads it. */
struct spool_header {
	uint32_t size;
	uint32_t sequence_step;
	struct amount amount;
	struct export_time time;
	uint64_t file;
	unix_ms file_ms;
	bool has_templates;
};

enum chunk_state {
	CHUNK_filling, /* the last one, in its buffer */
	CHUNK_full,    /* in its buffer; waits for a place in the file */
	CHUNK_writing, /* in its buffer, which has a job */
	CHUNK_on_file,
	CHUNK_reading, /* its buffer has a job */
	CHUNK_ready,   /* in its buffer: one of the first */
	CHUNK_failed   /* empty: it could not be written or read */
};

struct spool_chunk {
	enum chunk_state state;
	uint32_t buffer;
	uint32_t place;     /* or NO_PLACE */
	uint32_t used;      /* bytes */
	uint64_t count;     /* datagrams that are left */
	uint64_t templates; /* those with templates */
	uint64_t total_bytes;
	struct amount amount;
};

struct spool_buffer {
	struct spool_chunk *chunk; /* while it has a job; NULL: that was dropped meanwhile */
	uint32_t place;            /* of the job */
	bool is_used;
};

static size_t size_of_chunks(const struct spool_config *config)
{
	const size_t two = 2 * (sizeof(struct spool_header) + config->datagram_size);
	size_t size = CHUNK_SIZE_MIN;

	while (size < CHUNK_SIZE_MAX && config->size / size > CHUNKS_MANY)
		size *= 2;
	return size < two ? two : size;
}

int spool_init(struct spool *spool, const struct spool_config *config, struct error_text *error)
{
	const size_t buffers = config->directory ? DISK_BUFFERS : MEMORY_BUFFERS;
	int result;

	*spool = (struct spool){ 0 };
	if (config->size == 0)
		return 0;
	spool->chunk_size = size_of_chunks(config);
	spool->chunks_max = (size_t)(config->size / spool->chunk_size);
	spool->chunks = calloc(spool->chunks_max, sizeof(*spool->chunks));
	spool->places = calloc(spool->chunks_max, sizeof(*spool->places));
	spool->buffers = calloc(buffers, sizeof(*spool->buffers));
	spool->buffer_count = spool->buffers_free = buffers;
	spool->place_end = (uint32_t)spool->chunks_max;
	if (!spool->chunks || !spool->places || !spool->buffers) {
		error_text_set(error, "cannot make a spool: out of memory");
		result = -ENOMEM;
	} else {
		/* One more, which has no chunk: for the job of cutting the file off. */
		result = spool_disk_open(&spool->disk, config->directory, buffers + 1,
					 spool->chunk_size, config->calls, error);
	}
	if (result)
		spool_clear(spool);
	return result;
}

void spool_clear(struct spool *spool)
{
	spool_disk_close(spool->disk);
	free(spool->chunks);
	free(spool->places);
	free(spool->buffers);
	*spool = (struct spool){ 0 };
}

static struct spool_chunk *chunk_at(const struct spool *spool, size_t index)
{
	return &spool->chunks[(spool->first + index) % spool->chunks_max];
}

static bool is_ahead(const struct spool *spool, const struct spool_chunk *chunk)
{
	for (size_t i = 0; i < AHEAD && i < spool->chunk_count; i++)
		if (chunk == chunk_at(spool, i))
			return true;
	return false;
}

static bool has_buffer(const struct spool_chunk *chunk)
{
	return chunk->state != CHUNK_on_file && chunk->state != CHUNK_failed;
}

/* How many more chunks can be begun: the last buffers are for reading, so that what waits for
 * writing never stops it. */
static size_t buffers_to_fill(const struct spool *spool)
{
	return spool->buffers_free > AHEAD ? spool->buffers_free - AHEAD : 0;
}

static uint32_t buffer_get(struct spool *spool)
{
	uint32_t buffer = 0;

	assert(spool->buffers_free > 0);
	while (spool->buffers[buffer].is_used)
		buffer++;
	spool->buffers[buffer] = (struct spool_buffer){ .is_used = true };
	spool->buffers_free--;
	return buffer;
}

static void buffer_put(struct spool *spool, uint32_t buffer)
{
	spool->buffers[buffer].is_used = false;
	spool->buffers_free++;
}

static bool has_place(const struct spool *spool)
{
	return spool->place_count || spool->place_next < spool->place_end;
}

static uint32_t place_get(struct spool *spool)
{
	return spool->place_count ? spool->places[--spool->place_count] : spool->place_next++;
}

static void place_put(struct spool *spool, uint32_t place)
{
	if (place != NO_PLACE)
		spool->places[spool->place_count++] = place;
}

static void give_job(struct spool *spool, struct spool_chunk *chunk, enum spool_disk_job job)
{
	struct spool_buffer *buffer = &spool->buffers[chunk->buffer];

	buffer->chunk = chunk;
	buffer->place = chunk->place;
	spool->jobs++;
	spool_disk_give(spool->disk, chunk->buffer, job, chunk->used,
			(uint64_t)chunk->place * spool->chunk_size);
}

static void write_chunk(struct spool *spool, struct spool_chunk *chunk)
{
	chunk->place = place_get(spool);
	chunk->state = CHUNK_writing;
	give_job(spool, chunk, SPOOL_DISK_write);
}

static void subtract(struct spool *spool, const struct spool_chunk *chunk, struct spool_loss *loss)
{
	spool->count -= chunk->count;
	spool->total_bytes -= chunk->total_bytes;
	amount_subtract(&spool->amount, &chunk->amount);
	loss->datagrams += chunk->count;
	loss->templates += chunk->templates;
	amount_add(&loss->amount, &chunk->amount);
}

/* What is in the chunk is lost, and stays in the ring as an empty one. */
static void fail(struct spool *spool, struct spool_chunk *chunk, int error)
{
	subtract(spool, chunk, &spool->failed);
	spool->failed.error = error;
	if (has_buffer(chunk))
		buffer_put(spool, chunk->buffer);
	place_put(spool, chunk->place);
	*chunk = (struct spool_chunk){ .state = CHUNK_failed, .place = NO_PLACE };
}

static bool is_without_space(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/* The chunk has no place, and there are none from that of the job on. */
static void give_place_up(struct spool *spool, struct spool_chunk *chunk)
{
	if (chunk->place < spool->place_end)
		spool->place_end = chunk->place;
	chunk->place = NO_PLACE;
	chunk->state = CHUNK_full;
	spool->unplaced++;
}

static void was_written(struct spool *spool, struct spool_chunk *chunk, int error)
{
	if (is_without_space(error)) {
		give_place_up(spool, chunk);
	} else if (is_ahead(spool, chunk)) {
		chunk->state = CHUNK_ready; /* there it is in memory, whatever the file has */
	} else if (error) {
		fail(spool, chunk, error);
	} else {
		buffer_put(spool, chunk->buffer);
		chunk->state = CHUNK_on_file;
	}
}

static void end_job(struct spool *spool, uint32_t number, int error)
{
	struct spool_buffer *buffer = &spool->buffers[number];
	struct spool_chunk *chunk = buffer->chunk;

	if (!chunk) {
		place_put(spool, buffer->place);
		buffer_put(spool, number);
	} else if (chunk->state == CHUNK_writing) {
		was_written(spool, chunk, error);
	} else if (error) {
		fail(spool, chunk, error);
	} else {
		chunk->state = CHUNK_ready;
	}
}

static void take_jobs(struct spool *spool)
{
	size_t buffer;
	int result;

	while (spool->jobs && spool_disk_take(spool->disk, &buffer, &result)) {
		spool->jobs--;
		spool->jobs_done++;
		if (buffer < spool->buffer_count)
			end_job(spool, (uint32_t)buffer, -result);
	}
}

/* Full chunks are among the last ones: each has a buffer. */
static void place_chunks(struct spool *spool)
{
	size_t i = spool->chunk_count > spool->buffer_count
			   ? spool->chunk_count - spool->buffer_count
			   : 0;

	for (; spool->unplaced && has_place(spool) && i < spool->chunk_count; i++) {
		struct spool_chunk *chunk = chunk_at(spool, i);

		if (chunk->state != CHUNK_full)
			continue;
		spool->unplaced--;
		if (is_ahead(spool, chunk))
			chunk->state = CHUNK_ready;
		else
			write_chunk(spool, chunk);
	}
}

static void read_ahead(struct spool *spool)
{
	for (size_t i = 0; i < AHEAD && i < spool->chunk_count && spool->buffers_free; i++) {
		struct spool_chunk *chunk = chunk_at(spool, i);

		if (chunk->state != CHUNK_on_file)
			continue;
		chunk->buffer = buffer_get(spool);
		chunk->state = CHUNK_reading;
		give_job(spool, chunk, SPOOL_DISK_read);
	}
}

/* Nothing waits: the file needs no space. Places that a job still has come back first. */
static void cut_off(struct spool *spool)
{
	if (spool->chunk_count || spool->jobs || !spool->place_next)
		return;
	spool->place_count = 0;
	spool->place_next = 0;
	spool->place_end = (uint32_t)spool->chunks_max;
	spool->jobs++;
	spool_disk_give(spool->disk, spool->buffer_count, SPOOL_DISK_truncate, 0, 0);
	take_jobs(spool);
}

static void go_on(struct spool *spool)
{
	take_jobs(spool);
	place_chunks(spool);
	read_ahead(spool);
	take_jobs(spool); /* in memory they are done */
}

/* A job that is under way keeps buffer and place. */
static void remove_first(struct spool *spool)
{
	struct spool_chunk *chunk = chunk_at(spool, 0);

	if (chunk->state == CHUNK_writing || chunk->state == CHUNK_reading) {
		spool->buffers[chunk->buffer].chunk = NULL;
	} else {
		spool->unplaced -= chunk->state == CHUNK_full;
		if (has_buffer(chunk))
			buffer_put(spool, chunk->buffer);
		place_put(spool, chunk->place);
	}
	spool->first = (spool->first + 1) % spool->chunks_max;
	spool->chunk_count--;
	spool->taken = 0;
	if (!spool->chunk_count)
		spool->first = 0;
}

static void remove_empty(struct spool *spool)
{
	while (spool->chunk_count && chunk_at(spool, 0)->count == 0)
		remove_first(spool);
	cut_off(spool);
}

void spool_poll(struct spool *spool, int64_t now_us)
{
	go_on(spool);
	remove_empty(spool);
	if (!spool->jobs || spool->jobs_done != spool->jobs_seen) {
		spool->jobs_seen = spool->jobs_done;
		spool->seen_us = now_us;
	}
	spool->is_hanging = spool->jobs && now_us - spool->seen_us >= SPOOL_HANG_US;
}

static struct spool_chunk *last_filling(const struct spool *spool)
{
	struct spool_chunk *chunk;

	if (!spool->chunk_count)
		return NULL;
	chunk = chunk_at(spool, spool->chunk_count - 1);
	return chunk->state == CHUNK_filling ? chunk : NULL;
}

size_t spool_room(const struct spool *spool, size_t size)
{
	const size_t one = sizeof(struct spool_header) + size;
	const struct spool_chunk *last = last_filling(spool);
	size_t chunks = spool->chunks_max - spool->chunk_count;

	if (chunks > buffers_to_fill(spool) && spool_disk_descriptor(spool->disk) >= 0)
		chunks = buffers_to_fill(spool);
	return (last ? (spool->chunk_size - last->used) / one : 0) +
	       chunks * (spool->chunk_size / one);
}

size_t spool_room_most(const struct spool *spool, size_t size)
{
	const size_t buffers = spool->buffer_count > AHEAD ? spool->buffer_count - AHEAD : 0;
	size_t chunks = spool->chunks_max;

	if (chunks > buffers && spool_disk_descriptor(spool->disk) >= 0)
		chunks = buffers;
	return chunks * (spool->chunk_size / (sizeof(struct spool_header) + size));
}

bool spool_is_full(const struct spool *spool)
{
	return spool->chunk_count == spool->chunks_max || (spool->unplaced && !has_place(spool));
}

/* The last chunk has all that fits. */
static void seal(struct spool *spool, struct spool_chunk *chunk)
{
	chunk->state = CHUNK_full;
	spool->unplaced++;
	if (!is_ahead(spool, chunk)) {
		go_on(spool);
		return;
	}
	chunk->state = CHUNK_ready;
	spool->unplaced--;
}

/* Begin another chunk. Returns 0 or a negative errno. */
static int begin_chunk(struct spool *spool)
{
	if (!buffers_to_fill(spool))
		go_on(spool);
	if (spool->chunk_count == spool->chunks_max)
		return -ENOSPC;
	if (!buffers_to_fill(spool))
		return spool_is_full(spool) ? -ENOSPC : -EAGAIN;
	spool->chunk_count++;
	*chunk_at(spool, spool->chunk_count - 1) = (struct spool_chunk){
		.state = CHUNK_filling,
		.buffer = buffer_get(spool),
		.place = NO_PLACE,
	};
	return 0;
}

static void append(struct spool *spool, struct spool_chunk *chunk,
		   const struct queued_datagram *datagram)
{
	uint8_t *bytes = spool_disk_buffer(spool->disk, chunk->buffer) + chunk->used;
	const struct spool_header header = {
		.size = datagram->size,
		.sequence_step = datagram->sequence_step,
		.amount = datagram->amount,
		.time = datagram->time,
		.file = datagram->file,
		.file_ms = datagram->file_ms,
		.has_templates = datagram->has_templates,
	};

	memcpy(bytes, &header, sizeof(header));
	memcpy(bytes + sizeof(header), datagram->bytes, datagram->size);
	chunk->used += (uint32_t)sizeof(header) + datagram->size;
	chunk->count++;
	chunk->templates += datagram->has_templates;
	chunk->total_bytes += datagram->size;
	amount_add(&chunk->amount, &datagram->amount);
	spool->count++;
	spool->total_bytes += datagram->size;
	amount_add(&spool->amount, &datagram->amount);
}

int spool_put(struct spool *spool, const struct queued_datagram *datagram)
{
	const size_t needed = sizeof(struct spool_header) + datagram->size;
	struct spool_chunk *last = last_filling(spool);
	int result;

	if (last && spool->chunk_size - last->used < needed) {
		seal(spool, last);
		last = NULL;
	}
	if (!last) {
		result = begin_chunk(spool);
		if (result)
			return result;
		last = last_filling(spool);
	}
	append(spool, last, datagram);
	return 0;
}

/* The oldest of the first chunk, which is in memory. Returns 0, or -EIO. */
static int take_from(struct spool *spool, struct spool_chunk *chunk,
		     struct queued_datagram *datagram, size_t capacity)
{
	const uint8_t *bytes = spool_disk_buffer(spool->disk, chunk->buffer) + spool->taken;
	struct spool_header header;

	memcpy(&header, bytes, sizeof(header));
	if (header.size > capacity || header.size > chunk->used - spool->taken - sizeof(header))
		return -EIO;
	memcpy(datagram->bytes, bytes + sizeof(header), header.size);
	datagram->size = header.size;
	datagram->sequence_step = header.sequence_step;
	datagram->amount = header.amount;
	datagram->time = header.time;
	datagram->file = header.file;
	datagram->file_ms = header.file_ms;
	datagram->has_templates = header.has_templates;
	datagram->is_ahead = false;
	datagram->record_from = datagram->record_to = 0;
	spool->taken += sizeof(header) + header.size;
	chunk->count--;
	chunk->templates -= header.has_templates;
	chunk->total_bytes -= header.size;
	amount_subtract(&chunk->amount, &header.amount);
	spool->count--;
	spool->total_bytes -= header.size;
	amount_subtract(&spool->amount, &header.amount);
	return 0;
}

static bool is_readable(const struct spool_chunk *chunk)
{
	return chunk->state == CHUNK_ready || chunk->state == CHUNK_filling ||
	       chunk->state == CHUNK_full;
}

int spool_take(struct spool *spool, struct queued_datagram *datagram, size_t capacity)
{
	struct spool_chunk *chunk = chunk_at(spool, 0);
	int result = -EAGAIN;

	assert(spool->count > 0);
	if (!is_readable(chunk)) {
		go_on(spool);
		remove_empty(spool);
		chunk = chunk_at(spool, 0);
	}
	if (spool->count && is_readable(chunk))
		result = take_from(spool, chunk, datagram, capacity);
	if (result == -EIO) {
		spool->unplaced -= chunk->state == CHUNK_full;
		fail(spool, chunk, EIO);
		result = -EAGAIN;
	}
	if (!chunk->count) {
		remove_empty(spool);
		read_ahead(spool);
	}
	return result;
}

void spool_drop(struct spool *spool, struct spool_loss *dropped)
{
	*dropped = (struct spool_loss){ 0 };
	assert(spool->count > 0);
	while (chunk_at(spool, 0)->count == 0)
		remove_first(spool);
	subtract(spool, chunk_at(spool, 0), dropped);
	remove_first(spool);
	remove_empty(spool);
	go_on(spool);
}

int spool_descriptor(const struct spool *spool)
{
	return spool->jobs ? spool_disk_descriptor(spool->disk) : -1;
}

void spool_forget(struct spool *spool)
{
	while (spool->chunk_count)
		remove_first(spool);
	spool->count = spool->total_bytes = 0;
	spool->amount = (struct amount){ 0 };
	cut_off(spool);
}
