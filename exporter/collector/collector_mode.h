/* collector_mode.h - how collectors share the records: the modes and their names.
 *
 * Place: beside collector and collector_group, which both know it. */
#ifndef COLLECTOR_MODE_H
#define COLLECTOR_MODE_H

#include <stdint.h>

/* How a collector shares the records with others. */
enum collector_mode {
	COLLECTOR_mirror,      /* not at all: it gets all */
	COLLECTOR_balance,     /* by a hash of the flow: a flow always goes to the same one */
	COLLECTOR_round_robin, /* one after the other */
	COLLECTOR_failover,    /* all to the first that is up */
	COLLECTOR_MODE_COUNT
};

/* Name as configured: "round-robin"; static storage. */
const char *collector_mode_name(enum collector_mode mode);
/* Returns 0 or -EINVAL. */
int collector_mode_find(const char *name, enum collector_mode *mode);

struct collector_role {
	enum collector_mode mode;
	const char *group; /* with whom; NULL: all of that mode that name none either */
	uint32_t priority; /* for failover, lower first; 0: none, after those that have one */
};

#endif
