/* capture_source.h - a packet source that may be away: it is waited for, and opened again when it
 * comes back.
 *
 * Place: kernel or file -> capture_<name>.c -> here -> worker. Owned by one worker thread. Away are
 * an interface that does not exist, is down or has gone (ppp0, wg0, a container's veth), and a log
 * group that another program reads. What makes no sense to wait for, such as missing rights, is an
 * error at the start; once a source has been read, every failure is waited out. With wait=off all
 * are errors, and a source that fails later has failed for good. Files are never waited for.
 *
 * While it is away read() returns 0 and tries to open it again: once a second, and for an interface
 * as soon as the kernel reports a change. Counters add up over all openings. */
#ifndef CAPTURE_SOURCE_H
#define CAPTURE_SOURCE_H

#include "capture.h"

#include <stdatomic.h>

struct capture_source {
	const struct source_config *config; /* borrowed */
	const struct capture_type *type;
	struct capture *capture; /* owned; NULL while it is away */
	bool is_noted;           /* its position is: capture_source_use_memory() */
	void *memory;            /* borrowed: where messages are read into; NULL: anywhere */
	bool has_begun_away;     /* was not there when it was opened first */
	bool is_stopped;
	bool is_held;                        /* stopped, and to be continued by the next agent */
	bool is_continued;                   /* what an earlier agent has left, or still has */
	int watch;                           /* capture_watch.h, while it is away; else negative */
	int64_t retry_ms;                    /* CLOCK_MONOTONIC: when to try again at the latest */
	struct capture_statistics before;    /* of all earlier openings */
	struct capture_counts counted, more; /* of the agent before: struct capture_kept */
	bool has_left;                       /* what that has left could not be continued */
	struct capture_statistics left; /* with that: its numbers, of 'before' is what is lost */
	atomic_uint changes;            /* how often it was opened and closed later */
	struct error_text reason;       /* why it is away; "" if it is not */
	/* The capture is to be closed, as it has gone: what it counts itself must be taken. NULL:
	 * nobody asks. */
	void (*leaving)(void *context);
	void *leaving_context;
};

/* Open it, or find that it must be waited for. 'config' is borrowed for life. 'kept' is what an
 * earlier agent has left of it, NULL if nothing: it is continued, or opened anew where that does
 * not go, which the log says. Packets that wait where they cannot be read any more are lost then.
 * Its descriptor is taken in any case; it may be negative. Returns 0, or a negative errno with
 * 'error' filled. */
int capture_source_open(struct capture_source *source, const struct source_config *config,
			const struct capture_kept *kept, struct error_text *error);
/* Also of one that is all zeros, or whose opening failed. */
void capture_source_close(struct capture_source *source);

static inline bool capture_source_is_away(const struct capture_source *source)
{
	return !source->capture;
}

/* As those of struct capture_type. */
int capture_source_read(struct capture_source *source, struct packet_view *views, size_t capacity,
			struct error_text *error);
int capture_source_descriptor(const struct capture_source *source);
/* Whether an orderly end begins now: then read() until it returns a negative value. */
bool capture_source_stop(struct capture_source *source);
/* The same for an end after which the next agent continues with it, as far as the source can. */
bool capture_source_hold(struct capture_source *source);
/* For a while nothing is taken from the kernel, or it is again. Returns whether read() says when it
 * has given what was taken before, by -ENODATA; else it may be left alone. */
bool capture_source_rest(struct capture_source *source, bool is_held);
/* No agent runs any more that was before this one: before the first read(). */
void capture_source_begin(struct capture_source *source);
/* Before that: counters go on from those of the agent before, which had 'packets_lost'. */
void capture_source_continue(struct capture_source *source, uint64_t packets_lost);
/* Likewise, if it could not be continued: 'count' of the packets that wait there had been read. */
void capture_source_had_read(struct capture_source *source, uint64_t count);
/* In the place of that: close() leaves what was continued to the one who has it, too. */
void capture_source_leave(struct capture_source *source);
/* The descriptor that stands for the source, which is open and can be continued, when it is kept or
 * given to another process; borrowed. */
int capture_source_stored(const struct capture_source *source);
/* Packets that it had counted are lost: no flow could take them. */
void capture_source_lose(struct capture_source *source, uint64_t count);
/* What to leave to that agent, after the end. Returns false if there is nothing but numbers. The
 * descriptor is borrowed. */
bool capture_source_keep(struct capture_source *source, struct capture_kept *kept);
/* After the opening, of a type that can: its position is noted from now on, and it reads into
 * 'memory', of type->memory_size bytes; or not any more. Then where the next read begins, and to
 * begin there in what was left; returns whether that is there. */
void capture_source_use_memory(struct capture_source *source, bool is_noted, void *memory);
void capture_source_position(const struct capture_source *source,
			     struct capture_position *position);
bool capture_source_resume(struct capture_source *source, const struct capture_position *position);
/* What the source counts. After capture_source_refresh(), between two turns, it is as of now. */
void capture_source_refresh(const struct capture_source *source);
void capture_source_statistics(struct capture_source *source,
			       struct capture_statistics *statistics);

#endif
