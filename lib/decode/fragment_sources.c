/* fragment_sources.c - a fair share of the fragment table for each source.
 *
 * Place: part of fragment_table.c. Invariant: fragment_sources.h. 'most' needs no search: counts
 * change by one, so when the last source of the largest count loses an entry, the next largest
 * count is one less. */
#include "fragment_sources.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

int fragment_sources_init(struct fragment_sources *sources, uint32_t capacity)
{
	*sources = (struct fragment_sources){
		.sources = calloc(capacity, sizeof(*sources->sources)),
		.by_count = calloc((size_t)capacity + 1, sizeof(*sources->by_count)),
		.links = calloc(capacity, sizeof(*sources->links)),
		.source_of = calloc(capacity, sizeof(*sources->source_of)),
		.capacity = capacity,
	};
	return sources->sources && sources->by_count && sources->links && sources->source_of
		       ? 0
		       : -ENOMEM;
}

void fragment_sources_clear(struct fragment_sources *sources)
{
	free(sources->sources);
	free(sources->by_count);
	free(sources->links);
	free(sources->source_of);
	*sources = (struct fragment_sources){ .capacity = 0 };
}

static void move_source(struct fragment_sources *sources, uint32_t number, uint32_t count)
{
	struct fragment_source *source = &sources->sources[number];
	struct fragment_list *list = &sources->by_count[source->count];
	const struct fragment_link link = source->link;

	if (source->count) {
		*(link.previous ? &sources->sources[link.previous - 1].link.next : &list->first) =
			link.next;
		*(link.next ? &sources->sources[link.next - 1].link.previous : &list->last) =
			link.previous;
	}
	if (count > sources->most)
		sources->most = count;
	else if (source->count == sources->most && !list->first)
		sources->most = count;
	source->count = count;
	if (!count)
		return;
	list = &sources->by_count[count];
	source->link = (struct fragment_link){ .previous = list->last };
	*(list->last ? &sources->sources[list->last - 1].link.next : &list->first) = number + 1;
	list->last = number + 1;
}

void fragment_sources_add(struct fragment_sources *sources, uint32_t entry, uint32_t source_hash)
{
	const uint32_t number = source_hash & (sources->capacity - 1);
	struct fragment_list *list = &sources->sources[number].entries;

	sources->source_of[entry] = number;
	sources->links[entry] = (struct fragment_link){ .previous = list->last };
	*(list->last ? &sources->links[list->last - 1].next : &list->first) = entry + 1;
	list->last = entry + 1;
	move_source(sources, number, sources->sources[number].count + 1);
}

void fragment_sources_remove(struct fragment_sources *sources, uint32_t entry)
{
	const uint32_t number = sources->source_of[entry];
	struct fragment_list *list = &sources->sources[number].entries;
	const struct fragment_link link = sources->links[entry];

	*(link.previous ? &sources->links[link.previous - 1].next : &list->first) = link.next;
	*(link.next ? &sources->links[link.next - 1].previous : &list->last) = link.previous;
	move_source(sources, number, sources->sources[number].count - 1);
}

uint32_t fragment_sources_victim(const struct fragment_sources *sources)
{
	const struct fragment_list *largest = &sources->by_count[sources->most];

	assert(sources->most && largest->first);
	return sources->sources[largest->first - 1].entries.first - 1;
}
