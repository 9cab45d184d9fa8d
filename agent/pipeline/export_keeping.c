/* export_keeping.c - heads that follow each other, and which memories belong to them.
 *
 * Invariant: a head that is valid names memories that are in the store; the one with the highest
 * generation holds. Numbers of memories are never used twice, so no head names one of another. */
#include "export_keeping.h"

#include "export_kept.h"
#include "exporter_kept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *head_name(bool is_second)
{
	return is_second ? "kept-b" : "kept";
}

const char *export_keeping_name(uint32_t file, char name[static DESCRIPTOR_STORE_NAME_SIZE])
{
	(void)snprintf(name, DESCRIPTOR_STORE_NAME_SIZE, "kept-%" PRIu32, file);
	return name;
}

uint32_t export_keeping_number(struct export_keeping *keeping)
{
	return keeping->next_file++;
}

/* ---- what was left ---- */

static int open_head(const struct export_keeping *keeping, bool is_second,
		     struct kept_memory *memory)
{
	const int descriptor = descriptor_store_take(keeping->store, head_name(is_second));
	int result;

	if (descriptor < 0)
		return -ENOENT;
	result = kept_memory_open(memory, descriptor, keeping->build, 0);
	if (!result && export_kept_is_whole(memory) && export_kept_is_valid(memory))
		return 0;
	if (!result)
		result = export_kept_is_whole(memory) ? -ENOENT : -EINVAL;
	kept_memory_clear(memory);
	(void)descriptor_store_remove(keeping->store, head_name(is_second));
	return result;
}

/* Of two that are valid, the older one was about to be invalid when the process ended. */
int export_keeping_find(struct export_keeping *keeping)
{
	struct kept_memory heads[2] = { { .descriptor = -1 }, { .descriptor = -1 } };
	const int results[2] = { open_head(keeping, false, &heads[0]),
				 open_head(keeping, true, &heads[1]) };
	size_t taken = results[0] ? 1 : 0;

	if (!results[0] && !results[1]) {
		taken = export_kept_generation(&heads[1]) > export_kept_generation(&heads[0]);
		export_kept_set_valid(&heads[!taken], false);
		kept_memory_clear(&heads[!taken]);
		(void)descriptor_store_remove(keeping->store, head_name(!taken));
	}
	if (results[taken])
		return results[0] == -ENOENT ? results[1] : results[0];
	keeping->head = heads[taken];
	keeping->is_second = taken;
	keeping->generation = export_kept_generation(&keeping->head);
	keeping->next_file = export_kept_next_file(&keeping->head);
	return 0;
}

int export_keeping_open(const struct export_keeping *keeping, uint32_t file, uint64_t size,
			struct kept_memory *memory)
{
	char name[DESCRIPTOR_STORE_NAME_SIZE];
	const int descriptor =
		descriptor_store_take(keeping->store, export_keeping_name(file, name));

	if (descriptor < 0)
		return -ENOENT;
	return kept_memory_open(memory, descriptor, keeping->build, size);
}

int export_keeping_open_files(struct export_keeping *keeping)
{
	const size_t count = export_kept_file_count(&keeping->head);
	int result = 0;

	keeping->files = calloc(count + 1, sizeof(*keeping->files));
	if (!keeping->files)
		return -ENOMEM;
	for (size_t i = 0; i < count && !result; i++) {
		const struct export_kept_collector collector =
			export_kept_collector(&keeping->head, i);

		result = export_keeping_open(keeping, collector.file, collector.size,
					     &keeping->files[i]);
		keeping->files[i].number = collector.file;
		keeping->file_count++;
	}
	return result;
}

static void clear_files(struct kept_memory *files, size_t count)
{
	for (size_t i = 0; i < count; i++)
		kept_memory_clear(&files[i]);
	free(files);
}

void export_keeping_forget(struct descriptor_store *store, const struct kept_memory *head,
			   bool is_second)
{
	char name[DESCRIPTOR_STORE_NAME_SIZE];

	(void)descriptor_store_remove(store, head_name(is_second));
	for (size_t i = 0; i < export_kept_file_count(head); i++)
		(void)descriptor_store_remove(
			store, export_keeping_name(export_kept_collector(head, i).file, name));
	for (size_t i = 0; i < export_kept_input_count(head); i++)
		(void)descriptor_store_remove(
			store, export_keeping_name(export_kept_source(head, i).file, name));
}

void export_keeping_leave(struct export_keeping *keeping, struct export_keeping *left)
{
	*left = *keeping;
	keeping->head = (struct kept_memory){ .descriptor = -1 };
	keeping->files = NULL;
	keeping->file_count = 0;
	keeping->is_second = !left->is_second;
}

/* ---- a head ---- */

static struct kept_memory *find_file(const struct export_keeping *keeping, const void *memory)
{
	for (size_t i = 0; memory && i < keeping->file_count; i++)
		if (keeping->files[i].bytes == memory)
			return &keeping->files[i];
	return NULL;
}

/* A memory for each collector that has none of ours: what waits moves there. */
static int add_missing(struct export_keeping *keeping, struct exporter *exporter)
{
	const size_t count = exporter_collector_count(exporter);
	struct kept_memory *files =
		realloc(keeping->files, (keeping->file_count + count + 1) * sizeof(*files));
	int result = files ? 0 : -ENOMEM;

	if (files)
		keeping->files = files;
	for (size_t i = 0; i < count && !result; i++) {
		struct kept_memory *file = &files[keeping->file_count];

		if (find_file(keeping, exporter_kept_memory(exporter, i)))
			continue;
		result = kept_memory_create(file, keeping->build, exporter_kept_size(exporter, i));
		if (result)
			break;
		file->number = export_keeping_number(keeping);
		keeping->file_count++;
		(void)exporter_keep(exporter, i, file->bytes, 0);
	}
	return result;
}

