/* record_selection.h - which records a collector is to have, if not all: those that its filter
 * matches, and of these those of a sample of flows.
 *
 * Place: inside the collector, before the encoder. Pure. */
#ifndef RECORD_SELECTION_H
#define RECORD_SELECTION_H

#include "export_record.h"
#include "flow_filter.h"
#include "hash.h"
#include "ledger.h"

struct record_selection {
	struct flow_filter *filter; /* owned; NULL: any record */
	uint32_t sampling;          /* 1 in this many flows; 0: all */
	struct hash_key secret;     /* of the sample */
};

/* 'words' are those of flow_filter.h, NULL or "" for none; 'names' may be NULL. Age and idle time
 * are refused: they say something of a flow that still is. Returns 0 or a negative errno with
 * 'error' filled; then there is nothing to clear. */
int record_selection_init(struct record_selection *selection, const char *words,
			  const struct flow_filter_names *names, uint32_t sampling,
			  struct hash_key secret, struct error_text *error);
void record_selection_clear(struct record_selection *selection);

static inline bool record_selection_is_all(const struct record_selection *selection)
{
	return !selection->filter && !selection->sampling;
}

/* Why a record is left out; COLLECTOR_EXCLUSION_COUNT if it is not. Both directions of a connection
 * are in the same sample, and a sample of 1 in N is the same for all collectors with that N and the
 * same secret. */
enum collector_exclusion record_selection_look(const struct record_selection *selection,
					       const struct export_record *record);

#endif
