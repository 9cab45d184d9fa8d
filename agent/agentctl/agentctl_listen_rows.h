/* agentctl_listen_rows.h - what `listen` prints: rows of flows, options data, findings, and what
 * came from each exporter.
 *
 * Place: records and findings of agent/listen -> here -> agentctl_table.c. */
#ifndef AGENTCTL_LISTEN_ROWS_H
#define AGENTCTL_LISTEN_ROWS_H

#include "agentctl_table.h"
#include "listener.h"

struct agentctl_listen_view {
	const struct agentctl_options *options;
	struct agentctl_table *table; /* owned by the caller */
	unix_ms now;                  /* when the message came */
	uint64_t flows;               /* printed */
	uint64_t wanted;              /* flows to print at most; 0: all */
	int failure;                  /* -EPIPE, -ENOMEM; 0: none */
};

/* The sink: 'context' is the view. */
void agentctl_listen_record(void *context, const struct listen_stream *stream,
			    const struct listen_header *header, const struct listen_record *record,
			    uint32_t sampling);
void agentctl_listen_finding(void *context, const struct listen_stream *stream,
			     enum listen_finding finding, const char *text);

/* One line for each exporter: JSON on standard output, text on standard error. */
void agentctl_listen_summary(struct agentctl_listen_view *view, const struct listener *listener);

/* A record as a new object; NULL if memory is short. */
json_t *agentctl_listen_row(const struct listen_stream *stream, const struct listen_header *header,
			    const struct listen_record *record, uint32_t sampling, unix_ms now);

#endif
