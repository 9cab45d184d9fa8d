/* agentctl_migrate.h - `agentctl migrate PEER`: what another probe was asked to do, as flowagent is
 * asked for it.
 *
 * Place: a row in agentctl_commands.c; words or a file -> the probe's module -> flowagent.conf. */
#ifndef AGENTCTL_MIGRATE_H
#define AGENTCTL_MIGRATE_H

#include "agentctl.h"
#include "migration.h"

/* Print the configuration on standard output, and what cannot be carried over also on standard
 * error. Nothing is changed on this host. */
enum agentctl_exit agentctl_migrate(const struct agentctl_command *command,
				    const struct agentctl_options *options);

/* Name of the probe 'index' of the table, for completion; NULL after the last one. */
const char *agentctl_migrate_peer(size_t index);

/* The probes, beside those of migration_fprobe.h. 'words' is the command line of the probe without
 * its name; 'text' a file of its, or NULL, and is changed. */
void migrate_softflowd(struct migration *migration, const char *const *words, size_t count,
		       char *text);
void migrate_nfprobe(struct migration *migration, const char *const *words, size_t count,
		     char *text);
void migrate_ipt_netflow(struct migration *migration, const char *const *words, size_t count,
			 char *text);
void migrate_rules(struct migration *migration, const char *const *words, size_t count, char *text);

#endif
