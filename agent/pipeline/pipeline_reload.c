/* pipeline_reload.c - another configuration for a pipeline that runs.
 *
 * Place: control thread -> messages between two batches -> export thread and workers. Invariant:
 * what may fail comes first, and changes nothing that is in use: tables are loaded beside the old
 * ones, the exporter changes as a whole or not at all, and then nothing is left but what a thread
 * must take. */
#include "collector_plan.h"
#include "collector_setup.h"
#include "config.h"
#include "config_overlap.h"
#include "exporter_kept.h"
#include "log.h"
#include "pipeline.h"
#include "pipeline_former.h"
#include "pipeline_handover.h"
#include "pipeline_kept.h"
#include "pipeline_parts.h"
#include "pipeline_sources.h"
#include "sequence_file.h"
#include "time_now.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* How long a collector that was replaced is waited for. */
#define REPLACING_TRIES 300
#define REPLACING_MS    10

/* What is ready beside what is in use. */
struct reload {
	struct pipeline *pipeline;
	const struct config *before, *after;
	bool has_other_asn;
	struct asn_supply *asn; /* owned */
	bool has_other_applications;
	struct application_table *applications; /* owned */
	struct file_identity applications_file;
	struct interface_rules if_map; /* owned */
	struct template_choice choice;
	struct exporter_plan *plans;     /* owned */
	struct pipeline_sources sources; /* owned */
	char *layout;                    /* owned: of sources and collectors, as text */
	char *facts, *all_facts;         /* owned: for another head; NULL: nothing is kept */
	struct error_text *error;
	int result; /* of the export thread */
};

/* ---- beside what is in use ---- */

static int prepare_asn(struct reload *reload)
{
	struct pipeline *pipeline = reload->pipeline;
	const bool has_table = reload->after->asn_table || reload->after->networks_file;
	const bool is_same = pipeline->asn
				     ? has_table && asn_supply_is_of(pipeline->asn, reload->after)
				     : !has_table;

	reload->has_other_asn = !is_same;
	if (is_same)
		return 0;
	if (has_table)
		reload->asn = asn_supply_create(reload->after, pipeline->asn_news, reload->error);
	if (has_table && !reload->asn)
		return -EINVAL;
	pipeline_choose_asn(&reload->choice, reload->asn ? asn_supply_table(reload->asn) : NULL);
	return 0;
}

static int prepare_applications(struct reload *reload)
{
	const char *path = reload->after->applications_file;

	if (path)
		(void)file_watch_identify(path, &reload->applications_file);
	reload->has_other_applications =
		!path ? reload->before->applications_file != NULL
		      : !reload->before->applications_file ||
				strcmp(path, reload->before->applications_file) != 0 ||
				!file_watch_is_same(&reload->applications_file,
						    &reload->pipeline->applications_file);
	if (!reload->has_other_applications)
		return 0;
	if (!path && reload->after->owner != CONFIG_OWNER_unit) {
		reload->choice.has_applications = false;
		return 0;
	}
	reload->applications = pipeline_create_applications(reload->after, reload->error);
	reload->choice.has_applications = reload->applications != NULL;
	return reload->applications ? 0 : -EINVAL;
}

static int prepare(struct reload *reload)
{
	int result = prepare_asn(reload);

	if (!result)
		result = prepare_applications(reload);
	if (result)
		return result;
	reload->plans = calloc(reload->after->collector_count + 1, sizeof(*reload->plans));
	if (!reload->plans ||
	    interface_monitor_copy_rules(&reload->if_map, &reload->after->if_map)) {
		error_text_set(reload->error, "no memory");
		return -ENOMEM;
	}
	return pipeline_sources_prepare(reload->pipeline, reload->after, &reload->sources,
					reload->error);
}

/* What the next agent has to know. */
static int prepare_texts(struct reload *reload)
{
	const struct pipeline *pipeline = reload->pipeline;

	reload->layout = pipeline_handover_layout(reload->after);
	if (reload->layout && pipeline_kept_is_there(pipeline)) {
		reload->facts = pipeline_former_facts(pipeline, reload->after, reload->layout);
		reload->all_facts = pipeline_kept_all_facts(reload->facts, reload->sources.leaving,
							    reload->sources.leaving_count);
	}
	if (reload->layout && (reload->all_facts || !pipeline_kept_is_there(pipeline)))
		return 0;
	error_text_set(reload->error, "no memory");
	return -ENOMEM;
}

static void clear(struct reload *reload)
{
	asn_supply_destroy(reload->asn);
	application_table_destroy(reload->applications);
	interface_rules_clear(&reload->if_map);
	pipeline_sources_clear(reload->pipeline, &reload->sources);
	free(reload->plans);
	free(reload->layout);
	free(reload->facts);
	free(reload->all_facts);
}

