/* log_limit.h - which messages are repeats that the log holds back: one a minute per (event,
 * object).
 *
 * Place: log.c asks it before each line that may repeat.
 *
 * What is held back is not lost: how many there were and the last of their texts are kept until
 * they are due, a minute after the last one shown or at the end of the program. So numbers in such
 * a text should be sums: the last one then stands for all.
 *
 * Pure: time comes in as an argument. Bounded: when more kinds of messages come than it remembers,
 * the one not heard of for longest is forgotten, first of those that hold nothing back. */
#ifndef LOG_LIMIT_H
#define LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_LIMIT_MS      60000
#define LOG_LIMIT_ENTRIES 128
#define LOG_LIMIT_TEXT    300

struct log_limit {
	struct log_limit_entry {
		char event[32];
		char object[96];
		int64_t shown_ms;          /* when it was last let through */
		int64_t heard_ms;          /* when it last came */
		uint64_t held;             /* held back since it was let through */
		int level;                 /* of the last one held back */
		const void *row;           /* of the caller, of that; borrowed */
		char text[LOG_LIMIT_TEXT]; /* of that */
		bool is_used;
	} entries[LOG_LIMIT_ENTRIES];
};

/* Whether a message may be shown at 'now_ms' (monotonic milliseconds). If so, '*held' is how many
 * like it were held back since the last one. Texts longer than an entry's are compared cut. All
 * zeros is an empty limit. */
bool log_limit_pass(struct log_limit *limit, const char *event, const char *object, int64_t now_ms,
		    uint64_t *held);

/* Keep the text of the message that log_limit_pass() has just held back, and what its caller knows
 * it by. */
void log_limit_keep(struct log_limit *limit, const char *event, const char *object, int level,
		    const void *row, const char *text);

/* The kind of message that was heard of first among those whose last text is due: a minute after
 * the last one shown, or 'all'. It counts as shown now; '*held' is how many were held back, the one
 * in 'text' included. Returns NULL when there is none; else valid until the next call. */
const struct log_limit_entry *log_limit_due(struct log_limit *limit, int64_t now_ms, bool all,
					    uint64_t *held);

#endif
