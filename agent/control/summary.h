/* summary.h - the ledger as JSON: what --summary writes at exit; `agentctl show stats` sends the
 * same object.
 *
 * Its members are the rows of lib/record/counters.def, objects with a count for each reason, and
 * packets_exported and bytes_exported, which are packets_sent and bytes_sent; then sources[] and
 * collectors[]. Members never go away. The numbers of sent, waiting, lost and excluded are those of
 * exporter_ledger(); each collector has its own. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include "error_text.h"
#include "pipeline.h"

#include <jansson.h>
#include <stdio.h>

/* New object, owned by the caller; NULL if memory is short. */
json_t *summary_json(const struct pipeline_snapshot *snapshot);

/* One element of sources[] and of collectors[]: what does not depend on a clock. New object or
 * NULL. */
json_t *summary_source_json(const struct source_status *source);
json_t *summary_collector_json(const struct collector_status *collector);

/* Open a file for the summary, "-" for standard output: before privileges are dropped, as the file
 * may be where only root may write. In a place of the agent's user (place.h) it is made as that one.
 * Returns NULL with 'error' filled. */
FILE *summary_open(const char *path, const char *user, struct error_text *error);

/* Write the summary as one line to 'file' and close it (taken). 'path' is its name for 'error'.
 * Returns 0 or a negative errno with 'error' filled. */
int summary_write(FILE *file, const char *path, const struct pipeline_snapshot *snapshot,
		  struct error_text *error);

#endif