/* ---- in the export thread ---- */

static bool is_same_choice(const struct template_choice *one, const struct template_choice *other)
{
	return one->has_as_numbers == other->has_as_numbers &&
	       one->has_next_hop == other->has_next_hop && one->has_peers == other->has_peers &&
	       one->has_applications == other->has_applications;
}

static int change_exporter(struct reload *reload, struct exporter *exporter, bool *differs)
{
	struct pipeline *pipeline = reload->pipeline;
	const struct exporter_change change = {
		.plans = reload->plans,
		.count = reload->after->collector_count,
		.template_refresh_ms = reload->after->template_refresh_ms,
		.template_refresh_datagrams = reload->after->template_refresh_datagrams,
		.choice = reload->choice,
		.has_other_applications = reload->has_other_applications,
		.applications = reload->applications,
		.now_us = time_now_us(CLOCK_MONOTONIC),
	};
	int result;

	*differs = collector_plan_make(reload->before, reload->after, exporter, reload->plans);
	if (!*differs && is_same_choice(&reload->choice, &pipeline->choice) &&
	    !reload->has_other_applications) {
		exporter_set_refresh(exporter, change.template_refresh_ms,
				     change.template_refresh_datagrams);
		return 0;
	}
	result = exporter_change(exporter, &change, reload->error);
	if (!result && *differs) {
		sequence_file_close(pipeline->sequences);
		pipeline->sequences = sequence_file_open(exporter, pipeline->source_id, true);
	}
	return result;
}

static void change_export(void *owner, void *argument)
{
	struct export_thread *thread = owner;
	struct reload *reload = argument;
	const struct config *after = reload->after;
	bool differs;

	reload->result = change_exporter(reload, thread->config.exporter, &differs);
	if (reload->result)
		return;
	if (reload->sources.differs)
		export_thread_set_inputs(thread, &reload->sources.inputs);
	if (differs || reload->sources.differs)
		pipeline_kept_renew(reload->pipeline, reload->all_facts,
				    &reload->pipeline->removed);
	if (reload->has_other_applications)
		thread->config.applications = reload->applications;
	if (reload->has_other_applications && thread->config.owner)
		export_owner_set_applications(thread->config.owner, reload->applications);
	if (reload->has_other_asn && flow_key_has(&thread->config.flow_key, FLOW_KEY_addresses))
		thread->config.asn_table = reload->asn ? asn_supply_table(reload->asn) : NULL;
	interface_monitor_set_expiry(thread->config.interfaces, &after->expiry);
	export_nat_set_expiry(&thread->config.nat, &after->expiry);
	interface_monitor_set_fallback(thread->config.interfaces, after->interface_mtu);
	if (!interface_rules_are_same(&after->if_map, &reload->before->if_map))
		interface_monitor_set_rules(thread->config.interfaces, &reload->if_map);
}

static void ask_replacing(void *owner, void *argument)
{
	const struct export_thread *thread = owner;
	bool *is_replacing = argument;

	*is_replacing = exporter_is_replacing(thread->config.exporter);
}

/* What is sent in its place would overtake it: it has a moment. */
static int wait_for_replaced(struct pipeline *pipeline)
{
	bool is_replacing = true;
	int result = 0;

	for (int i = 0; !result && is_replacing && i < REPLACING_TRIES; i++) {
		if (i)
			(void)poll(NULL, 0, REPLACING_MS);
		result = pipeline_ask_exporter(pipeline, ask_replacing, &is_replacing);
	}
	return result;
}

/* ---- in the workers ---- */

/* What one worker takes over. */
struct worker_change {
	const struct config *after;
	const struct source_config *source;
};

static void change_worker(void *owner, void *argument)
{
	struct worker *worker = owner;
	const struct worker_change *change = argument;

	flow_cache_set_expiry(worker->cache, &change->after->expiry);
	worker->splits_superpackets = change->after->splits_superpackets;
	worker_change_source(worker, change->source);
}

/* They are in the order of the configuration now. */
static void change_workers(struct pipeline *pipeline, const struct config *after)
{
	for (size_t i = 0; i < pipeline->worker_count; i++) {
		struct worker_change change = { after, &after->sources[i] };

		if (pipeline_ask_worker(pipeline->workers[i], change_worker, &change))
			log_warning("%s: did not answer within 1 s: it takes over timeouts and "
				    "sampling with the next reload",
				    pipeline->workers[i]->name);
	}
}

/* ---- all of it ---- */

