/* export_keeping.h - the memories of the export in the service manager's store: one head, and one
 * of each collector.
 *
 * Place: export_kept.h, descriptor_store.h -> here -> pipeline_kept.c. A change of sources or
 * collectors makes a new head beside the one in use, under the other of two names. All that it
 * names is in the store before it is valid, and from that store on it is what a process that is
 * killed has left: at each moment exactly one holds. In the control thread, or in the export thread
 * while that one waits for it. */
#ifndef EXPORT_KEEPING_H
#define EXPORT_KEEPING_H

#include "descriptor_store.h"
#include "kept_memory.h"

struct export_kept_source;
struct export_thread;
struct samplers;
struct worker_ledger;

struct export_keeping {
	struct descriptor_store *store;  /* borrowed */
	const struct samplers *samplers; /* borrowed */
	const char *build;               /* borrowed: what must be alike for memories to be read */
	struct kept_memory head;         /* owned */
	bool is_second;                  /* it has the second name */
	uint64_t generation;
	uint32_t next_file;
	/* Owned: of the collectors in the head, and then of those that left when it was made. */
	struct kept_memory *files;
	size_t file_count;
};

/* What a memory is called in the store. */
const char *export_keeping_name(uint32_t file, char name[static DESCRIPTOR_STORE_NAME_SIZE]);
/* A number for another one. */
uint32_t export_keeping_number(struct export_keeping *keeping);

/* Find the head that another process has left. Returns 0, -ENOENT if there is none that is valid,
 * -EINVAL if it is of another build, or another negative errno. */
int export_keeping_find(struct export_keeping *keeping);
/* A memory that belongs to it. Same returns. */
int export_keeping_open(const struct export_keeping *keeping, uint32_t file, uint64_t size,
			struct kept_memory *memory);
/* Those of its collectors. */
int export_keeping_open_files(struct export_keeping *keeping);
/* It is not used: all of it is in 'left' then, and only numbers and generations go on. */
void export_keeping_leave(struct export_keeping *keeping, struct export_keeping *left);
/* Have the store forget a head, and what belongs to it. 'is_second' is of its name. */
void export_keeping_forget(struct descriptor_store *store, const struct kept_memory *head,
			   bool is_second);

/* Before the thread starts: a first head. And that, and what belongs to it, into the store. Return
 * 0 or a negative errno. */
int export_keeping_make(struct export_keeping *keeping, struct export_thread *thread,
			const char *facts, const struct worker_ledger *removed);
int export_keeping_put(struct export_keeping *keeping);
/* Inputs or collectors are others: another head, which holds from then on. Returns 0, or a negative
 * errno: then nothing is kept any more. */
int export_keeping_renew(struct export_keeping *keeping, struct export_thread *thread,
			 const char *facts, const struct worker_ledger *removed);

void export_keeping_clear(struct export_keeping *keeping);

#endif
