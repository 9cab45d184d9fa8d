/* pipeline_uncounted.c - a section with what a killed worker had read.
 *
 * Invariant: what another build has written is nothing. */
#include "pipeline_uncounted.h"

#include "handover_state.h"
#include "pipeline_parts.h"
#include "worker_kept.h"

#include <stdio.h>
#include <string.h>

/* Up to the last byte that is not 0: most of it was never used. */
static size_t used_size(const uint8_t *memory, size_t size)
{
	while (size && !memory[size - 1])
		size--;
	return size;
}

void pipeline_uncounted_write(struct handover_writer *writer, const char *build, const char *source,
			      const struct worker *left)
{
	const size_t size = used_size(left->source_memory, left->source_memory_size);
	char padded[PIPELINE_KEPT_BUILD_SIZE] = { 0 };
	struct worker_kept_turn turn;

	(void)snprintf(padded, sizeof(padded), "%s", build);
	worker_kept_turn(left, &turn);
	handover_write_head(writer, HANDOVER_uncounted, source,
			    sizeof(padded) + sizeof(turn) + size);
	handover_write_body(writer, padded, sizeof(padded));
	handover_write_body(writer, &turn, sizeof(turn));
	handover_write_body(writer, left->source_memory, size);
}

static void give(struct worker *worker, const char *build, struct reader *body)
{
	const uint8_t *padded = reader_take(body, PIPELINE_KEPT_BUILD_SIZE);
	struct worker_kept_turn turn;
	const uint8_t *bytes;

	if (!padded || strncmp((const char *)padded, build, PIPELINE_KEPT_BUILD_SIZE) != 0)
		return;
	bytes = reader_take(body, sizeof(turn));
	if (!bytes)
		return;
	memcpy(&turn, bytes, sizeof(turn));
	worker_kept_resume_from(worker, &turn, body);
}

void pipeline_uncounted_give(struct pipeline *pipeline)
{
	const struct handover_state *state = &pipeline->handover.state;

	for (size_t i = 0; i < pipeline->worker_count; i++) {
		struct worker *worker = pipeline->workers[i];
		struct reader body;

		if (handover_state_find(state->bytes, state->size, HANDOVER_uncounted, worker->name,
					&body))
			give(worker, pipeline->kept.build, &body);
	}
}
