/* worker_sink.c - an entry of the ring for each record. */
#include "worker_sink.h"

static struct flow_record *place_record(void *context)
{
	struct ring_entry *entry = record_ring_push(context);

	entry->kind = RING_RECORD;
	return &entry->record.flow;
}

struct flow_sink worker_sink(struct worker *worker)
{
	return (struct flow_sink){ place_record, worker->ring };
}
