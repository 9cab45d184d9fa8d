/* agentctl_metrics.h - `metrics`: the counters of the agent as Prometheus and OpenMetrics read
 * them.
 *
 * Place: a row in agentctl_commands.c; show-status -> agentctl_metrics_table.c -> standard output.
 */
#ifndef AGENTCTL_METRICS_H
#define AGENTCTL_METRICS_H

#include "agentctl.h"

#include <jansson.h>
#include <stdio.h>

enum agentctl_metrics_format {
	METRICS_TEXT,        /* Prometheus text format 0.0.4; node_exporter reads it, too */
	METRICS_OPENMETRICS, /* OpenMetrics 1.0.0 */
};

/* With --http the request of a scraper is read from standard input, and the answer has a header. */
enum agentctl_exit agentctl_metrics(const struct agentctl_command *command,
				    const struct agentctl_options *options);

/* Write all metrics of a row of show-status. */
void agentctl_metrics_write(FILE *out, const json_t *status, enum agentctl_metrics_format format);

/* Names of counters.def and capture_counters.def that are shown under a name of their own, or are
 * not shown because another metric says the same: for the test that none is forgotten. */
bool agentctl_metrics_has(const char *counter);

#endif
