/* filter_names.h - the names of this host's interfaces, for filter words such as in_if=eth0. */
#ifndef FILTER_NAMES_H
#define FILTER_NAMES_H

#include "flow_filter.h"

extern const struct flow_filter_names filter_names;

#endif
