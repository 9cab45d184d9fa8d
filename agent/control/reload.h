/* reload.h - the configuration of a running agent is read again, and what is another in it is
 * taken over.
 *
 * Place: SIGHUP, `agentctl reload`, `agentctl set` -> configuration -> pipeline. Control thread.
 * All of it is checked first, as a start would; with a mistake, the agent continues with the
 * configuration that it has. What needs a restart keeps its value, and is named. */
#ifndef RELOAD_H
#define RELOAD_H

#include "config_changes.h"
#include "config_load.h"

struct pipeline;
struct reload; /* opaque: defined in reload.c */

struct reload_config {
	int argc;                  /* of main(); the command line stays */
	char *const *argv;         /* borrowed for life */
	bool is_fixed;             /* no files: the command line is another program's, translated */
	struct config *config;     /* borrowed for life: the one that holds, which is replaced */
	struct pipeline *pipeline; /* borrowed for life */
	/* Called with each configuration that was read, before it is compared: gives it what stands
	 * in no text. Returns 0, or a negative errno with 'error' filled. */
	int (*complete)(void *context, struct config *next, struct error_text *error);
	/* Called when another configuration holds. */
	void (*taken)(void *context);
	void *context;
};

/* Returns NULL if memory is short. */
struct reload *reload_create(const struct reload_config *config);
void reload_destroy(struct reload *reload);

/* Read the files again; what `set` has said is forgotten. 'changes' gets what is another, also what
 * needs a restart; clear it in any case. What happens is in the log. Returns 0, or a negative errno
 * with 'error' filled: then nothing has changed. */
int reload_files(struct reload *reload, struct config_changes *changes, struct error_text *error);

/* Change one option, until the next reload or start. Likewise. */
int reload_set(struct reload *reload, const struct config_override *setting,
	       struct config_changes *changes, struct error_text *error);

/* How the last one went. */
struct reload_status {
	int64_t unix_ms; /* when; 0: there was none */
	bool has_failed;
};
struct reload_status reload_status(const struct reload *reload);

#endif
