/* pipeline_reload.c - another configuration for a pipeline that runs.
 *
 * Place: control thread -> messages between two batches -> workers and export thread. Invariant:
 * what may fail comes first, and changes nothing that is in use. */
#include "config.h"
#include "pipeline.h"
#include "pipeline_parts.h"

#include <errno.h>
#include <string.h>

static void set_worker_expiry(void *owner, void *argument)
{
	struct worker *worker = owner;

	flow_cache_set_expiry(worker->cache, argument);
}

static void set_export_expiry(void *owner, void *argument)
{
	struct export_thread *thread = owner;

	interface_monitor_set_expiry(thread->config.interfaces, argument);
}

static int set_expiry(struct pipeline *pipeline, const struct config *config)
{
	struct expiry_policy expiry = config->expiry;
	int result = pipeline_ask_exporter(pipeline, set_export_expiry, &expiry);

	for (size_t i = 0; !result && i < pipeline->worker_count; i++)
		result = pipeline_ask_worker(&pipeline->workers[i], set_worker_expiry, &expiry);
	return result;
}

/* Once the end has begun, threads may be anywhere in it. */
static bool is_ending(const struct pipeline *pipeline)
{
	return atomic_load(&pipeline->workers[0].stop_requested);
}

int pipeline_reload(struct pipeline *pipeline, const struct config *config,
		    struct error_text *error)
{
	int result = is_ending(pipeline) ? -ESHUTDOWN : set_expiry(pipeline, config);

	if (result)
		error_text_set(error, "%s",
			       result == -ESHUTDOWN
				       ? "the agent is ending"
				       : "a thread of the agent did not answer within 1 s");
	return result;
}
