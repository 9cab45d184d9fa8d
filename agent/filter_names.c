/* filter_names.c - interface names by the kernel's own table. */
#include "filter_names.h"

#include <net/if.h>

static uint32_t interface_number(const void *context, const char *name)
{
	return interface_rules_number(context, name, if_nametoindex(name));
}

struct flow_filter_names filter_names(const struct interface_rules *rules)
{
	return (struct flow_filter_names){ .interface_index = interface_number, .context = rules };
}
