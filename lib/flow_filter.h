/* flow_filter.h - the filter words of `agentctl show flows`, and of a collector's filter.
 *
 * Words are ANDed, a comma means OR: src= dst= host= net= sport= dport= port= proto= as= iface=
 * dir=in|out v=4|6 tos= vlan= bytes>1M packets>=10 duration<30s and so on with > >= < <= = . */
#ifndef FLOW_FILTER_H
#define FLOW_FILTER_H

#include "error_text.h"
#include "flow.h"

#include <stdbool.h>

struct flow_filter; /* opaque: defined in flow_filter.c */

/* What a filter may ask beside the record itself. */
struct flow_filter_names {
	/* Interface index of a name, 0 if there is none; may be NULL. */
	uint32_t (*interface_index)(const char *name);
};

/* Parse 'count' words. Returns a filter owned by the caller, or NULL with 'error' filled. No words
 * match everything. */
struct flow_filter *flow_filter_parse(const char *const *words, size_t count,
				      const struct flow_filter_names *names,
				      struct error_text *error);
void flow_filter_destroy(struct flow_filter *filter);

/* source_as and destination_as are 0 where no table is loaded. 'now_ms' is for age. */
bool flow_filter_matches(const struct flow_filter *filter, const struct flow_record *flow,
			 uint32_t source_as, uint32_t destination_as, unix_ms now_ms);

#endif
