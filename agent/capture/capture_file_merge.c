/* capture_file_merge.c - merges capture files by a heap of those that are open.
 *
 * Invariant: of the files that are not open yet, sorted by their first packets, none has a packet
 * that is due before the heap's first one. A view borrows from the buffer of its file, so a file is
 * read on, or closed, only at the begin of a batch. */
#include "capture_file_merge.h"

#include "capture_file_list.h"
#include "capture_file_reader.h"
#include "log.h"
#include "rights.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	LOOK_SIZE = 4096,        /* read of each file for its first packet */
	BUFFER_SIZE = 64 * 1024, /* of an open file */
	VIEWS = 32,              /* parsed at once */
};

struct merged_file {
	struct capture_file_reader reader;
	size_t order; /* among those named */
	size_t next;  /* of the views */
	size_t count;
	struct packet_view views[VIEWS];
};

struct capture_file_merge {
	struct capture_file_list list;
	size_t next_file;                                      /* of the list: not opened yet */
	struct merged_file *heap[CAPTURE_FILE_MERGE_OPEN_MAX]; /* owned */
	size_t open_count;
	bool takes_microseconds;
	int waits_for; /* a pipe that has no packet now; else -1 */
	size_t fault_count;
	struct error_text fault;              /* the first one */
	struct error_text refusal;            /* nothing more can be read; "" */
	struct capture_statistics statistics; /* of files that are closed */
};

bool capture_file_merge_is_needed(const struct source_config *config)
{
	return config->also_count || capture_file_list_is_folder(config->name);
}

/* One whose next packet is not known comes first: it is read before anything is given out. */
static bool is_before(const struct merged_file *one, const struct merged_file *other)
{
	const bool one_knows = one->next < one->count;
	const bool other_knows = other->next < other->count;

	if (!one_knows || !other_knows)
		return one_knows != other_knows ? other_knows : one->order < other->order;
	if (one->views[one->next].time_ms != other->views[other->next].time_ms)
		return one->views[one->next].time_ms < other->views[other->next].time_ms;
	return one->order < other->order;
}

static void heap_swap(struct capture_file_merge *merge, size_t one, size_t other)
{
	struct merged_file *kept = merge->heap[one];

	merge->heap[one] = merge->heap[other];
	merge->heap[other] = kept;
}

