/* agentctl_ruleset.h - which interfaces and which rules. Pure: text in, text out.
 *
 * Place: agentctl_rules_make.c -> here -> text for nft. */
#ifndef AGENTCTL_RULESET_H
#define AGENTCTL_RULESET_H

#include "cpu_list.h"
#include "error_text.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULESET_INTERFACES 64

struct ruleset {
	char interfaces[RULESET_INTERFACES][IF_NAMESIZE];
	size_t interface_count; /* 1 or more when formatted */
	uint16_t group;
	uint32_t snaplen;
	uint32_t sample;   /* log one packet in this many, and say so in the prefix; 0 and 1: all */
	uint32_t max_rate; /* log at most this many packets per second; 0: no limit */
	/* Borrowed; NULL: one group for all. Else packets go to as many groups as there are CPUs,
	 * 'group' being that of the first one; the last must not be beyond 65535. */
	const struct cpu_list *cpus;
};

/* Add an interface; one that is there already is not added again. The name is checked, as it will
 * stand between quotes in the rules. Returns false with 'error' filled. */
bool ruleset_add_interface(struct ruleset *ruleset, const char *name, struct error_text *error);

/* Add the interfaces of the default routes: for each family the one with the lowest metric. The
 * texts are those of /proc/net/route and /proc/net/ipv6_route, or "". */
void ruleset_add_default_routes(struct ruleset *ruleset, const char *ipv4_routes,
				const char *ipv6_routes);

/* Packets per second, before sampling, at which the fuse opens; 0: it never does. And how many may
 * come at once. */
uint64_t ruleset_rate(const struct ruleset *ruleset);
uint64_t ruleset_burst(const struct ruleset *ruleset);

/* The rules as a file for nft -f: one table, replaced as a whole. For free(); NULL if memory is
 * short. */
char *ruleset_format(const struct ruleset *ruleset);

#endif
