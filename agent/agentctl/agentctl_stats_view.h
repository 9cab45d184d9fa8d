/* agentctl_stats_view.h - what the counters of `show stats` have gained since they were last looked
 * at: kept by who looks, so that the agent's ledger stays whole for everybody else.
 *
 * Place: row of show-stats -> here -> printers of agentctl_show.h. The file of the view is
 * $XDG_STATE_HOME/flowagent/stats-SOCKET.json, or ~/.local/state/flowagent. */
#ifndef AGENTCTL_STATS_VIEW_H
#define AGENTCTL_STATS_VIEW_H

#include "error_text.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The row without what 'before', an earlier one, has counted; NULL: all. Sources and collectors are
 * known by their names. What is cached or waits, and all else that is no counter, is as it is now;
 * so are the equalities, which are of the whole ledger. Owned by the caller; NULL if memory is
 * short. */
json_t *agentctl_stats_since(json_t *row, json_t *before);

struct stats_view {
	json_t *row;      /* owned; NULL: there was no view of this agent */
	int64_t taken_ms; /* Unix time */
};

/* The last view of the agent at 'socket' that was started then (Unix time, ms). Returns 0, also if
 * there is none, or a negative errno with 'error' filled. */
int agentctl_stats_view_load(const char *socket, int64_t started_ms, struct stats_view *view,
			     struct error_text *error);
/* Put another in its place; likewise. */
int agentctl_stats_view_save(const char *socket, int64_t started_ms, const struct stats_view *view,
			     struct error_text *error);

#endif
