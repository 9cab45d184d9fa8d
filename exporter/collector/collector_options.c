/* collector_options.c - templates and options data of a collector: when they are due, and what they
 * say.
 *
 * Place: collector_datagram -> options -> encoder. What is announced is a function of the
 * export_time and of the records so far, so that a file gives the same datagrams at any speed of
 * sending. */
#include "collector_options.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void collector_options_make_templates(struct collector *collector)
{
	if (collector->encoder->protocol)
		template_set_init(&collector->templates.current,
				  (enum export_protocol)collector->encoder->protocol,
				  &collector->templates.choice);
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

	if (collector->refresh.is_withdrawal_due)
		result = collector->encoder->withdraw_templates(&collector->building.message,
								&collector->templates.old);
	assert(result == 0);
	result = collector->encoder->add_templates(&collector->building.message,
						   &collector->templates.current,
						   &collector->refresh.next_template);
	collector->refresh.is_announcing = result != 0;
	collector->building.carries_templates = true;
	collector->refresh.is_withdrawal_due = false;
}

void collector_options_add_statistics(struct collector *collector)
{
	struct export_statistics statistics;

	statistics_get(collector, &statistics);
	if (collector->encoder->add_statistics(&collector->building.message, &statistics,
					       collector->terms->source_id))
		return;
	collector->refresh.are_statistics_due = false;
	collector->refresh.records_then = collector->outbox.ledger.taken.records;
}

uint32_t collector_options_first_ms(uint32_t seed, const char *name, uint32_t refresh_ms)
{
	const uint32_t least_ms = 2 * EXPORTER_RECORD_WAIT_MS;
	struct {
		uint64_t seed;
		char name[COLLECTOR_NAME_SIZE];
	} words = { .seed = seed };

	if (refresh_ms <= 2 * least_ms)
		return refresh_ms;
	(void)snprintf(words.name, sizeof(words.name), "%s", name);
	return least_ms + (uint32_t)(hash_words((struct hash_key){ 0 }, &words, sizeof(words)) %
				     (refresh_ms - least_ms));
}

/* What starts at one moment, a whole fleet, does not repeat at one moment. */
static void spread(struct collector *collector)
{
	const uint32_t refresh_ms = collector->terms->template_refresh_ms;
	const uint32_t skipped_ms =
		refresh_ms -
		collector_options_first_ms(collector->terms->seed, collector->name, refresh_ms);

	collector->refresh.last_ms -= skipped_ms;
	collector->names.repeated_ms -= skipped_ms;
}

void collector_options_respread(struct collector *collector)
{
	if (!collector->terms->is_live || !collector->has_time)
		return;
	collector->refresh.last_ms = collector->time.uptime_ms;
	collector->names.repeated_ms = collector->time.uptime_ms;
	spread(collector);
}

/* Statistics and samplers follow the templates, in the same datagram or in the next. */
void collector_options_begin_refresh(struct collector *collector)
{
	if (collector_has_templates(collector) &&
	    (!collector_has_sessions(collector) || collector->refresh.are_templates_due)) {
		collector->refresh.is_announcing = true;
		collector->refresh.next_template = 0;
		collector->refresh.are_templates_due = false;
	}
	collector->refresh.is_due = false;
	collector->refresh.are_statistics_due = true;
	collector->refresh.last_ms = collector->time.uptime_ms;
	if (!collector->refresh.has_begun && collector->terms->is_live)
		spread(collector);
	collector->refresh.has_begun = true;
	collector->refresh.datagrams_since = 0;
	collector->refresh.has_records_since = false;
	sampler_walk_repeat(&collector->samplers);
}

/* Whether names of applications must be repeated. */
bool collector_options_has_applications(const struct collector *collector)
{
	return collector->names.next_application < collector->names.applications_announced;
}

bool collector_options_add_application(struct collector *collector, size_t number)
{
	const struct application_list *list = &collector->terms->applications;

	return !collector->encoder->add_application(&collector->building.message,
						    list->met[number]);
}

/* Names of interfaces or applications. */
bool collector_options_are_names_due(struct collector *collector)
{
	return collector_has_options(collector) &&
	       collector_since(collector, collector->names.announced_ms) >=
		       COLLECTOR_NAMES_INTERVAL_MS &&
	       (collector_options_has_applications(collector) ||
		interface_walk_next(&collector->names.walk, &collector->terms->names) != NULL);
}

