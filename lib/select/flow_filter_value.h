/* flow_filter_value.h - one value of a filter word -> a number.
 *
 * Internal to flow_filter.c. Knows units, names and limits of values, not words or flows. */
#ifndef FLOW_FILTER_VALUE_H
#define FLOW_FILTER_VALUE_H

#include <stdbool.h>
#include <stdint.h>

struct flow_filter_names;

/* How a value is written. */
enum flow_filter_value {
	VALUE_prefix, /* is no number: address.h */
	VALUE_number,
	VALUE_port,       /* or the name of a service */
	VALUE_amount,     /* with k M G T */
	VALUE_time,       /* milliseconds */
	VALUE_short_time, /* microseconds */
	VALUE_as,
	VALUE_unit, /* likewise: its name */
	VALUE_interface,
	VALUE_protocol,
	VALUE_side,
	VALUE_version,
	VALUE_flags,
};

/* Parse a whole text. 'names' may be NULL: then interfaces have none. Returns 0, or -EINVAL if it
 * is of no such kind or above 'maximum'. */
int flow_filter_value_parse(enum flow_filter_value kind, const char *text,
			    const struct flow_filter_names *names, uint64_t maximum,
			    uint64_t *number);

/* Whether less and more mean anything, and so a range. */
bool flow_filter_value_is_ordered(enum flow_filter_value kind);

/* What such a value looks like, for people. Static; NULL where it is a plain number. */
const char *flow_filter_value_expected(enum flow_filter_value kind);

#endif
