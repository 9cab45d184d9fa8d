/* exporter_change.h - other collectors for an exporter that runs.
 *
 * Place: export thread, between two batches. Either all changes or nothing does. A collector that
 * stays keeps its socket, queue, numbers and ledger; one that goes sends what waits in it, at most
 * EXPORTER_LEAVING_US, and what it cannot send is counted as lost. */
#ifndef EXPORTER_CHANGE_H
#define EXPORTER_CHANGE_H

#include "exporter.h"

/* For how long a collector that was removed or replaced may go on sending; and how long without
 * anything sent, or known to be down, before what is left is given up. */
#define EXPORTER_LEAVING_US          30000000
#define EXPORTER_LEAVING_PATIENCE_US 2000000

enum exporter_action {
	EXPORTER_ADD,
	EXPORTER_KEEP,   /* it continues, with another rate, filter, sampling, priority or fields */
	EXPORTER_REPLACE /* a new one takes its place */
};

/* A collector of the new set. */
struct exporter_plan {
	struct collector_config config;
	enum exporter_action action;
	size_t before;       /* unless EXPORTER_ADD: its number now */
	bool hands_sequence; /* EXPORTER_REPLACE: the other end takes both for one */
	bool hands_ledger;   /* EXPORTER_REPLACE: it is in the same group */
};

struct exporter_change {
	const struct exporter_plan *plans; /* in their new order; who is in none is removed */
	size_t count;
	uint32_t template_refresh_ms;
	uint32_t template_refresh_datagrams;
	struct template_choice choice;
	/* Another table that records point to, borrowed for life; NULL: none. */
	bool has_other_applications;
	const struct application_table *applications;
	int64_t now_us;
};

/* Returns 0, or a negative errno with 'error' filled: -EBUSY while a collector that was replaced
 * still sends. */
int exporter_change(struct exporter *exporter, const struct exporter_change *change,
		    struct error_text *error);

/* Whether a collector can be EXPORTER_KEEP with other templates. */
bool exporter_can_keep(const struct exporter *exporter, size_t collector);

/* Whether a collector that was replaced, or any, still sends. */
bool exporter_is_replacing(const struct exporter *exporter);
bool exporter_is_leaving(const struct exporter *exporter);
/* Free those of which nothing waits any more; 'before' that, exporter_serving() may have named one.
 * Call it while nobody uses that. */
void exporter_bury(struct exporter *exporter);

/* The ledgers of collectors that were removed, together. */
void exporter_removed(const struct exporter *exporter, struct collector_ledger *ledger);

#endif
