/* problems.h - what is wrong now, and what was wrong last.
 *
 * Place: log.c -> here -> `agentctl show status`.
 *
 * A problem that lasts has a kind and an object, such as "down" of a collector, and is there until
 * it is over. Any other one is over at once. Pure: time comes in as an argument. Bounded: when more
 * problems last than it remembers, the oldest is forgotten. */
#ifndef PROBLEMS_H
#define PROBLEMS_H

#include <stddef.h>
#include <stdint.h>

#define PROBLEMS_MAX      32
#define PROBLEM_TEXT_SIZE 400

struct problem {
	char kind[16];
	char object[96];
	char text[PROBLEM_TEXT_SIZE]; /* "" is none */
	int64_t since_ms;             /* unix */
	int64_t over_ms;              /* of the last one: when it ended */
};

/* All zeros is no problem. */
struct problems {
	struct problem lasting[PROBLEMS_MAX]; /* from the oldest to the newest */
	size_t count;
	struct problem last; /* that is over */
};

/* Something went wrong, and that was it. */
void problems_happened(struct problems *problems, const char *text, int64_t now_ms);

/* Something is wrong from now on. If it is wrong already, it takes the text and keeps its time.
 * Names longer than a problem's are compared cut. */
void problems_began(struct problems *problems, const char *kind, const char *object,
		    const char *text, int64_t now_ms);

/* That is over; nothing happens if it was not there. */
void problems_ended(struct problems *problems, const char *kind, const char *object,
		    int64_t now_ms);

#endif
