/* filter_names.c - interface names by the kernel's own table. */
#include "filter_names.h"

#include <net/if.h>

static uint32_t interface_index(const void *context, const char *name)
{
	(void)context;
	return if_nametoindex(name);
}

const struct flow_filter_names filter_names = { .interface_index = interface_index };
