/* collector_mode.c - the names of the modes. */
#include "collector_mode.h"

#include <errno.h>
#include <string.h>

static const char *const mode_names[COLLECTOR_MODE_COUNT] = {
	[COLLECTOR_mirror] = "mirror",
	[COLLECTOR_balance] = "balance",
	[COLLECTOR_round_robin] = "round-robin",
	[COLLECTOR_failover] = "failover",
};

const char *collector_mode_name(enum collector_mode mode)
{
	return mode < COLLECTOR_MODE_COUNT ? mode_names[mode] : "unknown";
}

int collector_mode_find(const char *name, enum collector_mode *mode)
{
	for (int i = 0; i < COLLECTOR_MODE_COUNT; i++) {
		if (strcmp(name, mode_names[i]) != 0)
			continue;
		*mode = (enum collector_mode)i;
		return 0;
	}
	return -EINVAL;
}
