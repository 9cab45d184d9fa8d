/* filter_names.h - which interfaces there are now, for filter words such as in_if=eth0.
 *
 * Place: collector_setup.c hands it to flow_filter.c of lib/select. */
#ifndef FILTER_NAMES_H
#define FILTER_NAMES_H

#include "flow_filter.h"

/* By the kernel's own table. */
extern const struct flow_filter_names filter_names;

#endif
