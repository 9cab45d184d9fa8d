/* control_flows.h - `show-flows`: rows of the flow cache: filtered, in order, added up; piece by
 * piece.
 *
 * Place: a row in control_commands.c; worker -> flow_record -> here -> client.
 *
 * The three functions of its row in control_commands.c. Members of the request beside "filter":
 *
 *   "members":[NAME,...]   rows have these members only
 *   "sort":"NAME:desc"     with "top": the first N rows in this order (:asc or :desc; by itself
 *   "top":N                numbers from the largest, names and addresses from the smallest)
 *   "by":"KEY,..."         flows, packets and bytes per key, as flow_sums.h says; rows of one key
 *                          may come more than once when there are more than FLOW_SUMS_MAX keys: add
 *                          them. "sort" and "top" hold when there are fewer.
 *
 * "top" above FLOW_TOP_MAX, and "sort" without "top", leave the order to the client. */
#ifndef CONTROL_FLOWS_H
#define CONTROL_FLOWS_H

#include "control_job.h"
#include "flow_filter.h"

#define CONTROL_FLOWS_PIECE 512 /* records asked of the workers at once: about 200 KiB of rows */

int control_flows_begin(struct control_job *job, const struct control_request *request,
			struct error_text *error);
int control_flows_step(struct control_job *job, struct control_output *output,
		       struct error_text *error);
void control_flows_clear(struct control_job *job);

/* `flush` with a filter, and `drop`: the flows that match leave the cache now, for
 * FLOW_END_forcedEnd to be exported, or for FLOW_END_dropped. Instead of control_flows_begin() and
 * control_flows_step(); the row {"flushed":N} or {"dropped":N} comes at the end. */
int control_flows_end_begin(struct control_job *job, const struct control_request *request,
			    enum flow_end_reason reason, struct error_text *error);
int control_flows_end_step(struct control_job *job, struct control_output *output,
			   struct error_text *error);

/* Whether flows have what a filter looks at; 'kept' is flow_members_of() their columns. Returns 0,
 * or -EIO with 'error' filled: it would match nothing, or all. */
int control_flows_check_filter(const struct flow_filter *filter, uint64_t kept,
			       struct error_text *error);

#endif
