/* pipeline_stored.c - sources in the service manager's store, each under its own name.
 *
 * Invariant: of a source that is away nothing is in the store, once it was looked at. */
#include "pipeline_stored.h"

#include "fault_text.h"
#include "log.h"
#include "pipeline_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void say_not_kept(int result)
{
	if (result && result != -ENOTCONN)
		log_warning("the service manager cannot keep the sources: %s; packets that come "
			    "while the agent is restarted are lost",
			    fault_text(-result));
}

/* The descriptor of a source that can be kept, a copy for the caller; -ENODEV: it is away; or why
 * there is no copy. */
static void copy_stored(void *owner, void *argument)
{
	const struct worker *worker = owner;
	int *descriptor = argument;

	*descriptor = -ENODEV;
	if (!worker->source.capture)
		return;
	*descriptor = fcntl(capture_source_stored(&worker->source), F_DUPFD_CLOEXEC, 0);
	if (*descriptor < 0)
		*descriptor = -errno;
}

/* 'result' is 0 or a negative errno. */
static void say_kept(const struct worker *worker, int result)
{
	if (result)
		log_problem(LOG_LEVEL_warning, "not-kept", "source-not-kept", worker->name,
			    "%s: the service manager cannot keep it: %s; packets that come while "
			    "the agent is restarted are lost",
			    worker->name, fault_text(-result));
	else
		log_problem_over("not-kept", worker->name);
}

/* Have the store's entry follow: none for a source that is away. Returns 0 or a negative errno. */
static int follow_source(struct descriptor_store *store, struct worker *worker)
{
	char name[DESCRIPTOR_STORE_NAME_SIZE];
	int descriptor;
	int result = pipeline_ask_worker(worker, copy_stored, &descriptor);

	if (result || (descriptor < 0 && descriptor != -ENODEV))
		return result ? result : descriptor;
	(void)descriptor_store_name("", worker->name, name);
	result = descriptor_store_remove(store, name);
	if (descriptor < 0)
		return result;
	if (!result)
		result = descriptor_store_put(store, name, descriptor);
	(void)close(descriptor);
	return result;
}

/* A source that has gone is forgotten, one that has come back is kept. What fails is tried again
 * with the next look. */
static void look_at_source(struct pipeline *pipeline, struct worker *worker)
{
	const unsigned int changes = atomic_load(&worker->source.changes);
	int result;

	if (changes == worker->changes_kept || !worker->type->adopt)
		return;
	result = follow_source(pipeline->handover.store, worker);
	if (!result)
		worker->changes_kept = changes;
	if (result != -ETIMEDOUT) /* a worker that is busy answers later */
		say_kept(worker, result);
}

void pipeline_stored_look(struct pipeline *pipeline)
{
	if (!descriptor_store_is_there(pipeline->handover.store))
		return;
	for (size_t i = 0; i < pipeline->worker_count; i++)
		look_at_source(pipeline, pipeline->workers[i]);
}

/* Have the sources kept that are open and can be. Returns the first error. */
static int put_sources(struct descriptor_store *store, struct worker *const *workers, size_t count)
{
	char name[DESCRIPTOR_STORE_NAME_SIZE];
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		const struct capture_source *source = &workers[i]->source;
		int put = 0;

		if (!source->type->adopt)
			continue;
		(void)descriptor_store_name("", workers[i]->name, name);
		if (source->capture)
			put = descriptor_store_put(store, name, capture_source_stored(source));
		else
			put = descriptor_store_remove(store, name);
		if (put && !result)
			result = put;
	}
	return result;
}

int pipeline_stored_put(struct pipeline *pipeline)
{
	return put_sources(pipeline->handover.store, pipeline->workers, pipeline->worker_count);
}

void pipeline_stored_keep_all(struct pipeline *pipeline)
{
	if (descriptor_store_is_there(pipeline->handover.store))
		say_not_kept(pipeline_stored_put(pipeline));
}

void pipeline_stored_keep(struct pipeline *pipeline, struct worker *worker)
{
	say_not_kept(put_sources(pipeline->handover.store, &worker, 1));
}

void pipeline_stored_forget(struct pipeline *pipeline, const char *source)
{
	char name[DESCRIPTOR_STORE_NAME_SIZE];

	if (descriptor_store_is_there(pipeline->handover.store))
		(void)descriptor_store_remove(pipeline->handover.store,
					      descriptor_store_name("", source, name));
}
