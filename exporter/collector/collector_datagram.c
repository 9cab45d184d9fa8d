/* collector_datagram.c - begins and finishes datagrams, by time and by what is in them, and sends
 * them.
 *
 * Place: collector_records -> datagram -> encoder, outbox. A datagram is built in the slot of the
 * queue where it will wait. Templates and statistics are always the first in their datagram, so a
 * collector knows the template before the records that need it; names follow a few at a time. */
#include "collector_datagram.h"

#include "collector.h"
#include "collector_options.h"
#include "outbox_kept.h"

#include <string.h>

size_t collector_room(const struct collector *collector)
{
	return outbox_room(&collector->outbox);
}

/* What no record or template fits into would be of no use: then the path's answer is the word. */
size_t collector_fitting_size(const struct collector *collector)
{
	const struct outbox *outbox = &collector->outbox;
	const struct encoder_type *encoder = collector->encoder;
	const size_t path = outbox->config.type->size_max
				    ? outbox->config.type->size_max(outbox->transport)
				    : 0;
	size_t least = COLLECTOR_DATAGRAM_SIZE_MIN;

	if (!path || path >= collector->datagram_size)
		return collector->datagram_size;
	if (encoder->size_min && encoder->size_min(&collector->templates.current) > least)
		least = encoder->size_min(&collector->templates.current);
	return path > least ? path : least;
}

bool collector_splits(const struct collector *collector)
{
	return collector->encoder->counter_max != UINT64_MAX;
}

/* Asked for each datagram: it changes with the routes. */
static void set_exporter(const struct collector *collector, struct record_sender *sender)
{
	const struct outbox *outbox = &collector->outbox;
	struct sockaddr_storage local;
	uint8_t bytes[16];
	size_t size = 0;

	if (outbox->config.type->local(outbox->transport, &local))
		size = transport_address_bytes(&local, bytes);
	memset(sender->ipv4, 0, sizeof(sender->ipv4));
	memset(sender->ipv6, 0, sizeof(sender->ipv6));
	if (size)
		memcpy(size == sizeof(sender->ipv4) ? sender->ipv4 : sender->ipv6, bytes, size);
}

static void begin_message(const struct collector *collector, struct message *message,
			  const struct export_time *time)
{
	collector->encoder->begin(message, time);
	message->has_uptime = collector->templates.current.has_uptime;
	message->source_id = collector->terms->source_id;
	message->sampling = collector->sampling;
	if (collector->templates.current.has_exporter)
		set_exporter(collector, &message->sender);
}

/* As far as templates leave room for anything else. */
static void begin_one(struct collector *collector)
{
	const uint32_t limit = collector->terms->template_refresh_datagrams;

	collector->building.message.writer =
		writer_of(datagram_queue_next(&collector->outbox.queue)->bytes,
			  collector_fitting_size(collector));
	begin_message(collector, &collector->building.message, &collector->time);
	collector->building.amount = (struct amount){ 0 };
	collector->building.first_record = collector->journal.count;
	collector->building.opened_ms = collector->time.uptime_ms;
	collector->building.opened_unix_ms = collector->time.unix_ms;
	collector->building.carries_templates = false;
	collector->building.is_open = true;
	/* Without a record since the last one, templates would take the place of what must
	 * follow them. */
	if (limit && collector->refresh.datagrams_since >= limit &&
	    collector_has_templates(collector) && collector->refresh.has_records_since) {
		collector->refresh.is_due = true;
		collector_options_repeat_few_names(collector);
	}
	if (collector->refresh.is_due)
		collector_options_begin_refresh(collector);
	if (collector->refresh.is_announcing)
		collector_options_add_templates(collector);
	if (collector->refresh.is_announcing)
		return;
	if (collector->refresh.are_statistics_due)
		collector_options_add_statistics(collector);
	(void)sampler_walk_add(&collector->samplers, &collector->sampling, collector->encoder,
			       &collector->building.message);
	if (collector_options_are_names_due(collector))
		collector_options_add_names(collector);
}

