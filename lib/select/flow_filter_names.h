/* flow_filter_names.h - where a flow filter asks for the names of interfaces and units.
 *
 * Place: filter_names.c of the agent -> here -> flow_filter_value.c. */
#ifndef FLOW_FILTER_NAMES_H
#define FLOW_FILTER_NAMES_H

#include "flow.h"

#include <stdbool.h>
#include <stdint.h>

/* What a filter may ask beside the record itself. */
struct flow_filter_names {
	/* Number of the interface of a name, 0 if there is none; may be NULL. Asked once. */
	uint32_t (*interface_index)(const void *context, const char *name);
	/* Whether a number is that of an interface of this name; if not NULL, it is asked for each
	 * flow instead, so that interfaces may come and go, and any name will do for the parser. */
	bool (*interface_is)(const void *context, uint32_t number, const char *name);
	/* Whether a flow is of this unit; NULL: filters cannot ask for units. */
	bool (*unit_is)(const void *context, const struct flow_record *flow, const char *name);
	const void *context; /* borrowed for as long as the filter lives */
};

#endif
