/* agentctl_migration_nfprobe.h - the timeouts that softflowd and pmacct's nfprobe, which was made
 * of it, share: names, defaults and times. And the words of nfprobe's aggregate.
 *
 * Place: between agentctl_migrate_softflowd.c, agentctl_migrate_nfprobe.c and migration.c.
 */
#ifndef AGENTCTL_MIGRATION_NFPROBE_H
#define AGENTCTL_MIGRATION_NFPROBE_H

#include "migration.h"

enum nfprobe_timeout {
	NFPROBE_tcp,
	NFPROBE_tcp_rst,
	NFPROBE_tcp_fin,
	NFPROBE_udp,
	NFPROBE_icmp,
	NFPROBE_general,
	NFPROBE_maxlife,
	NFPROBE_expint,
	NFPROBE_TIMEOUTS,
};

/* In seconds; expint is the interval at which they look for flows that are due. */
struct nfprobe_timeouts {
	unsigned long long seconds[NFPROBE_TIMEOUTS];
	bool has_expint;
};

void nfprobe_timeouts_set_defaults(struct nfprobe_timeouts *timeouts);
/* Take "NAME=TIME"; a fault is said. 'option' is what the user wrote it with, for messages.
 * Returns whether it was understood. */
bool nfprobe_timeouts_take(struct migration *migration, struct nfprobe_timeouts *timeouts,
			   const char *option, const char *text);
void nfprobe_timeouts_write(struct migration *migration, const struct nfprobe_timeouts *timeouts);

/* Write the flow key for the words of 'aggregate', NULL: nfprobe's own; what is no part of a key is
 * said. */
void nfprobe_key_write(struct migration *migration, const char *aggregate);
/* Whether the words of 'aggregate', which may be NULL, name a primitive. */
bool nfprobe_has_primitive(const char *aggregate, const char *name);

#endif
