/* exporter_parts.h - the members of an exporter.
 *
 * Place: shared by the files exporter*.c only. */
#ifndef EXPORTER_PARTS_H
#define EXPORTER_PARTS_H

#include "collector_group.h"

#include <stdatomic.h>

/* exporter_change.c: a collector that gets no records any more, and sends what waits. */
struct exporter_leaving {
	struct collector *collector; /* owned */
	struct collector *successor; /* borrowed; NULL: it was removed */
	bool hands_sequence; /* the successor waits for the end, and continues the numbers */
	bool hands_ledger;   /* likewise with the ledger, which counts as the successor's already */
	bool hands_datagrams; /* the successor could send what waits */
	bool has_sent;        /* nothing waits any more: the next exporter_poll() ends it */
	bool is_done;         /* only exporter_bury() is left */
	int64_t begun_us;     /* monotonic */
	int64_t progress_us;  /* when something last went */
	uint64_t waiting;     /* records and datagrams, then */
};

struct exporter {
	struct collector_terms terms;
	struct collector_ledger ledger; /* without collectors */
	struct export_time time;
	bool has_time;
	int64_t begin_us;               /* nothing is sent before, 0: at once */
	bool is_held;                   /* exporter_hold() */
	bool has_polled;                /* since the last exporter_send() */
	_Atomic(const char *) serving;  /* exporter_serving() */
	struct collector_group *groups; /* owned */
	size_t group_count;
	struct collector **collectors; /* owned, with those in it */
	size_t collector_count;

	struct exporter_leaving *leaving; /* owned */
	size_t leaving_count;
	struct collector_ledger removed; /* of collectors that are no more */
};

/* exporter_change.c. Send what waits in collectors that leave. Returns when there is more to do,
 * as exporter_send() does. */
int64_t exporter_send_leaving(struct exporter *exporter, int64_t now_us);
void exporter_poll_leaving(struct exporter *exporter, int64_t now_us);
/* Whether a collector has to wait for the one before it. */
bool exporter_is_held(const struct exporter *exporter, const struct collector *collector);
/* Add what counts as the ledger of a collector, or of a group, beside its own. */
void exporter_add_predecessors(const struct exporter *exporter, const struct collector *collector,
			       struct collector_ledger *ledger);

/* exporter.c. */
void exporter_serve(struct exporter *exporter, const struct collector *collector);
void exporter_group_ledger(const struct exporter *exporter, const struct collector_group *group,
			   struct collector_ledger *ledger);

#endif
