/* collector_change.c - other templates, another selection, another pace for a collector that goes
 * on.
 *
 * Invariant: the datagram under construction is closed before the templates or the rate that it
 * announces change, so that each datagram is of one kind. */
#include "collector_change.h"

#include "collector_datagram.h"
#include "collector_options.h"
#include "collector_parts.h"
#include "outbox_state.h"

#include <errno.h>
#include <stdlib.h>

bool collector_change_is_possible(const struct collector *collector)
{
	const struct outbox *outbox = &collector->outbox;

	return !collector_has_sessions(collector) || !collector->templates.has_old ||
	       (!outbox->queue.count && !outbox->spool.count);
}

/* The templates that come, and how many datagrams they need, in a copy. */
static int look_at_templates(const struct collector *collector, struct collector_change *change,
			     struct error_text *error)
{
	struct collector *copy = malloc(sizeof(*copy));
	struct outbox_config outbox = { .type = collector->outbox.config.type };
	int result = 0;

	if (!copy) {
		error_text_set(error, "collector %s: out of memory", collector->name);
		return -ENOMEM;
	}
	*copy = *collector;
	copy->templates.choice = change->choice;
	collector_options_make_templates(copy);
	if (!collector_is_large_enough(copy, error))
		result = -EINVAL;
	if (!result)
		result = collector_count_templates(copy, &outbox, error);
	change->has_other_templates =
		collector->encoder->protocol &&
		!template_set_is_same(&copy->templates.current, &collector->templates.current);
	change->template_datagrams = outbox.template_datagrams;
	change->ahead_datagrams = outbox.ahead_datagrams;
	free(copy);
	return result;
}

int collector_change_prepare(const struct collector *collector,
			     const struct collector_config *config, struct collector_change *change,
			     struct error_text *error)
{
	int result;

	*change = (struct collector_change){
		.choice = collector_make_choice(collector, config),
		.sampling = config->sampling,
		.datagrams_per_second = config->datagrams_per_second,
		.priority = collector_priority(config),
	};
	result = look_at_templates(collector, change, error);
	if (!result)
		result = collector_make_selection(collector, config, &change->selection, error);
	return result;
}

void collector_change_clear(struct collector_change *change)
{
	record_selection_clear(&change->selection);
}

static void close_building(struct collector *collector)
{
	if (collector->building.is_open)
		collector_datagram_close(collector);
}

void collector_change_take(struct collector *collector, struct collector_change *change)
{
	record_selection_clear(&collector->selection);
	collector->selection = change->selection;
	change->selection = (struct record_selection){ .filter = NULL };
	collector->role.priority = change->priority;
	pacer_set_rate(&collector->outbox.pacer, change->datagrams_per_second);
	if (change->has_other_templates) {
		close_building(collector);
		collector_options_change(collector, &change->choice);
		collector->outbox.config.template_datagrams = change->template_datagrams;
		collector->outbox.config.ahead_datagrams = change->ahead_datagrams;
	}
	if (collector->sampling.flows == change->sampling)
		return;
	close_building(collector);
	collector->sampling.flows = change->sampling;
	sampler_walk_change(&collector->samplers, &collector->sampling);
}

void collector_change_applications(struct collector *collector)
{
	collector->names.applications_announced = 0;
	collector->names.next_application = 0;
	record_journal_forget(&collector->journal); /* its records point to the others */
}

void collector_change_merge(struct collector *collector, const struct collector_ledger *before)
{
	struct collector_ledger sum = collector->outbox.ledger;

	collector_ledger_add(&sum, before);
	outbox_state_continue(&collector->outbox, &sum);
}

bool collector_change_has_same_templates(const struct collector *one, const struct collector *other)
{
	return !one->encoder->protocol ||
	       (!one->templates.has_old &&
		template_set_is_same(&one->templates.current, &other->templates.current));
}

uint32_t collector_change_leave(struct collector *collector)
{
	outbox_sequence_keep(&collector->outbox, NULL);
	return collector->outbox.sending.sequence;
}