/* Finish the message that stands in 'datagram'. */
static void seal(const struct collector *collector, struct message *message,
		 const struct export_time *time, struct queued_datagram *datagram)
{
	datagram->size =
		(uint32_t)collector->encoder->finish(message, time, collector->terms->source_id);
	datagram->time = *time;
	datagram->sequence_step =
		collector->encoder->sequence_step ? collector->encoder->sequence_step(message) : 0;
}

__attribute__((noinline)) void collector_datagram_close(struct collector *collector)
{
	struct queued_datagram *datagram = datagram_queue_next(&collector->outbox.queue);

	seal(collector, &collector->building.message, &collector->time, datagram);
	datagram->file = collector->rotation.number;
	datagram->file_ms = collector->building.opened_unix_ms;
	rotation_add(&collector->rotation, datagram->size, collector->time.unix_ms);
	datagram->amount = collector->building.amount;
	datagram->record_from = collector->building.first_record;
	datagram->record_to = collector->journal.count;
	datagram->has_templates = collector->building.carries_templates;
	datagram->is_ahead = false;
	collector->building.is_open = false;
	collector->refresh.datagrams_since++;
	outbox_put(&collector->outbox);
}

/* The message of the datagram under construction, finished in another place. */
static void finish_copy(const struct collector *collector, struct queued_datagram *copy)
{
	struct message message = collector->building.message;
	const uint8_t *start = message.writer.start;

	memcpy(copy->bytes, start, writer_size(&message.writer));
	message.writer.next = copy->bytes + writer_size(&message.writer);
	message.writer.start = copy->bytes;
	message.writer.end = copy->bytes + collector->datagram_size;
	if (message.set_start)
		message.set_start = copy->bytes + (message.set_start - start);
	seal(collector, &message, &collector->time, copy);
	copy->amount = collector->building.amount;
	copy->has_templates = collector->building.carries_templates;
	copy->is_ahead = false;
}

void collector_note(struct collector *collector, uint64_t turn)
{
	if (!outbox_is_kept(&collector->outbox))
		return;
	if (collector->building.is_open)
		finish_copy(collector, outbox_kept_open(&collector->outbox));
	outbox_kept_note_turn(&collector->outbox, turn, collector->building.is_open);
}

/* Templates that do not fit into one datagram go into several, before anything that needs them. */
static void begin_datagram(struct collector *collector)
{
	begin_one(collector);
	while (collector->refresh.is_announcing) {
		collector_datagram_close(collector);
		begin_one(collector);
	}
}

static bool is_rotation_due(const struct collector *collector)
{
	return rotation_is_due(&collector->rotation, collector->time.unix_ms);
}

/* Statistics end a file, and begin the next one: together they say how many records are in it. */
static void rotate(struct collector *collector)
{
	collector->refresh.is_due = true;
	begin_datagram(collector);
	collector_datagram_close(collector);
	rotation_begin(&collector->rotation);
	collector->refresh.is_due = true;
}

/* This and collector_datagram_close() are not inlined. Most records need neither, and inlined in
 * collector_add() they would cost each record some registers. */
__attribute__((noinline)) void collector_datagram_open(struct collector *collector)
{
	if (is_rotation_due(collector))
		rotate(collector);
	begin_datagram(collector);
}

static void set_time(struct collector *collector, const struct export_time *time)
{
	if (!collector->has_time) {
		collector->refresh.last_ms = time->uptime_ms;
		collector->names.announced_ms = time->uptime_ms - COLLECTOR_NAMES_INTERVAL_MS;
		collector->names.repeated_ms = time->uptime_ms;
		collector->has_time = true;
	}
	collector->time = *time;
}

/* A record has waited for long enough. In a file the clock may have gone on far since: the datagram
 * has the time at which it was due, or that of its last record. */