static void heap_add(struct capture_file_merge *merge, struct merged_file *file)
{
	size_t at = merge->open_count++;

	merge->heap[at] = file;
	for (; at && is_before(merge->heap[at], merge->heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap_swap(merge, at, (at - 1) / 2);
}

/* The first one has changed: put it where it belongs. */
static void heap_settle(struct capture_file_merge *merge)
{
	size_t at = 0;

	for (;;) {
		size_t first = at;

		for (size_t child = 2 * at + 1; child <= 2 * at + 2; child++)
			if (child < merge->open_count &&
			    is_before(merge->heap[child], merge->heap[first]))
				first = child;
		if (first == at)
			return;
		heap_swap(merge, at, first);
		at = first;
	}
}

static void add_statistics(struct capture_statistics *sum, const struct capture_file_reader *reader)
{
	sum->messages += reader->reads;
	sum->packets_truncated += reader->parser.packets_truncated;
	sum->packets_unstamped += reader->parser.packets_unstamped;
}

/* The first one has ended. */
static void heap_drop(struct capture_file_merge *merge)
{
	struct merged_file *file = merge->heap[0];

	add_statistics(&merge->statistics, &file->reader);
	capture_file_reader_close(&file->reader);
	free(file);
	merge->heap[0] = merge->heap[--merge->open_count];
	heap_settle(merge);
}

/* A file that cannot be read, or not to its end: the others are. */
static void note_fault(struct capture_file_merge *merge, const struct error_text *fault)
{
	enum { LOGGED_MAX = 10 };

	if (!merge->fault_count++)
		merge->fault = *fault;
	if (merge->fault_count <= LOGGED_MAX)
		log_warning("%s%s%s%s; the other files are read", fault->text,
			    fault->hint[0] ? " (" : "", fault->hint, fault->hint[0] ? ")" : "");
}

/* Open a file of the list for all of its packets. */
static int open_next(struct capture_file_merge *merge, struct error_text *error)
{
	const struct capture_file_entry *entry = &merge->list.entries[merge->next_file];
	struct merged_file *file;
	struct rights_section before;
	int result;

	if (merge->open_count == CAPTURE_FILE_MERGE_OPEN_MAX) {
		error_text_set(error, "%s: the packets of more than %d files are of the same time",
			       entry->path, CAPTURE_FILE_MERGE_OPEN_MAX);
		error_text_hint(error, "join some of them first: mergecap -w NEWFILE FILE...");
		return -EMFILE;
	}
	file = calloc(1, sizeof(*file));
	if (!file) {
		error_text_set(error, "%s: no memory", entry->path);
		return -ENOMEM;
	}
	file->order = entry->order;
	before = rights_raise();
	result = capture_file_reader_open(&file->reader, entry->path, BUFFER_SIZE, error);
	rights_restore(before);
	file->reader.parser.takes_microseconds = merge->takes_microseconds;
	merge->next_file++;
	if (!result)
		heap_add(merge, file);
	else
		free(file);
	return result;
}

/* Whether the next file of the list must be open before the first packet of the heap leaves. */
static bool is_due(const struct capture_file_merge *merge)
{
	const struct merged_file *first = merge->open_count ? merge->heap[0] : NULL;

	if (merge->next_file == merge->list.count || merge->refusal.text[0])
		return false;
	return !first ||
	       (first->next < first->count && merge->list.entries[merge->next_file].first_ms <=
						      first->views[first->next].time_ms);
}

/* Read on in the first file. Returns 1 if the heap has changed, or 0 if a pipe has nothing now. */
static int read_on(struct capture_file_merge *merge)
{
	struct merged_file *file = merge->heap[0];
	struct error_text error;
	const int result = capture_file_reader_read(&file->reader, file->views, VIEWS, &error);

	file->next = 0;
	file->count = result > 0 ? (size_t)result : 0;
	if (!result) {
		merge->waits_for = file->reader.fd;
		return 0;
	}
	if (result < 0 && result != -ENODATA)
		note_fault(merge, &error);
	if (result < 0)
		heap_drop(merge);
	else
		heap_settle(merge);
	return 1;
}

static int report_end(const struct capture_file_merge *merge, struct error_text *error)
{
	if (merge->refusal.text[0]) {
		*error = merge->refusal;
		return -EMFILE;
	}
	if (!merge->fault_count)
		return -ENODATA;
	*error = merge->fault;
	if (merge->fault_count > 1)
		error_text_set(error, "%zu files could not be read to their end, first %s",
			       merge->fault_count, merge->fault.text);
	return -EBADMSG;
}

/* A file of the list becomes part of the heap. What hinders that ends all, or is that file's
 * fault. */
static void open_due(struct capture_file_merge *merge)
{
	struct error_text error;
	const int result = open_next(merge, &error);

	if (result == -EMFILE || result == -ENFILE || result == -ENOMEM)
		merge->refusal = error;
	else if (result)
		note_fault(merge, &error);
}

int capture_file_merge_read(struct capture_file_merge *merge, struct packet_view *views,
			    size_t capacity, struct error_text *error)
{
	size_t count = 0;

	merge->waits_for = -1;
	while (count < capacity && !merge->refusal.text[0]) {
		struct merged_file *first = merge->open_count ? merge->heap[0] : NULL;

		if (is_due(merge)) {
			open_due(merge);
		} else if (!first) {
			break;
		} else if (first->next < first->count) {
			views[count++] = first->views[first->next++];
			heap_settle(merge);
		} else if (count) {
			break;
		} else if (!read_on(merge)) {
			return 0;
		}
	}
	return count ? (int)count : report_end(merge, error);
}

int capture_file_merge_descriptor(const struct capture_file_merge *merge)
{
	return merge->waits_for;
}

void capture_file_merge_statistics(const struct capture_file_merge *merge,
				   struct capture_statistics *statistics)
{
	*statistics = merge->statistics;
	for (size_t i = 0; i < merge->open_count; i++)
		add_statistics(statistics, &merge->heap[i]->reader);
}

/* Find the time of a file's first packet. Pipes are opened at once, as they can be read only once.
 * Returns 1, 0 for a file without packets, or a negative errno with 'error' filled. */
static int look_at(struct capture_file_merge *merge, struct capture_file_entry *entry,
		   struct error_text *error)
{
	struct capture_file_reader reader;
	struct packet_view view;
	int result;

	if (capture_file_list_is_pipe(entry->path)) {
		entry->first_ms = INT64_MIN;
		return 1;
	}
	result = capture_file_reader_open(&reader, entry->path, LOOK_SIZE, error);
	if (result)
		return result;
	result = capture_file_reader_read(&reader, &view, 1, error);
	if (result > 0)
		entry->first_ms = view.time_ms;
	else if (result != -ENODATA)
		note_fault(merge, error);
	capture_file_reader_close(&reader);
	return result > 0;
}

/* Keep of the list what has packets, in order of the first ones. */
static int look_at_all(struct capture_file_merge *merge, struct error_text *error)
{
	struct capture_file_list *list = &merge->list;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct capture_file_entry *entry = &list->entries[i];
		const int result = look_at(merge, entry, error);

		if (result < 0 && entry->is_named)
			return result;
		if (result < 0)
			note_fault(merge, error);
		if (result > 0) {
			const struct capture_file_entry other = list->entries[kept];

			list->entries[kept++] = *entry;
			if (kept - 1 != i)
				*entry = other; /* its path is freed with the others */
		}
	}
	capture_file_list_cut(list, kept);
	capture_file_list_sort(list);
	return 0;
}

int capture_file_merge_open(const struct source_config *config, struct capture_file_merge **opened,
			    struct error_text *error)
{
	struct capture_file_merge *merge = calloc(1, sizeof(*merge));
	int result;

	if (!merge) {
		error_text_set(error, "%s: no memory", config->name);
		return -ENOMEM;
	}
	merge->waits_for = -1;
	merge->takes_microseconds = config->takes_microseconds;
	result = capture_file_list_add(&merge->list, config->name, error);
	for (size_t i = 0; !result && i < config->also_count; i++)
		result = capture_file_list_add(&merge->list, config->also[i], error);
	if (!result) {
		capture_file_list_unite(&merge->list);
		result = look_at_all(merge, error);
	}
	if (result)
		capture_file_merge_close(merge);
	else
		*opened = merge;
	return result;
}

void capture_file_merge_close(struct capture_file_merge *merge)
{
	if (!merge)
		return;
	while (merge->open_count)
		heap_drop(merge);
	capture_file_list_clear(&merge->list);
	free(merge);
}
