/* collector_options.c - templates and options data of a collector: when they are due, and what they
 * say.
 *
 * Place: collector_datagram -> options -> encoder. What is told is a function of the export_time
 * and of the records so far, so that a file gives the same datagrams at any speed of sending. */
#include "collector_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void collector_options_make_templates(struct collector *collector)
{
	if (collector->encoder->protocol)
		template_set_init(&collector->templates,
				  (enum export_protocol)collector->encoder->protocol,
				  &collector->choice);
}

/* The ledger as of a datagram that overtakes what is queued. */
void collector_options_sent(const struct collector *collector, struct export_statistics *statistics)
{
	*statistics = (struct export_statistics){
		.workers = collector->terms->workers,
		.collector = collector->outbox.ledger,
		.system_init_ms = collector->terms->system_init_ms,
	};
}

/* The templates at the front of a session come when it begins, by real time: messages without them
 * are the same at any speed. */
static void leave_out_ahead(const struct collector *collector, struct export_statistics *statistics)
{
	const struct outbox *outbox = &collector->outbox;

	statistics->collector.datagrams_sent -= outbox->ahead_datagrams;
	statistics->collector.datagram_bytes_sent -= outbox->ahead_bytes;
	for (size_t i = 0; collector_has_sessions(collector) && i < outbox->queue.count; i++) {
		const struct queued_datagram *datagram = datagram_queue_at(&outbox->queue, i);

		statistics->collector.datagrams_sent -= datagram->is_ahead;
		statistics->collector.datagram_bytes_sent -=
			datagram->is_ahead ? datagram->size : 0;
	}
}

/* The ledger as of the datagram that carries it: what is queued before it counts as sent, because
 * whoever reads it has that already, or finds it among the lost next time. So a file gives the same
 * statistics at any speed of sending. */
static void statistics_get(const struct collector *collector, struct export_statistics *statistics)
{
	const struct outbox *outbox = &collector->outbox;

	collector_options_sent(collector, statistics);
	amount_add(&statistics->collector.sent, &outbox->ledger.waiting);
	statistics->collector.datagrams_sent += outbox->queue.count + outbox->spool.count;
	statistics->collector.datagram_bytes_sent +=
		outbox->queue.total_bytes + outbox->spool.total_bytes;
	leave_out_ahead(collector, statistics);
}

/* A withdrawal has room in an empty message of the smallest size. */
void collector_options_add_templates(struct collector *collector)
{
	int result = 0;

	if (collector->is_withdrawal_due)
		result = collector->encoder->withdraw_templates(&collector->message,
								&collector->old_templates);
	assert(result == 0);
	result = collector->encoder->add_templates(&collector->message, &collector->templates,
						   &collector->next_template);
	collector->is_announcing = result != 0;
	collector->carries_templates = true;
	collector->is_withdrawal_due = false;
}

void collector_options_add_statistics(struct collector *collector)
{
	struct export_statistics statistics;

	statistics_get(collector, &statistics);
	if (collector->encoder->add_statistics(&collector->message, &statistics,
					       collector->terms->source_id))
		return;
	collector->are_statistics_due = false;
	collector->records_at_refresh = collector->outbox.ledger.taken.records;
}

/* Statistics and samplers follow the templates, in the same datagram or in the next. */
void collector_options_begin_refresh(struct collector *collector)
{
	if (collector_has_templates(collector) &&
	    (!collector_has_sessions(collector) || collector->are_templates_due)) {
		collector->is_announcing = true;
		collector->next_template = 0;
		collector->are_templates_due = false;
	}
	collector->is_refresh_due = false;
	collector->are_statistics_due = true;
	collector->refreshed_ms = collector->time.uptime_ms;
	collector->datagrams_since_refresh = 0;
	collector->has_records_since_refresh = false;
	sampler_walk_repeat(&collector->samplers);
}

/* Whether names of applications are to be repeated. */
bool collector_options_has_applications(const struct collector *collector)
{
	return collector->next_application < collector->applications_told;
}

bool collector_options_add_application(struct collector *collector, size_t number)
{
	const struct application_list *list = &collector->terms->applications;

	return !collector->encoder->add_application(&collector->message, list->met[number]);
}

/* Names of interfaces or applications. */
bool collector_options_are_names_due(struct collector *collector)
{
	return collector_has_options(collector) &&
	       collector_since(collector, collector->names_ms) >= COLLECTOR_NAMES_INTERVAL_MS &&
	       (collector_options_has_applications(collector) ||
		interface_walk_next(&collector->walk, &collector->terms->names) != NULL);
}