static void close_when_due(struct collector *collector, const struct export_time *before)
{
	const struct export_time now = collector->time;
	const int64_t step_ms = now.unix_ms - before->unix_ms;
	int64_t late_ms =
		now.unix_ms - collector->building.opened_unix_ms - EXPORTER_RECORD_WAIT_MS;

	if (late_ms > step_ms)
		late_ms = step_ms;
	if (late_ms > 0) {
		collector->time.uptime_ms -= (uint32_t)late_ms;
		collector->time.unix_ms -= late_ms;
	}
	collector_datagram_close(collector);
	collector->time = now;
}

/* Kept out of collector_add() likewise. */
__attribute__((noinline)) void collector_advance(struct collector *collector,
						 const struct export_time *time)
{
	const uint32_t refresh_ms = collector->terms->template_refresh_ms;
	const struct export_time before = collector->time;

	set_time(collector, time);
	if (refresh_ms && !collector->refresh.is_due &&
	    collector_since(collector, collector->refresh.last_ms) >= refresh_ms)
		collector_options_refresh(collector);
	if (refresh_ms && collector_since(collector, collector->names.repeated_ms) >= refresh_ms) {
		/* Live, one that has come since has no template for them. */
		if (collector->terms->is_live)
			collector_options_refresh(collector);
		else
			collector_options_repeat_names(collector);
	}
	if (!collector_room(collector))
		return;
	if (collector->building.is_open &&
	    (collector_since(collector, collector->building.opened_ms) >= EXPORTER_RECORD_WAIT_MS ||
	     is_rotation_due(collector)))
		close_when_due(collector, &before);
	if (collector->building.is_open && collector_options_are_names_due(collector)) {
		collector_options_add_names(collector);
		if (collector_options_are_names_due(collector)) /* not one fitted */
			collector_datagram_close(collector);
	}
	if (!collector->building.is_open &&
	    (collector->refresh.is_due || collector->refresh.are_statistics_due ||
	     collector_options_are_names_due(collector) || is_rotation_due(collector)))
		collector_datagram_open(collector);
}

/* The nearer of two: 'best' (-1: none yet), and 'wait_ms' after 'from_ms', an uptime. */
static int64_t nearer(const struct collector *collector, int64_t best, uint32_t from_ms,
		      uint32_t wait_ms)
{
	const uint32_t elapsed_ms = collector_since(collector, from_ms);
	const int64_t left_ms = elapsed_ms < wait_ms ? wait_ms - elapsed_ms : 0;

	return best < 0 || left_ms < best ? left_ms : best;
}

int64_t collector_next(const struct collector *collector)
{
	const uint32_t refresh_ms = collector->terms->template_refresh_ms;
	const int64_t rotation_ms = rotation_wait_ms(&collector->rotation, collector->time.unix_ms);
	int64_t next_ms = -1;

	/* Without room nothing is done before something is sent. */
	if (!collector->has_time || !collector_room(collector))
		return -1;
	if (collector->building.is_open)
		next_ms = nearer(collector, next_ms, collector->building.opened_ms,
				 EXPORTER_RECORD_WAIT_MS);
	else if (collector->refresh.is_due || collector->refresh.are_statistics_due)
		next_ms = 0;
	if (!collector_has_options(collector))
		return next_ms;
	if (rotation_ms >= 0 && (next_ms < 0 || rotation_ms < next_ms))
		next_ms = rotation_ms;
	if (refresh_ms && !collector->refresh.is_due)
		next_ms = nearer(collector, next_ms, collector->refresh.last_ms, refresh_ms);
	if (refresh_ms &&
	    (collector->terms->names.count || collector->names.applications_announced))
		next_ms = nearer(collector, next_ms, collector->names.repeated_ms, refresh_ms);
	if (interface_walk_has_more(&collector->names.walk, &collector->terms->names) ||
	    collector_options_has_applications(collector))
		next_ms = nearer(collector, next_ms, collector->names.announced_ms,
				 COLLECTOR_NAMES_INTERVAL_MS);
	return next_ms;
}

