/* pipeline_handover.c - names of descriptors, and what stands in the state.
 *
 * Invariant: the state is removed from the store before the first packet is read, so that nothing
 * is taken over twice, however this process ends. A source is in the store under its own name as
 * long as it is open. */
#include "pipeline_handover.h"

#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STATE_NAME "state"

/* The store knows no colon in names: "nflog:40" is "nflog-40" there. */
static const char *store_name(const char *source, char name[static DESCRIPTOR_STORE_NAME_SIZE])
{
	(void)snprintf(name, DESCRIPTOR_STORE_NAME_SIZE, "%s", source);
	for (char *colon = strchr(name, ':'); colon; colon = strchr(colon, ':'))
		*colon = '-';
	return name;
}

void pipeline_handover_begin(struct pipeline_handover *handover, struct descriptor_store *store)
{
	const int descriptor = descriptor_store_take(store, STATE_NAME);
	int result;

	*handover = (struct pipeline_handover){ .store = store };
	if (descriptor < 0)
		return;
	result = handover_state_map(&handover->state, descriptor);
	if (result)
		log_warning("what the last agent has left cannot be used: %s",
			    result == -EINVAL ? "it is of another version" : strerror(-result));
	(void)close(descriptor);
}

bool pipeline_handover_take(struct pipeline_handover *handover, const struct source_config *source,
			    struct capture_kept *kept)
{
	char name[DESCRIPTOR_STORE_NAME_SIZE];
	struct reader body;

	if (!source->type->adopt)
		return false;
	*kept = (struct capture_kept){
		.descriptor =
			descriptor_store_take(handover->store, store_name(source->name, name)),
	};
	if (kept->descriptor < 0)
		return false;
	if (handover_state_find(handover->state.bytes, handover->state.size, HANDOVER_sequence,
				source->name, &body)) {
		kept->next_sequence = reader_u32(&body);
		kept->has_sequence = !body.failed;
	}
	return true;
}

/* Have the sources kept that are open and can be. Returns the first error. */
static int put_sources(struct descriptor_store *store, const struct worker *workers,
		       size_t worker_count)
{
	char name[DESCRIPTOR_STORE_NAME_SIZE];
	int result = 0;

	for (size_t i = 0; i < worker_count; i++) {
		const struct capture_source *source = &workers[i].source;
		int put = 0;

		if (source->capture && source->type->adopt)
			put = descriptor_store_put(store, store_name(workers[i].name, name),
						   source->type->descriptor(source->capture));
		if (put && !result)
			result = put;
	}
	return result;
}

void pipeline_handover_end(struct pipeline_handover *handover, struct worker *workers,
			   size_t worker_count)
{
	int result;

	if (!descriptor_store_is_there(handover->store))
		return;
	handover_state_clear(&handover->state);
	descriptor_store_remove(handover->store, STATE_NAME);
	descriptor_store_remove_untaken(handover->store);
	result = put_sources(handover->store, workers, worker_count);
	if (result)
		log_warning("the service manager cannot keep the sources: %s; packets that come "
			    "while the agent is restarted are lost",
			    strerror(-result));
}

static void write_sources(struct handover_writer *writer, const struct worker *workers,
			  size_t worker_count)
{
	for (size_t i = 0; i < worker_count; i++) {
		struct capture_kept kept;
		uint8_t sequence[4];

		if (!capture_source_keep(&workers[i].source, &kept) || !kept.has_sequence)
			continue;
		store_be32(sequence, kept.next_sequence);
		handover_write_section(writer, HANDOVER_sequence, workers[i].name, sequence,
				       sizeof(sequence));
	}
}

int pipeline_handover_leave(struct pipeline_handover *handover, struct worker *workers,
			    size_t worker_count, struct error_text *error)
{
	struct handover_writer writer;
	int descriptor;
	int result;

	handover_write_begin(&writer);
	write_sources(&writer, workers, worker_count);
	descriptor = handover_write_end(&writer);
	result = descriptor < 0 ? descriptor : 0;
	if (!result)
		result = put_sources(handover->store, workers, worker_count);
	if (!result)
		result = descriptor_store_put(handover->store, STATE_NAME, descriptor);
	if (!result)
		result = descriptor_store_flush(handover->store);
	if (descriptor >= 0)
		(void)close(descriptor);
	if (result)
		error_text_set(error, "cannot hand over to the next agent: %s", strerror(-result));
	return result;
}

void pipeline_handover_clear(struct pipeline_handover *handover)
{
	handover_state_clear(&handover->state);
}