/* Tell all names again, a few at a time. A list so long that it is not at its end yet goes on. */
void collector_options_repeat_names(struct collector *collector)
{
	if (!collector_options_has_applications(collector))
		collector->next_application = 0;
	interface_walk_repeat(&collector->walk);
	collector->repeats_few = false;
	collector->names_repeated_ms = collector->time.uptime_ms;
}

/* A refresh by count repeats the next few names only: with a thousand interfaces all of them would
 * be more than the records of the datagrams in between. All are repeated by time. */
void collector_options_repeat_few_names(struct collector *collector)
{
	if (collector->walk.is_repeating)
		return;
	interface_walk_repeat(&collector->walk);
	collector->repeats_few = true;
}

void collector_options_add_names(struct collector *collector)
{
	const struct interface_names *names = &collector->terms->names;
	int told = 0;

	for (; told < COLLECTOR_NAMES_AT_ONCE; told++) {
		const struct interface_names_entry *next =
			interface_walk_next(&collector->walk, names);

		if (!next || collector->encoder->add_interface(&collector->message, &next->name))
			break; /* no more, or full: the next datagram goes on */
		interface_walk_step(&collector->walk, next);
		collector->names_ms = collector->time.uptime_ms;
	}
	if (told && collector->repeats_few)
		interface_walk_rest(&collector->walk);
	for (; told < COLLECTOR_NAMES_AT_ONCE && collector_options_has_applications(collector);
	     told++) {
		if (!collector_options_add_application(collector, collector->next_application))
			break;
		collector->next_application++;
		collector->names_ms = collector->time.uptime_ms;
	}
}

/* Options again, and templates where they are repeated. */
void collector_options_refresh(struct collector *collector)
{
	collector->is_refresh_due = collector_has_options(collector);
	collector_options_repeat_names(collector);
}

/* From now on records carry the number of their sampler: they have other templates, and those that
 * wait keep the old ones. */
void collector_options_carry_samplers(struct collector *collector)
{
	collector->choice.has_samplers = true;
	if (collector_has_templates(collector) && collector->has_time) {
		collector->old_templates = collector->templates;
		collector->has_old_templates = true;
		collector->is_refresh_due = true;
		collector->are_templates_due = true;
		collector->is_withdrawal_due = collector_has_sessions(collector) &&
					       collector->encoder->withdraw_templates != NULL;
	}
	collector_options_make_templates(collector);
}

void collector_samplers_known(struct collector *collector)
{
	collector->sampling.samplers = collector->terms->samplers;
	sampler_walk_init(&collector->samplers, &collector->sampling);
	if (collector->samplers.is_on && !collector->choice.has_samplers)
		collector_options_carry_samplers(collector);
}

bool collector_options_add_all_templates(const struct collector *collector, struct message *message,
					 struct collector_announcement *announcement)
{
	const struct encoder_type *encoder = collector->encoder;
	struct sampler_walk walk = collector->samplers;

	if (collector->has_old_templates &&
	    encoder->add_templates(message, &collector->old_templates, &announcement->old_template))
		return true;
	if (encoder->add_templates(message, &collector->templates, &announcement->template))
		return true;
	sampler_walk_repeat(&walk);
	(void)sampler_walk_add(&walk, &collector->sampling, encoder, message);
	return false;
}

/* With samplers, which may come later, there are most templates. */
int collector_options_count_messages(const struct collector *collector, bool with_old)
{
	struct collector_announcement announcement = { 0 };
	struct collector *most = malloc(sizeof(*most));
	uint8_t *bytes = malloc(collector->datagram_size);
	bool has_more = true;
	int count = 0;

	if (most && bytes) {
		*most = *collector;
		most->old_templates = collector->templates;
		most->has_old_templates = with_old;
		most->choice.has_samplers = true;
		collector_options_make_templates(most);
	}
	for (; most && bytes && has_more; count++) {
		struct message message = { .writer = writer_of(bytes, collector->datagram_size) };

		most->encoder->begin(&message, &collector->time);
		has_more = collector_options_add_all_templates(most, &message, &announcement);
	}
	free(bytes);
	free(most);
	return count ? count : -ENOMEM;
}

void collector_send_template(struct collector *collector)
{
	collector_options_refresh(collector);
	collector->are_templates_due = collector->is_refresh_due;
}
