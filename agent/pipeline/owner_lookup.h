/* owner_lookup.h - whose flow it is: what its packets have said, and what the kernel says of its
 * socket.
 *
 * Place: flow_record -> here -> export thread, and control thread for those that are cached: each
 * has one of its own. The kernel is asked once for a connection; what it has said is remembered for
 * a while, and holds for both directions. */
#ifndef OWNER_LOOKUP_H
#define OWNER_LOOKUP_H

#include "capture_sock_diag.h"
#include "capture_units.h"
#include "hash.h"

#include <stdbool.h>

#define OWNER_QUESTIONS 20000 /* a second, of each thread: a tenth of a processor */
#define OWNER_ANSWERS   8192  /* remembered; a power of two */
#define OWNER_ANSWER_MS                                                          \
	30000 /* so long: the direction that leaves later is the same connection \
	       */

/* The socket at this host's end. */
struct owner {
	struct packet_owner socket; /* 0: not known */
	uint32_t unit;              /* capture_units.h, 0: not known */
};

struct owner_answer; /* defined in owner_lookup.c */

/* All 0: what packets say is all that is known. */
struct owner_lookup {
	struct capture_sock_diag *diag; /* owned; NULL: the kernel is not asked */
	struct capture_units *units;    /* owned; NULL: nobody asks for units, or there are none */
	struct owner_answer *answers;   /* owned */
	struct hash_key key;
	int64_t now_ms;    /* CLOCK_MONOTONIC */
	int64_t second_ms; /* when the questions of this second began */
	uint32_t questions;
	int64_t walk_due_ms; /* when the tree of control groups may be looked at again */
	bool is_walking;     /* a walk through it is under way */
	const char *flows;   /* static; what is looked up, for the log */
	uint64_t unasked;    /* flows that came when there were too many questions */
	uint64_t failed;     /* questions that the kernel did not answer */
	uint64_t reported;   /* of both, and of units without room, in the log */
};

/* Ready for questions: of a live agent.
 *
 * flows      a constant: what they are called in the log.
 * has_units  they are asked for as well.
 * error      "", or what this host does not have, which is not known then.
 * Returns 0 or -ENOMEM. */
int owner_lookup_open(struct owner_lookup *lookup, const char *flows, bool has_units,
		      struct error_text *error);
void owner_lookup_close(struct owner_lookup *lookup);

/* Before some questions, often: the time, CLOCK_MONOTONIC. A walk through the control groups takes
 * its next step, of a millisecond; a group that is new is known when the walk has come past. */
void owner_lookup_set_time(struct owner_lookup *lookup, int64_t now_ms);
/* Microseconds from that time until a walk that is under way has its next step; -1: none is. */
int64_t owner_lookup_next_us(const struct owner_lookup *lookup);
/* How many flows the kernel can still be asked about in this second; more are counted. */
uint32_t owner_lookup_room(const struct owner_lookup *lookup);
/* Whose a flow is, whose interfaces have the kernel's numbers. */
struct owner owner_lookup_find(struct owner_lookup *lookup, const struct flow_record *flow);
/* The unit of a control group, 0 if it is not known; asks nobody about sockets. */
uint32_t owner_lookup_unit(struct owner_lookup *lookup, uint64_t cgroup);
/* Log, as one event, what could not be looked up since the last time. */
void owner_lookup_report(struct owner_lookup *lookup);

#endif
