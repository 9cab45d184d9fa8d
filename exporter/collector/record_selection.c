/* record_selection.c - filter and sample of one collector.
 *
 * Sampling is by a hash of the flow (RFC 7014 section 5: flow selection by properties), not by
 * counting: so all records of a long flow are there, or none. */
#include "record_selection.h"

#include "connection_hash.h"

#include <errno.h>

int record_selection_init(struct record_selection *selection, const char *words,
			  const struct flow_filter_names *names, uint32_t sampling,
			  struct hash_key secret, struct error_text *error)
{
	*selection = (struct record_selection){ .sampling = sampling > 1 ? sampling : 0,
						.secret = secret };
	if (!words || !*words)
		return 0;
	selection->filter = flow_filter_parse_text(words, names, error);
	if (!selection->filter)
		return -EINVAL;
	if (!(flow_filter_needs(selection->filter) & FLOW_FILTER_needs_now))
		return 0;
	error_text_set(error, "filter: age and idle say nothing of a record, which is of a flow "
			      "that has ended; expected duration");
	record_selection_clear(selection);
	return -EINVAL;
}

void record_selection_clear(struct record_selection *selection)
{
	flow_filter_destroy(selection->filter);
	selection->filter = NULL;
}

enum collector_exclusion record_selection_look(const struct record_selection *selection,
					       const struct export_record *record)
{
	const struct flow_record *flow = &record->flow;

	if (selection->filter &&
	    !flow_filter_matches(selection->filter, flow, record->source.as_number,
				 record->destination.as_number, flow->last_ms))
		return EXCLUDED_FILTER;
	if (selection->sampling && connection_hash_sample(selection->secret, &flow->key) >
					   UINT32_MAX / selection->sampling)
		return EXCLUDED_SAMPLING;
	return COLLECTOR_EXCLUSION_COUNT;
}
