/* pipeline_rest.c - has the threads of a pipeline rest, so that another agent can take it over, or
 * this one can continue.
 *
 * Place: control thread -> thread_rest.h. Sources are read to the end of the datagram that is being
 * counted, records go to the collectors, and then all stand still; what comes meanwhile waits in
 * the sources. Invariant: workers rest before the export thread does, so that it has all of their
 * records; while all rest, the control thread reads what they own. */
#include "pipeline.h"

#include "pipeline_handover.h"
#include "pipeline_parts.h"
#include "time_now.h"

#include <errno.h>
#include <unistd.h>

#define REST_MS 5000 /* for threads to come to rest */

/* Returns the name of a thread that does not come to rest; NULL: all do. */
static const char *bring_to_rest(struct pipeline *pipeline)
{
	const int64_t until_ms = time_now_ms(CLOCK_MONOTONIC) + REST_MS;

	for (size_t i = 0; i < pipeline->worker_count; i++)
		thread_rest_want(&pipeline->workers[i]->rest, &pipeline->workers[i]->wake);
	for (size_t i = 0; i < pipeline->worker_count; i++)
		if (!thread_rest_await(&pipeline->workers[i]->rest, until_ms))
			return pipeline->workers[i]->name;
	thread_rest_want(&pipeline->export.rest, &pipeline->export.wake);
	return thread_rest_await(&pipeline->export.rest, until_ms) ? NULL : "the export thread";
}

int pipeline_rest(struct pipeline *pipeline, struct error_text *error)
{
	const char *busy;

	if (!pipeline->export.config.is_live) {
		error_text_set(error, "this agent reads files, which are not handed over");
		return -EOPNOTSUPP;
	}
	if (atomic_load(&pipeline->workers[0]->stop_requested) || pipeline->leaving_count) {
		error_text_set(error, "this agent, or a source of it, is ending");
		return -EBUSY;
	}
	busy = bring_to_rest(pipeline);
	if (!busy)
		return 0;
	pipeline_go_on(pipeline);
	error_text_set(error, "%s has not come to rest within %d s", busy, REST_MS / 1000);
	return -ETIMEDOUT;
}

void pipeline_go_on(struct pipeline *pipeline)
{
	thread_rest_end(&pipeline->export.rest);
	for (size_t i = 0; i < pipeline->worker_count; i++)
		thread_rest_end(&pipeline->workers[i]->rest);
}

int pipeline_give(struct pipeline *pipeline,
		  int (*give)(void *context, const char *name, int descriptor), void *context)
{
	const int state = pipeline_handover_write_state(pipeline);
	int result = state < 0 ? state : give(context, PIPELINE_HANDOVER_STATE, state);

	if (state >= 0)
		(void)close(state);
	for (size_t i = 0; !result && i < pipeline->worker_count; i++) {
		const struct capture_source *source = &pipeline->workers[i]->source;
		char name[DESCRIPTOR_STORE_NAME_SIZE];

		if (source->capture && source->type->adopt)
			result = give(context,
				      descriptor_store_name("", pipeline->workers[i]->name, name),
				      capture_source_stored(source));
	}
	return result;
}

void pipeline_end_at_rest(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->worker_count; i++)
		worker_join(pipeline->workers[i]);
	export_thread_join(&pipeline->export);
}
