/* log_limit.h - which messages are repeats that the log holds back: one a minute per (event,
 * object).
 *
 * Pure: time comes in as an argument. Bounded: when more kinds of messages come than it remembers,
 * the one not heard of for longest is forgotten. */
#ifndef LOG_LIMIT_H
#define LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define LOG_LIMIT_MS      60000
#define LOG_LIMIT_ENTRIES 128

struct log_limit {
	struct log_limit_entry {
		char event[32];
		char object[96];
		int64_t shown_ms; /* when it was last let through */
		int64_t heard_ms; /* when it last came */
		uint64_t held;    /* held back since it was let through */
		bool is_used;
	} entries[LOG_LIMIT_ENTRIES];
};

/* Whether a message may be shown at 'now_ms' (monotonic milliseconds). If so, '*held' is how many
 * like it were held back since the last one. Texts longer than an entry's are compared cut. All
 * zeros is an empty limit. */
bool log_limit_pass(struct log_limit *limit, const char *event, const char *object, int64_t now_ms,
		    uint64_t *held);

#endif
