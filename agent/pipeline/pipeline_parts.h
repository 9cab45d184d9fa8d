/* pipeline_parts.h - what the files pipeline*.c share. Internal to them.
 *
 * Place: included by pipeline*.c, and no other.
 *
 * pipeline.c puts the stages together and takes them apart; pipeline_ask.c asks its threads while
 * they run. */
#ifndef PIPELINE_PARTS_H
#define PIPELINE_PARTS_H

#include "asn_supply.h"
#include "descriptor_store.h"
#include "export_keeping.h"
#include "export_thread.h"
#include "file_watch.h"
#include "handover_state.h"
#include "kept_memory.h"
#include "owner_lookup.h"
#include "pipeline_events.h"
#include "source_id_claims.h"
#include "worker.h"

struct config;
struct pipeline_former;

#define PIPELINE_KEPT_BUILD_SIZE 160

/* pipeline_handover.c */
struct pipeline_handover {
	struct descriptor_store *store; /* borrowed; NULL: none */
	struct handover_state state;    /* of the agent before this one; owned */
	int state_descriptor;           /* of its file, owned; -1: none */
	char *shape;                    /* owned: what makes a flow, as text */
	char *layout;                   /* owned: sources and collectors, as text */
};

/* pipeline_kept.c */
struct pipeline_kept {
	struct export_keeping keeping;
	char build[PIPELINE_KEPT_BUILD_SIZE];
	char *facts; /* owned: of the configuration that holds; NULL: nothing outlives a kill */
	struct kept_memory *left; /* owned, until the worker is there: of those that continue, */
	size_t left_count;        /* in their order */
	bool is_continued;        /* all is that of a process that was killed */
	bool is_settled;          /* no state is in the store any more */
	struct worker_awaited awaited;
	bool has_stopped; /* it ends with the process after all */
	bool has_left;
};

/* pipeline_translations.c */
struct pipeline_translations {
	struct kept_memory memory;  /* owned */
	struct kept_memory left[2]; /* owned: of the last agents, by number of their name */
	size_t name;                /* number of that of 'memory' */
};

struct pipeline {
	struct pipeline_events events;
	uint32_t source_id;
	struct hash_key secret;                 /* of shares and samples */
	struct sequence_file *sequences;        /* owned; NULL: none are kept */
	struct source_id_claims *claims;        /* owned; NULL: none */
	struct asn_supply *asn;                 /* owned; NULL without a file for it */
	int source_news;                        /* eventfd, owned; written to by workers */
	int asn_news;                           /* eventfd, owned; of whichever supply there is */
	struct application_table *applications; /* owned; NULL: no file, and no units */
	struct file_identity applications_file; /* it was made of */
	struct template_choice choice;
	struct owner_lookup owner;       /* for agentctl: of the control thread */
	unsigned int columns;            /* of the flow cache: FLOW_COLUMN_BIT() */
	struct own_exports *own_exports; /* owned */
	struct samplers *samplers;       /* owned */
	struct interface_mtus mtus;
	struct export_thread export;
	struct worker **workers; /* owned; in the order of the configuration */
	size_t worker_count;     /* initialized ones */
	struct worker **leaving; /* owned; of sources that a reload has removed: they finish */
	size_t leaving_count;
	struct worker_ledger removed; /* of those that have finished */
	int finished_descriptor;      /* eventfd, owned */
	bool has_begun;               /* what the sources continue is this process's own */
	struct pipeline_handover handover;
	struct pipeline_kept kept;
	struct pipeline_translations translations;
	struct pipeline_former *former; /* owned; NULL: none */
};

/* pipeline.c: open source 'number' of the configuration. Returns the worker, owned by the caller,
 * or NULL with 'error' filled. */
struct worker *pipeline_create_worker(struct pipeline *pipeline, const struct config *config,
				      size_t number, struct error_text *error);
/* pipeline.c: what templates have for a table; NULL: none. */
void pipeline_choose_asn(struct template_choice *choice, const struct asn_table *table);
/* pipeline_applications.c: from the file, which is logged, if there is one; with room for units, if
 * they are asked for. Returns NULL with 'error' filled. */
struct application_table *pipeline_create_applications(const struct config *config,
						       struct error_text *error);

/* pipeline_kept.c: what all workers have counted, while their threads do not run. */
struct worker_ledger pipeline_workers_ledger(const struct pipeline *pipeline);
/* pipeline_kept.c: flows were taken over from an agent that was killed and has left nothing of what
 * the kernel translates, which is listed anew, and says nothing of connections that are no more.
 * Say so, if a collector gets it. */
void pipeline_kept_say_translations(const struct pipeline *pipeline, uint64_t flows);

/* pipeline_ask.c: have a thread run a function on what it owns, or run it here if it does not run.
 * Return 0, or -ETIMEDOUT if it did not begin within a second. */
int pipeline_ask_worker(struct worker *worker, void (*function)(void *worker, void *argument),
			void *argument);
int pipeline_ask_exporter(struct pipeline *pipeline,
			  void (*function)(void *export_thread, void *argument), void *argument);

#endif