/* Announce all names again, a few at a time. A walk that is not at the end of a long list yet
 * continues. */
void collector_options_repeat_names(struct collector *collector)
{
	if (!collector_options_has_applications(collector))
		collector->names.next_application = 0;
	interface_walk_repeat(&collector->names.walk);
	collector->names.repeats_few = false;
	collector->names.repeated_ms = collector->time.uptime_ms;
}

/* A refresh by count repeats the next few names only: with a thousand interfaces all of them would
 * be more than the records of the datagrams in between. All are repeated by time. */
void collector_options_repeat_few_names(struct collector *collector)
{
	if (collector->names.walk.is_repeating)
		return;
	interface_walk_repeat(&collector->names.walk);
	collector->names.repeats_few = true;
}

void collector_options_add_names(struct collector *collector)
{
	const struct interface_names *names = &collector->terms->names;
	int announced = 0;

	for (; announced < COLLECTOR_NAMES_AT_ONCE; announced++) {
		const struct interface_names_entry *next =
			interface_walk_next(&collector->names.walk, names);

		if (!next ||
		    collector->encoder->add_interface(&collector->building.message, &next->name))
			break; /* no more, or full: the next datagram continues */
		interface_walk_step(&collector->names.walk, next);
		collector->names.announced_ms = collector->time.uptime_ms;
	}
	if (announced && collector->names.repeats_few)
		interface_walk_rest(&collector->names.walk);
	for (; announced < COLLECTOR_NAMES_AT_ONCE && collector_options_has_applications(collector);
	     announced++) {
		if (!collector_options_add_application(collector,
						       collector->names.next_application))
			break;
		collector->names.next_application++;
		collector->names.announced_ms = collector->time.uptime_ms;
	}
}

/* Options again, and templates where they are repeated. */
void collector_options_refresh(struct collector *collector)
{
	collector->refresh.is_due = collector_has_options(collector);
	collector_options_repeat_names(collector);
}

void collector_options_change(struct collector *collector, const struct template_choice *choice)
{
	collector->templates.choice = *choice;
	if (collector_has_templates(collector) && collector->has_time) {
		collector->templates.old = collector->templates.current;
		collector->templates.has_old = true;
		collector->refresh.is_due = true;
		collector->refresh.are_templates_due = true;
		collector->refresh.is_withdrawal_due =
			collector_has_sessions(collector) &&
			collector->encoder->withdraw_templates != NULL;
	}
	collector_options_make_templates(collector);
}

void collector_options_carry_samplers(struct collector *collector)
{
	struct template_choice choice = collector->templates.choice;

	choice.has_samplers = true;
	collector_options_change(collector, &choice);
}

bool collector_options_add_all_templates(const struct collector *collector, struct message *message,
					 struct collector_announcement *announcement)
{
	const struct encoder_type *encoder = collector->encoder;
	struct sampler_walk walk = collector->samplers;

	if (collector->templates.has_old &&
	    encoder->add_templates(message, &collector->templates.old, &announcement->old_template))
		return true;
	if (encoder->add_templates(message, &collector->templates.current, &announcement->template))
		return true;
	sampler_walk_repeat(&walk);
	(void)sampler_walk_add(&walk, &collector->sampling, encoder, message);
	return false;
}

/* With samplers, which may come later, there are most templates. */
int collector_options_count_messages(const struct collector *collector, size_t size, bool with_old)
{
	struct collector_announcement announcement = { 0 };
	struct collector *most = malloc(sizeof(*most));
	uint8_t *bytes = malloc(size);
	bool has_more = true;
	int count = 0;

	if (most && bytes) {
		*most = *collector;
		most->templates.old = collector->templates.current;
		most->templates.has_old = with_old;
		most->templates.choice.has_samplers = true;
		collector_options_make_templates(most);
	}
	for (; most && bytes && has_more; count++) {
		struct message message = { .writer = writer_of(bytes, size) };

		most->encoder->begin(&message, &collector->time);
		has_more = collector_options_add_all_templates(most, &message, &announcement);
	}
	free(bytes);
	free(most);
	return count ? count : -ENOMEM;
}