/* Build one datagram of those that go ahead: templates alone. Without templates in the protocol it
 * is a line of statistics, or a header without records: it loses nothing where nobody listens.
 * 'next' is the datagram that they go before. Returns whether there is more to announce. */
static bool build_ahead(const struct collector *collector, const struct queued_datagram *next,
			struct collector_announcement *announcement,
			struct queued_datagram *datagram)
{
	const struct export_time *time =
		collector_has_sessions(collector) ? &next->time : &collector->time;
	struct message message = {
		.writer = writer_of(datagram->bytes, collector_fitting_size(collector)),
	};
	struct export_statistics statistics;
	bool has_more = false;

	begin_message(collector, &message, time);
	if (collector_has_templates(collector)) {
		has_more = collector_options_add_all_templates(collector, &message, announcement);
	} else if (collector_has_options(collector)) {
		collector_options_sent(collector, &statistics);
		(void)collector->encoder->add_statistics(&message, &statistics,
							 collector->terms->source_id);
	}
	seal(collector, &message, time, datagram);
	datagram->file = next->file;
	datagram->file_ms = next->file_ms;
	datagram->amount = (struct amount){ 0 };
	datagram->record_from = datagram->record_to = 0;
	datagram->has_templates = true;
	datagram->is_ahead = collector_has_sessions(collector);
	return has_more;
}

/* Templates overtake all that waits. While it is not known that anybody listens the first of
 * several datagrams is enough.
 *
 * In a session their time is that of the first message they go before, so that an export file does
 * not depend on when it was opened. */
static void put_templates_ahead(struct collector *collector)
{
	struct datagram_queue *queue = &collector->outbox.queue;
	const struct queued_datagram next = *datagram_queue_at(queue, queue->handed);
	struct collector_announcement announcement = { 0 };
	size_t number = 0;
	bool has_more;

	do {
		has_more =
			build_ahead(collector, &next, &announcement, datagram_queue_ahead(queue));
		outbox_put_ahead(&collector->outbox, number++);
	} while (has_more && !outbox_is_held(&collector->outbox));
}

void collector_poll(struct collector *collector, int64_t now_us)
{
	const uint64_t forgotten = collector->outbox.ahead.forgotten;

	outbox_poll(&collector->outbox, now_us);
	if (collector->outbox.ahead.forgotten != forgotten) {
		collector_options_repeat_names(collector);
		collector->names.next_application = 0;
	}
}

int64_t collector_send(struct collector *collector)
{
	int64_t wait_us;

	if (outbox_wants_templates(&collector->outbox))
		put_templates_ahead(collector);
	wait_us = outbox_send(&collector->outbox);
	outbox_kept_note(&collector->outbox);
	return wait_us;
}

size_t collector_descriptors(const struct collector *collector, struct pollfd *descriptors)
{
	return outbox_descriptors(&collector->outbox, descriptors);
}

/* The statistics that follow the last records make the ledger at the collector complete. */
void collector_finish(struct collector *collector, const struct export_time *time)
{
	set_time(collector, time);
	if (collector->building.is_open)
		collector_datagram_close(collector);
	if (!collector_has_options(collector) ||
	    collector->refresh.records_then == collector->outbox.ledger.taken.records)
		return;
	collector->refresh.is_due = true;
	do {
		collector_datagram_open(collector);
		collector_datagram_close(collector);
	} while (
		collector->refresh.are_statistics_due); /* they fit into the second at the latest */
}

void collector_abandon(struct collector *collector)
{
	outbox_abandon(&collector->outbox);
	if (collector->building.is_open)
		outbox_lose(&collector->outbox, &collector->building.amount);
	collector->building.is_open = false;
}