/* What a head is made with. */
struct next {
	struct kept_memory head;
	struct kept_memory *files; /* those that it names, in its order */
	struct export_kept_collector *collectors;
	size_t count;
};

static int list_files(const struct export_keeping *keeping, const struct exporter *exporter,
		      struct next *next)
{
	const size_t collectors = exporter_collector_count(exporter);

	next->count = collectors + exporter_left_count(exporter);
	next->files = calloc(next->count + 1, sizeof(*next->files));
	next->collectors = calloc(next->count + 1, sizeof(*next->collectors));
	if (!next->files || !next->collectors)
		return -ENOMEM;
	for (size_t i = 0; i < next->count; i++) {
		const void *memory = i < collectors
					     ? exporter_kept_memory(exporter, i)
					     : exporter_left_at(exporter, i - collectors).memory;
		const struct kept_memory *file = find_file(keeping, memory);

		if (!file)
			return -EINVAL;
		next->files[i] = *file;
		next->collectors[i] = (struct export_kept_collector){ file->number, file->size };
	}
	return 0;
}

static bool have_all_memory(const struct export_thread *thread)
{
	for (size_t i = 0; i < thread->config.input_count; i++)
		if (!thread->inputs[i].kept.file)
			return false;
	return true;
}

static int make_next(struct export_keeping *keeping, const struct export_thread *thread,
		     const char *facts, const struct worker_ledger *removed, struct next *next)
{
	struct exporter *exporter = thread->config.exporter;
	int result = facts && have_all_memory(thread) ? 0 : -ENOMEM;

	*next = (struct next){ .head = { .descriptor = -1 } };
	if (!result)
		result = add_missing(keeping, exporter);
	if (!result)
		result = list_files(keeping, exporter, next);
	if (!result)
		result = kept_memory_create(&next->head, keeping->build,
					    export_kept_size(thread, facts));
	if (!result)
		export_kept_make(thread,
				 &(struct export_kept_parts){
					 .generation = ++keeping->generation,
					 .next_file = keeping->next_file,
					 .facts = facts,
					 .removed = removed,
					 .collectors = next->collectors,
				 },
				 &next->head);
	free(next->collectors);
	return result;
}

/* Take it into use; 'next' is then what was in use. */
static void exchange(struct export_keeping *keeping, struct next *next)
{
	const struct next before = {
		.head = keeping->head,
		.files = keeping->files,
		.count = keeping->file_count,
	};

	keeping->head = next->head;
	keeping->files = next->files;
	keeping->file_count = next->count;
	*next = before;
}

/* What is not in use any more goes. */
static void release(const struct export_keeping *keeping, struct next *before)
{
	char name[DESCRIPTOR_STORE_NAME_SIZE];

	for (size_t i = 0; i < before->count; i++) {
		if (find_file(keeping, before->files[i].bytes))
			continue;
		(void)descriptor_store_remove(keeping->store,
					      export_keeping_name(before->files[i].number, name));
		kept_memory_clear(&before->files[i]);
	}
	free(before->files);
	kept_memory_clear(&before->head);
}

int export_keeping_make(struct export_keeping *keeping, struct export_thread *thread,
			const char *facts, const struct worker_ledger *removed)
{
	struct next next;
	int result = make_next(keeping, thread, facts, removed, &next);

	if (result) {
		free(next.files);
		return result;
	}
	exchange(keeping, &next);
	release(keeping, &next);
	export_kept_begin(thread, &keeping->head, keeping->files, keeping->samplers);
	return 0;
}

int export_keeping_put(struct export_keeping *keeping)
{
	char name[DESCRIPTOR_STORE_NAME_SIZE];
	int result = 0;

	for (size_t i = 0; i < keeping->file_count && !result; i++)
		result = descriptor_store_put(keeping->store,
					      export_keeping_name(keeping->files[i].number, name),
					      keeping->files[i].descriptor);
	if (!result)
		result = descriptor_store_put(keeping->store, head_name(keeping->is_second),
					      keeping->head.descriptor);
	return result;
}

int export_keeping_renew(struct export_keeping *keeping, struct export_thread *thread,
			 const char *facts, const struct worker_ledger *removed)
{
	struct next next;
	int result = make_next(keeping, thread, facts, removed, &next);

	if (result) {
		free(next.files);
		export_kept_stop(thread);
		return result;
	}
	exchange(keeping, &next);
	keeping->is_second = !keeping->is_second;
	result = export_keeping_put(keeping);
	if (result) {
		export_kept_stop(thread);
	} else {
		export_kept_begin(thread, &keeping->head, keeping->files, keeping->samplers);
		export_kept_note(thread);
		export_kept_set_valid(&keeping->head, true);
		export_kept_set_valid(&next.head, false);
	}
	(void)descriptor_store_remove(keeping->store, head_name(!keeping->is_second));
	release(keeping, &next);
	return result;
}

void export_keeping_clear(struct export_keeping *keeping)
{
	clear_files(keeping->files, keeping->file_count);
	keeping->files = NULL;
	keeping->file_count = 0;
	kept_memory_clear(&keeping->head);
}
