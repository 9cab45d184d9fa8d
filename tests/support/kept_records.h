/* kept_records.h - a sink for a flow cache that keeps what it is given. */
#ifndef KEPT_RECORDS_H
#define KEPT_RECORDS_H

#include "check.h"
#include "flow_cache.h"

#define KEPT_RECORDS_MAX 20000

static struct {
	struct flow_record records[KEPT_RECORDS_MAX];
	size_t count, room; /* more than 'room' is an error of the cache */
} kept;

static inline void kept_records_reset(void)
{
	kept.count = 0;
	kept.room = KEPT_RECORDS_MAX;
}

static inline struct flow_record *kept_records_next(void *context)
{
	(void)context;
	CHECK(kept.count < kept.room);
	return &kept.records[kept.count++];
}

static const struct flow_sink sink = { kept_records_next, NULL };

#endif
