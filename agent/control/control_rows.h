/* control_rows.h - rows about the agent itself: status, ledger, sources, collectors, templates,
 * configuration.
 *
 * Place: pipeline_snapshot -> rows. Each function appends its rows and returns 0, or -ENOMEM. */
#ifndef CONTROL_ROWS_H
#define CONTROL_ROWS_H

#include "control_protocol.h"
#include "pipeline.h"

struct control_context;

/* One row: version, pid, uptime, sources[], cache{}, collectors[], asn_table{} or null, last
 * problem. */
int control_write_status(const struct control_context *context,
			 const struct pipeline_snapshot *snapshot, struct control_output *output);
/* One row: summary_json(), "asn_table" as in the status, and "equalities", those of ledger.h, each
 * with its two sides and "holds". */
int control_write_stats(const struct control_context *context,
			const struct pipeline_snapshot *snapshot, struct control_output *output);
/* One row per source, per collector. */
int control_write_sources(const struct control_context *context,
			  const struct pipeline_snapshot *snapshot, struct control_output *output);
int control_write_collectors(const struct control_context *context,
			     const struct pipeline_snapshot *snapshot,
			     struct control_output *output);
/* One row per reason to ignore packets, also those that never came up: count, text, last example.
 */
int control_write_drops(const struct pipeline_drop drops[static DROP_REASON_COUNT],
			struct control_output *output);
/* One row per field of each data template; for an export version without templates one row whose
 * field is "none". */
int control_write_templates(const struct control_context *context, struct control_output *output);
/* One row per option: value, default or not, where it comes from. */
int control_write_config(const struct control_context *context, struct control_output *output);

#endif
