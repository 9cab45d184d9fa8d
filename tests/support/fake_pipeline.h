/* fake_pipeline.h - agent/pipeline/pipeline.h without threads: flows and numbers are what a test
 * puts in.
 *
 * A test includes fake_pipeline.c; the linker then leaves the real pipeline out. */
#ifndef FAKE_PIPELINE_H
#define FAKE_PIPELINE_H

#include "pipeline.h"

struct pipeline {
	int fault; /* what the questions return, 0: they are answered */
	int units_fault;
	uint32_t flow_count;
	uint32_t flow_calls; /* pieces asked for */
	unsigned int columns;
	uint32_t owner_waits; /* how often the kernel cannot be asked about owners */
	uint32_t walk_steps;  /* that a walk through the control groups still takes */
	uint32_t templates_sent;
	size_t ended;                    /* flows that pipeline_end_flows() was given */
	enum flow_end_reason end_reason; /* and why */
	uint32_t reloads;
	uint32_t rests;
	bool has_ended;
	uint64_t flushed;
	struct pipeline_drop drops[DROP_REASON_COUNT];
	const struct asn_table *asn_table;
	struct record_watch *watch;        /* as it was given */
	struct interface_list interfaces;  /* likewise */
	struct pipeline_snapshot snapshot; /* its arrays are borrowed from the test */
};

/* Flow number 'index' of a fake pipeline: 10.x.y.z:index -> 192.0.2.1:443, TCP, 1000 + index bytes.
 */
struct flow_record fake_pipeline_flow(uint32_t index);

#endif
