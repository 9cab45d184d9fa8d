/* memory_limit.h - how much memory the kernel lets this process have: the limit of its control
 * group (cgroup v2: MemoryMax= of a service, --memory of a container).
 *
 * Place: config_life.c and flowagent.c compare max-flows with it at the start.
 *
 * Beyond it the kernel kills without a word, so a configuration that may need more is reported at
 * the start. */
#ifndef MEMORY_LIMIT_H
#define MEMORY_LIMIT_H

#include <stdint.h>

#define MEMORY_LIMIT_NONE UINT64_MAX

/* The least memory.max from the group of the process up to the root of the tree. 'membership' is
 * "/proc/self/cgroup", 'tree' "/sys/fs/cgroup"; tests have their own. MEMORY_LIMIT_NONE if there is
 * none, or nothing can be read. */
uint64_t memory_limit_read(const char *membership, const char *tree);

/* The memory of the machine in bytes; 0 if the kernel does not say. */
uint64_t memory_limit_machine(void);

/* How many flows a cache may have that is no burden: 128 bytes each in 1/32 of the machine's
 * memory, and in a quarter of the limit. 16384 to 1048576, in steps of 1024. */
uint32_t memory_limit_flows(uint64_t machine_bytes, uint64_t limit_bytes);

#endif
