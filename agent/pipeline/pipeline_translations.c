/* pipeline_translations.c - memory of the table of translations, into the store and out of it.
 *
 * Invariant: there are two names, so that the memory of the last agent is in the store until this
 * one's is, with all that was in it. */
#include "pipeline_translations.h"

#include "fault_text.h"
#include "log.h"
#include "nat_memory.h"
#include "pipeline_parts.h"
#include "time_now.h"

#include <time.h>

static const char *const names[] = { "kept-translations", "kept-translations-2" };
/* Of the same version alone: sizes of what is in it belong to a build. */
static const char layout[] = "translations " FLOWAGENT_VERSION;

void *pipeline_translations_make(struct pipeline *pipeline, uint32_t max_connections)
{
	struct pipeline_translations *translations = &pipeline->translations;
	struct descriptor_store *store = pipeline->handover.store;
	int result;

	if (!descriptor_store_is_there(store))
		return NULL;
	for (size_t i = 0; i < 2; i++) {
		const int descriptor = descriptor_store_take(store, names[i]);

		if (descriptor >= 0)
			(void)kept_memory_open(&translations->left[i], descriptor, layout, 0);
	}
	translations->name = translations->left[0].bytes ? 1 : 0;
	result =
		kept_memory_create(&translations->memory, layout, nat_memory_size(max_connections));
	if (result)
		log_warning("what the kernel translates is in no memory that outlives a kill of "
			    "the agent: %s",
			    fault_text(-result));
	return translations->memory.bytes;
}

/* What the kernel lists no more has ended: the flows of these connections are still here. */
static void remember(void *context, const struct nat_connection *connection, int64_t ended_ms)
{
	const int64_t now_ms = time_now_ms(CLOCK_MONOTONIC);

	nat_table_remember(context, connection, ended_ms < now_ms ? ended_ms : now_ms);
}

void pipeline_translations_continue(struct pipeline *pipeline)
{
	struct nat_table *table = pipeline->export.config.nat.table;

	for (size_t i = 0; i < 2; i++) {
		const struct kept_memory *left = &pipeline->translations.left[i];

		if (left->bytes && nat_memory_visit(left->bytes, left->size, remember, table))
			log_warning("what the kernel has translated for the last agent is lost: no "
				    "memory");
	}
}

bool pipeline_translations_are_left(const struct pipeline *pipeline)
{
	const struct pipeline_translations *translations = &pipeline->translations;

	return translations->left[0].bytes || translations->left[1].bytes;
}

int pipeline_translations_put(struct pipeline *pipeline)
{
	const struct pipeline_translations *translations = &pipeline->translations;
	struct descriptor_store *store = pipeline->handover.store;
	int result;

	if (!translations->memory.bytes)
		return 0;
	result = descriptor_store_put(store, names[translations->name],
				      translations->memory.descriptor);
	return result ? result : descriptor_store_remove(store, names[1 - translations->name]);
}

void pipeline_translations_forget(struct pipeline *pipeline)
{
	for (size_t i = 0; i < 2; i++)
		(void)descriptor_store_remove(pipeline->handover.store, names[i]);
}

void pipeline_translations_clear(struct pipeline *pipeline)
{
	kept_memory_clear(&pipeline->translations.memory);
	for (size_t i = 0; i < 2; i++)
		kept_memory_clear(&pipeline->translations.left[i]);
}
