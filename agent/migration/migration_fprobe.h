/* migration_fprobe.h - fprobe and fprobe-ulog: `agentctl migrate`, and the daemon under the name
 * fprobe-ulog. */
#ifndef MIGRATION_FPROBE_H
#define MIGRATION_FPROBE_H

#include "migration.h"

/* Write the configuration that does the same. 'words' is the command line without its name; 'text'
 * a file of /etc/default or /etc/conf.d in its place, or NULL, and is changed. */
void migration_fprobe(struct migration *migration, const char *const *words, size_t count,
		      char *text);

/* For an agent that is to run as fprobe-ulog with these words. What concerns the process alone is
 * not said: it is in migration_process. 'has_ulog': the kernel has the groups of the mask
 * themselves, not only those of NFLOG. */
void migration_fprobe_ulog(struct migration *migration, const char *const *words, size_t count,
			   bool has_ulog);

/* What fprobe-ulog does with its process. Values are borrowed from the words; NULL: not given. */
struct migration_process {
	const char *log;      /* -l */
	const char *priority; /* -r */
	const char *root;     /* -c */
	bool wants_help;      /* -h */
};

void migration_fprobe_process(const char *const *words, size_t count,
			      struct migration_process *process);

#endif
