/* config_memory.c - adds up what cache and spools may take, against the limit of the control group.
 */
#include "config_memory.h"

#include "log.h"
#include "memory_limit.h"

#include <inttypes.h>

/* A flow with its places in the index, and the rest of the agent. */
#define MEMORY_OF_FLOW 128u
#define MEMORY_BASE    (16u << 20)

void config_memory_warn(const struct config *config)
{
	const uint64_t limit = memory_limit_read("/proc/self/cgroup", "/sys/fs/cgroup");
	uint64_t need = MEMORY_BASE + (uint64_t)config->max_flows * MEMORY_OF_FLOW;

	for (size_t i = 0; i < config->collector_count; i++)
		if (!config->collectors[i].spool_directory && config->collectors[i].spool_size > 0)
			need += (uint64_t)config->collectors[i].spool_size;
	if (need > limit)
		log_warning("max-flows and spools may take %" PRIu64
			    " MiB, but the control group of the agent has a limit of %" PRIu64
			    " MiB, beyond which the kernel kills it: choose a smaller max-flows or "
			    "spool, a spool-directory, or a larger MemoryMax=",
			    need >> 20, limit >> 20);
}