/* The export thread has let go of what was before. */
static void take_tables(struct reload *reload)
{
	struct pipeline *pipeline = reload->pipeline;

	pipeline->choice = reload->choice;
	if (reload->has_other_applications) {
		application_table_destroy(pipeline->applications);
		pipeline->applications = reload->applications;
		pipeline->applications_file = reload->applications_file;
		reload->applications = NULL;
	}
	if (!reload->has_other_asn)
		return;
	asn_supply_destroy(pipeline->asn);
	pipeline->asn = reload->asn;
	reload->asn = NULL;
	if (pipeline->asn && asn_supply_start(pipeline->asn) < 0)
		log_warning("%s: a table that takes its place will not be noticed",
			    asn_supply_path(pipeline->asn));
}

static void take_texts(struct reload *reload)
{
	pipeline_handover_renew(reload->pipeline, reload->layout);
	reload->layout = NULL;
	if (!reload->facts)
		return;
	free(reload->pipeline->kept.facts);
	reload->pipeline->kept.facts = reload->facts;
	reload->facts = NULL;
}

/* Flows of the last agent are in what it has left, until all have moved in. */
static int wait_for_flows(struct pipeline *pipeline, struct error_text *error)
{
	for (int i = 0; pipeline_kept_is_awaited(pipeline) && i < REPLACING_TRIES; i++)
		(void)poll(NULL, 0, REPLACING_MS);
	if (!pipeline_kept_is_awaited(pipeline))
		return 0;
	error_text_set(error, "flows of the last agent are still being taken over");
	error_text_hint(error, "reload again in a moment");
	return -EBUSY;
}

static int run(struct reload *reload)
{
	struct pipeline *pipeline = reload->pipeline;
	int result = wait_for_replaced(pipeline);

	if (!result)
		result = pipeline_ask_exporter(pipeline, change_export, reload);
	if (result)
		error_text_set(reload->error, "the export thread did not answer within 1 s");
	if (!result)
		result = reload->result;
	if (result)
		return result;
	take_tables(reload);
	if (reload->sources.differs)
		pipeline_sources_take(pipeline, &reload->sources);
	change_workers(pipeline, reload->after);
	take_texts(reload);
	pipeline_kept_look(pipeline);
	return 0;
}

/* Once the end has begun, threads may be anywhere in it. */
static bool is_ending(const struct pipeline *pipeline)
{
	return atomic_load(&pipeline->workers[0]->stop_requested);
}

int pipeline_reload(struct pipeline *pipeline, const struct config *before,
		    const struct config *after, struct error_text *error)
{
	struct reload reload = {
		.pipeline = pipeline,
		.before = before,
		.after = after,
		.choice = pipeline->choice,
		.error = error,
	};
	int result;

	if (is_ending(pipeline)) {
		error_text_set(error, "the agent is ending");
		return -ESHUTDOWN;
	}
	pipeline_settle(pipeline);
	result = wait_for_flows(pipeline, error);
	if (!result)
		result = prepare(&reload);
	if (!result)
		result = prepare_texts(&reload);
	if (!result)
		result = run(&reload);
	if (!result) {
		collector_setup_warn(after);
		config_overlap_warn(after, before);
		source_id_claims_destroy(pipeline->claims);
		pipeline->claims = source_id_claims_create(after);
		source_id_claims_look(pipeline->claims);
	}
	clear(&reload);
	return result;
}

/* Collectors that have ended are freed, and so is their memory that is kept. */
struct burial {
	struct pipeline *pipeline;
	const char *facts;
};

static void bury(void *owner, void *argument)
{
	struct export_thread *thread = owner;
	struct exporter *exporter = thread->config.exporter;
	const struct burial *burial = argument;
	const size_t before = exporter_left_count(exporter);

	exporter_bury(exporter);
	if (exporter_left_count(exporter) != before)
		pipeline_kept_renew(burial->pipeline, burial->facts, &burial->pipeline->removed);
}

static void bury_collectors(struct pipeline *pipeline)
{
	char *facts = pipeline_kept_all_facts(pipeline->kept.facts, pipeline->leaving,
					      pipeline->leaving_count);
	struct burial burial = { pipeline, facts };

	(void)pipeline_ask_exporter(pipeline, bury, &burial);
	free(facts);
	pipeline_kept_look(pipeline);
}

void pipeline_settle(struct pipeline *pipeline)
{
	bury_collectors(pipeline);
	pipeline_sources_settle(pipeline);
	source_id_claims_look(pipeline->claims);
}

bool pipeline_lacks_columns(const struct pipeline *pipeline,
			    const struct config_collector *collector)
{
	return collector_setup_columns_of(collector, &pipeline->choice) & ~pipeline->columns;
}
