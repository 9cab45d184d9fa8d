/* filter_names.h - the numbers of this host's interfaces, for filter words such as in_if=eth0. */
#ifndef FILTER_NAMES_H
#define FILTER_NAMES_H

#include "flow_filter.h"
#include "interface_rules.h"

/* By the kernel's own table and the rules of if-map, which are borrowed for as long as the result
 * is used. */
struct flow_filter_names filter_names(const struct interface_rules *rules);

#endif
