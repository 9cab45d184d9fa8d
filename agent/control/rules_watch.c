/* rules_watch.c - the number of the rule set shows whether there was a change; only then rules are
 * listed. A host with very many rules that change all the time is looked at less often: at most one
 * hundredth of the time goes into it. */
#include "rules_watch.h"

#include "capture_rules.h"
#include "defaults.h"
#include "fault_text.h"
#include "log.h"
#include "time_now.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REST_FACTOR 100 /* rest for this many times as long as a list has taken */

struct watched {
	uint32_t count;
	bool had_rules; /* at any time */
};

struct rules_watch {
	const struct config *config; /* borrowed */
	struct capture_rules *rules; /* owned */
	struct watched *sources;     /* owned; as in the configuration */
	uint32_t *counts;            /* owned; of the list that is being read, by source */
	size_t source_count;         /* of these */
	uint32_t generation;
	bool is_known; /* 'generation' and the counts are */
	int64_t not_before_ms;
};

static bool has_groups(const struct config *config)
{
	for (size_t i = 0; i < config->source_count; i++)
		if (config->sources[i].type->has_group)
			return true;
	return false;
}

void rules_watch_renew(struct rules_watch *watch)
{
	if (!watch)
		return;
	free(watch->sources);
	free(watch->counts);
	watch->source_count = watch->config->source_count;
	watch->sources = calloc(watch->source_count, sizeof(*watch->sources));
	watch->counts = calloc(watch->source_count, sizeof(*watch->counts));
	watch->is_known = false;
	watch->not_before_ms = 0;
	if (!watch->sources || !watch->counts)
		watch->source_count = 0; /* nothing is watched then */
}

struct rules_watch *rules_watch_create(const struct config *config)
{
	struct rules_watch *watch;

	if (!has_groups(config))
		return NULL;
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return NULL;
	watch->config = config;
	rules_watch_renew(watch);
	watch->rules = capture_rules_open();
	if (watch->source_count && watch->rules)
		return watch;
	log_warning("the firewall's rules cannot be watched: %s", fault_text(errno));
	rules_watch_destroy(watch);
	return NULL;
}

void rules_watch_destroy(struct rules_watch *watch)
{
	if (!watch)
		return;
	capture_rules_close(watch->rules);
	free(watch->sources);
	free(watch->counts);
	free(watch);
}

static void count_rule(void *context, uint16_t group)
{
	struct rules_watch *watch = context;

	for (size_t i = 0; i < watch->source_count; i++) {
		const struct source_config *source = &watch->config->sources[i];

		if (source->type->has_group && source->group == group)
			watch->counts[i]++;
	}
}

/* Compare a new list with what was known. */
static void take_counts(struct rules_watch *watch)
{
	for (size_t i = 0; i < watch->source_count; i++) {
		const char *name = watch->config->sources[i].name;
		struct watched *source = &watch->sources[i];
		const uint32_t before = source->count;

		source->count = watch->counts[i];
		if (source->count)
			log_problem_over("rules", name);
		if (before && !source->count)
			log_problem(
				LOG_LEVEL_warning, "rules", "rules-gone", name,
				"%s: the firewall's rules for this group are gone, packets pass "
				"unseen (nft -f " DEFAULT_RULES_FILE ", or agentctl rules install)",
				name);
		else if (!before && source->count && source->had_rules)
			log_event(LOG_LEVEL_notice, "rules-back", name,
				  "%s: there are rules for this group again", name);
		source->had_rules |= source->count > 0;
	}
}

void rules_watch_look(struct rules_watch *watch, int64_t now_ms)
{
	uint32_t generation;

	if (!watch || now_ms < watch->not_before_ms)
		return;
	if (capture_rules_generation(watch->rules, &generation)) {
		watch->is_known = false;
		return;
	}
	if (watch->is_known && generation == watch->generation)
		return;
	memset(watch->counts, 0, watch->source_count * sizeof(*watch->counts));
	watch->is_known = !capture_rules_list(watch->rules, count_rule, watch);
	watch->generation = generation; /* a change meanwhile makes another one */
	watch->not_before_ms = now_ms + REST_FACTOR * (time_now_ms(CLOCK_MONOTONIC) - now_ms);
	if (watch->is_known)
		take_counts(watch);
}

struct rules_watch_state rules_watch_state(const struct rules_watch *watch, size_t source)
{
	if (!watch || !watch->is_known || source >= watch->source_count ||
	    !watch->config->sources[source].type->has_group)
		return (struct rules_watch_state){ .is_known = false };
	return (struct rules_watch_state){
		.is_known = true,
		.are_gone = watch->sources[source].had_rules && !watch->sources[source].count,
		.count = watch->sources[source].count,
	};
}
