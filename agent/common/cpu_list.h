/* cpu_list.h - which CPUs are online. Shared by the agent, which binds threads to them, and
 * agentctl, which writes rules for them.
 *
 * Place: /sys -> here -> config_source.c and agentctl_ruleset.c. */
#ifndef CPU_LIST_H
#define CPU_LIST_H

#include <stddef.h>
#include <stdint.h>

#define CPU_LIST_MAX 1024 /* CPU_SETSIZE of the C library */

struct cpu_list {
	uint16_t numbers[CPU_LIST_MAX]; /* ascending */
	size_t count;                   /* 1 or more */
};

/* Parse "0-3,5", as /sys/devices/system/cpu/online has it. Returns 0, or -EINVAL for anything
 * else. */
int cpu_list_parse(const char *text, struct cpu_list *list);

/* The CPUs that are online now; CPU 0 alone if the system does not say. */
void cpu_list_online(struct cpu_list *list);

#endif
