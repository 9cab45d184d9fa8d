/* worker.c - a worker from its source's opening to the end of its thread.
 *
 * Place: the pipeline starts one for each source; what its thread does is in worker_turn.c.
 * Invariant: everything is allocated and opened before the thread starts. */
#include "worker.h"

#include "fault_text.h"
#include "log.h"
#include "worker_inherit.h"
#include "worker_kept.h"
#include "worker_offload.h"
#include "worker_turn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Datagrams whose first fragment is remembered: half as many as flows, and this at least. */
#define FRAGMENTS_REMEMBERED_MIN 4096

static uint32_t fragments_remembered(uint32_t max_flows)
{
	return max_flows / 2 > FRAGMENTS_REMEMBERED_MIN ? max_flows / 2 : FRAGMENTS_REMEMBERED_MIN;
}

/* What needs no release. */
static void set_up(struct worker *worker, const struct worker_config *config)
{
	const struct source_config *source = config->source;

	*worker = (struct worker){
		.own = *source,
		.name = source->name,
		.type = source->type,
		.own_exports = config->own_exports,
		.export_wake = config->export_wake,
		.source_news = config->source_news,
		.mtus = config->mtus,
		.splits_superpackets = config->splits_superpackets,
		.counts_segments =
			source->type->has_segments && source->packets != SOURCE_PACKETS_as_seen,
		.max_flows = config->cache.max_flows,
		.noted = flow_columns_notes(config->cache.columns),
		.duplicates_due_ms = source->type->has_rules ? 0 : INT64_MAX,
		.last_packet_ms = -1,
		.step_view = SIZE_MAX,
		.last_mark_ms = INT64_MIN / 2,
		.handed_over_tick = INT64_MIN,
	};
	flow_key_mask_init(&worker->key_mask, &config->flow_key,
			   source->has_side ? source->side : FLOW_KEY_NO_SIDE);
	flow_key_mask_set_interfaces(&worker->key_mask, &config->flow_key, source->input,
				     source->output);
	duplicate_detector_init(&worker->duplicates, config->cache.hash_key);
	source_sampling_init(&worker->sampling, &source->sampling, config->samplers,
			     &config->sampling);
	worker->sampling_secret = config->sampling;
	worker->own.name = NULL;
	worker->own.takes_link_headers = config->cache.columns & FLOW_COLUMNS_OF_LINK;
	worker->own.takes_ttl = worker->noted & PACKET_NOTES_TTL;
	worker->own.takes_microseconds = config->cache.columns & FLOW_COLUMNS_OF_TCP;
	if (config->cache.columns & FLOW_COLUMNS_OF_OWNER)
		worker->own.owners = worker->owners;
	worker->wake.descriptor = worker->call.done = -1;
}

/* Returns 0 or a negative errno. */
static int allocate_cache(struct worker *worker, const struct worker_config *config)
{
	if (config->memory) {
		worker->memory = *config->memory;
		*config->memory = (struct kept_memory){ .descriptor = -1 };
		if (config->is_continued)
			return worker_kept_recover(worker, config);
		worker_kept_create(worker, config);
		return 0;
	}
	worker->cache = flow_cache_create(&config->cache);
	worker->ring = record_ring_create(WORKER_RING_ENTRIES, worker_ring_entry_size(config));
	return worker->cache && worker->ring ? 0 : -errno;
}

static int allocate(struct worker *worker, const struct worker_config *config,
		    struct error_text *error)
{
	const struct flow_cache_config *cache = &config->cache;
	int result;

	worker->own.name = strdup(config->source->name);
	if (!worker->own.name) {
		error_text_set(error, "no memory");
		return -ENOMEM;
	}
	worker->name = worker->own.name;
	result = allocate_cache(worker, config);
	worker->fragments = fragment_table_create(fragments_remembered(cache->max_flows),
						  config->fragment_lifetime_ms, cache->hash_key);
	if (!result && !worker->fragments)
		result = -errno;
	if (result) {
		error_text_set(error, "%s: no memory for %u flows: %s", worker->name,
			       cache->max_flows, fault_text(-result));
		if (result == -ENOMEM)
			error_text_hint(error, "choose a smaller max-flows");
		return result;
	}
	result = wake_init(&worker->wake);
	if (result == 0)
		result = thread_call_init(&worker->call, &worker->wake);
	if (result < 0)
		error_text_set(error, "%s: eventfd: %s", worker->name, fault_text(-result));
	return result;
}

int worker_init(struct worker *worker, const struct worker_config *config, struct error_text *error)
{
	int result;

	set_up(worker, config);
	result = allocate(worker, config, error);
	if (result == 0)
		result = capture_source_open(&worker->source, &worker->own, config->kept, error);
	if (result < 0) {
		worker_clear(worker);
		return result;
	}
	worker_offload_init(worker);
	if (worker->kept && worker->type->can_resume)
		capture_source_use_memory(&worker->source, true, worker->source_memory);
	if (config->is_continued)
		worker_kept_resume(worker);
	return 0;
}

void worker_clear(struct worker *worker)
{
	worker_inherit_clear(worker);
	worker_offload_clear(worker);
	capture_source_close(&worker->source);
	flow_cache_destroy(worker->cache);
	worker->cache = NULL;
	fragment_table_destroy(worker->fragments);
	worker->fragments = NULL;
	record_ring_destroy(worker->ring);
	worker->ring = NULL;
	worker->kept = NULL;
	kept_memory_clear(&worker->memory);
	thread_call_clear(&worker->call);
	wake_clear(&worker->wake);
	free(worker->own.name);
	worker->own.name = NULL;
	worker->name = "a source that is no more";
}

void worker_change_source(struct worker *worker, const struct source_config *source)
{
	const struct sampling_choice *now = &worker->own.sampling;
	const struct sampling_choice *next = &source->sampling;
	const bool is_same = now->method == next->method && now->interval == next->interval &&
			     now->rule_interval == next->rule_interval;

	memcpy(worker->own.label, source->label, sizeof(worker->own.label));
	worker->own.sampling = *next;
	if (!is_same)
		source_sampling_init(&worker->sampling, next, worker->sampling.samplers,
				     &worker->sampling_secret);
}

static void *worker_main(void *context)
{
	struct worker *worker = context;

	thread_rest_wait(&worker->start, &worker->quit_requested);
	while (!atomic_load_explicit(&worker->quit_requested, memory_order_relaxed))
		if (!worker_turn_rests(worker))
			worker_turn(worker);
	return NULL;
}

/* Have the thread start on its CPU. Returns 0 or a positive errno. */
static int set_cpu(pthread_attr_t *attributes, uint32_t cpu)
{
	cpu_set_t set;

	if (!cpu)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(cpu - 1, &set);
	return pthread_attr_setaffinity_np(attributes, sizeof(set), &set);
}

/* Returns 0 or a positive errno. */
static int start_thread(struct worker *worker, uint32_t cpu)
{
	pthread_attr_t attributes;
	int result = pthread_attr_init(&attributes);

	if (result)
		return result;
	result = set_cpu(&attributes, cpu);
	if (!result)
		result = pthread_create(&worker->thread, &attributes, worker_main, worker);
	(void)pthread_attr_destroy(&attributes);
	return result;
}

int worker_start(struct worker *worker, struct error_text *error)
{
	int result = start_thread(worker, worker->own.cpu);

	if (result == EPERM && worker->own.cpu) {
		log_warning("%s: not bound to CPU %u: the service may not do that (let it: "
			    "SystemCallFilter=sched_setaffinity)",
			    worker->name, worker->own.cpu - 1);
		result = start_thread(worker, 0);
	}
	worker->is_running = result == 0;
	if (result == EINVAL && worker->own.cpu) {
		error_text_set(error,
			       "%s: this machine has no CPU %u for it, or does not let us "
			       "run there",
			       worker->name, worker->own.cpu - 1);
		error_text_hint(error, "cpu= takes a number from /sys/devices/system/cpu/online, "
				       "or auto");
	} else if (result) {
		error_text_set(error, "%s: cannot start a thread: %s", worker->name,
			       fault_text(result));
	}
	return -result;
}

void worker_join(struct worker *worker)
{
	if (!worker->is_running)
		return;
	atomic_store(&worker->quit_requested, true);
	wake_signal(&worker->wake);
	(void)pthread_join(worker->thread, NULL);
	worker->is_running = false;
}
