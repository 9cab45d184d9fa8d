/* collector.c - fills datagrams and decides when templates and options go with them.
 *
 * Place: exporter -> collector -> encoder, outbox. A datagram is built in the slot of the queue
 * where it will wait. Templates and statistics are always the first in their datagram, so a
 * collector knows the template before the records that need it; interface names follow a few at a
 * time. Every decision is a function of the export_time that comes in and repeats itself
 * harmlessly, so datagrams do not depend on how often anyone calls. */
#include "collector.h"

#include "exporter.h"
#include "sampler_walk.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NAMES_AT_ONCE     12  /* interface names in one go: 720 bytes */
#define NAMES_INTERVAL_MS 100 /* a thousand names take 9 s */

struct collector {
	char name[280];
	uint8_t version;
	const struct encoder_type *encoder;
	const struct collector_terms *terms; /* borrowed for life */
	struct template_choice choice;
	struct template_set templates;
	struct template_set old_templates; /* of records that may still wait */
	bool has_old_templates;
	size_t datagram_size;
	struct outbox outbox;
	struct rotation rotation;
	struct collector_role role; /* 'group' is 'group_name' */
	char group_name[COLLECTOR_GROUP_SIZE];
	struct record_selection selection;

	/* The datagram under construction. */
	bool is_open;
	bool carries_templates;
	struct message message;
	struct amount amount; /* of its records */
	uint32_t opened_ms;   /* uptime */
	unix_ms opened_unix_ms;

	struct export_time time; /* the last that came in */
	bool has_time;
	bool has_limits; /* its protocol does not carry every record as it is */

	/* Refresh; times are uptime. */
	bool is_refresh_due;
	bool are_templates_due; /* with sessions: on request only */
	bool is_withdrawal_due; /* of old_templates; with sessions only */
	bool are_statistics_due;
	struct sampling_terms sampling;
	struct sampler_walk samplers;
	uint32_t refreshed_ms;
	uint32_t datagrams_since_refresh;
	bool has_records_since_refresh;
	uint64_t records_at_refresh; /* 'taken' then */
	struct interface_walk walk;  /* through the interface names */
	bool repeats_few;            /* the walk stops where the next few were told */
	size_t applications_told;    /* of the list, from the front, before their first record */
	size_t next_application;     /* of these, to be repeated next */
	uint32_t names_ms;           /* when the last ones were told */
	uint32_t names_repeated_ms;  /* when all were to be repeated */
};

static const struct transport_type *transport_of(const struct collector_config *config)
{
	return config->transport_type ? config->transport_type : transport_find(config->transport);
}

static uint32_t size_max(const struct collector_config *config)
{
	return transport_of(config)->session ? COLLECTOR_MESSAGE_SIZE_MAX
					     : COLLECTOR_DATAGRAM_SIZE_MAX;
}

static bool config_is_valid(const struct collector_config *config, struct error_text *error)
{
	if (!encoder_find(config->version))
		error_text_set(error,
			       "collector %s: export version %u is not supported, expected 5, 9, "
			       "10 or JSON",
			       config->name, config->version);
	else if (!transport_of(config))
		error_text_set(error, "collector %s: transport '%s' is not supported, expected %s",
			       config->name, config->transport, transport_names());
	else if (transport_of(config)->session && !encoder_find(config->version)->is_delimited)
		error_text_set(error,
			       "collector %s: transport %s cannot carry export version %u, whose "
			       "messages do not say where they end",
			       config->name, transport_of(config)->name, config->version);
	else if (config->datagram_size < COLLECTOR_DATAGRAM_SIZE_MIN ||
		 config->datagram_size > size_max(config))
		error_text_set(error,
			       "collector %s: datagram size %u is out of range, expected %d to %u",
			       config->name, config->datagram_size, COLLECTOR_DATAGRAM_SIZE_MIN,
			       size_max(config));
	else
		return true;
	return false;
}

/* Whether the protocol has templates. */
static bool has_templates(const struct collector *collector)
{
	return collector->encoder->add_templates != NULL;
}

/* Whether it has statistics and interface names. */
static bool has_options(const struct collector *collector)
{
	return collector->encoder->add_statistics != NULL;
}

static void make_templates(struct collector *collector)
{
	if (collector->encoder->protocol)
		template_set_init(&collector->templates,
				  (enum export_protocol)collector->encoder->protocol,
				  &collector->choice);
}

/* Whether a datagram holds any record. */
static bool is_large_enough(const struct collector *collector, struct error_text *error)
{
	const struct encoder_type *encoder = collector->encoder;
	const size_t size = encoder->size_min ? encoder->size_min(&collector->templates) : 0;

	if (size <= collector->datagram_size)
		return true;
	error_text_set(
		error, "collector %s: %s may have %zu bytes, which a datagram of %zu does not hold",
		collector->name, has_templates(collector) ? "its templates" : "a line of JSON",
		size, collector->datagram_size);
	error_text_hint(error, "where the path allows it, give this collector a larger mtu");
	return false;
}

/* In a session templates hold until its end, so they are told once, at its beginning (RFC 7011
 * section 8.1), ahead of all that waits. */
static bool has_sessions(const struct collector *collector)
{
	return outbox_has_sessions(&collector->outbox);
}

static void set_role(struct collector *collector, const struct collector_role *role)
{
	const char *name = role->group ? role->group : collector_mode_name(role->mode);

	collector->role = *role;
	if (role->mode != COLLECTOR_mirror)
		(void)snprintf(collector->group_name, sizeof(collector->group_name), "%s", name);
	collector->role.group = collector->group_name;
	if (!role->priority)
		collector->role.priority = UINT32_MAX;
}

static int set_selection(struct collector *collector, const struct collector_config *config,
			 struct error_text *error)
{
	const struct flow_filter_names names = {
		.interface_is = interface_names_is,
		.context = &collector->terms->names,
	};
	struct error_text why = { .text = "" };
	const int result = record_selection_init(&collector->selection, config->filter, &names,
						 config->sampling, &why);

	if (result)
		error_text_set(error, "collector %s: %s", config->name, why.text);
	return result;
}

struct collector *collector_create(const struct collector_config *config,
				   const struct collector_terms *terms, struct error_text *error)
{
	struct collector *collector;

	if (!config_is_valid(config, error))
		return NULL;
	collector = calloc(1, sizeof(*collector));
	if (!collector) {
		error_text_set(error, "collector %s: out of memory", config->name);
		return NULL;
	}
	(void)snprintf(collector->name, sizeof(collector->name), "%s", config->name);
	collector->version = config->version;
	collector->encoder = encoder_find(config->version);
	collector->has_limits =
		!collector->encoder->has_ipv6 || collector->encoder->counter_max != UINT64_MAX;
	collector->terms = terms;
	collector->datagram_size = config->datagram_size;
	collector->rotation = (struct rotation){ .settings = config->address.rotation,
						 .message_size = config->datagram_size };
	collector->is_refresh_due = has_options(collector);
	set_role(collector, &config->role);
	collector->sampling.flows = config->sampling;
	collector->choice = terms->choice;
	collector->choice.has_uptime = config->has_uptime;
	collector->choice.fields = config->fields;
	collector->choice.has_samplers = collector->sampling.flows > 1;
	sampler_walk_init(&collector->samplers, &collector->sampling);
	make_templates(collector);
	if (!is_large_enough(collector, error) || set_selection(collector, config, error)) {
		free(collector);
		return NULL;
	}
	if (outbox_init(&collector->outbox,
			&(struct outbox_config){
				.name = collector->name,
				.type = transport_of(config),
				.address = config->address,
				.datagram_size = config->datagram_size,
				.datagrams_per_second = config->datagrams_per_second,
				.spool_size = config->spool_size,
				.spool_directory = config->spool_directory,
				.is_patient = config->is_patient,
				.has_templates = has_templates(collector),
				.sequence_offset = collector->encoder->sequence_offset,
				.on_event = terms->on_event,
				.event_context = terms->event_context,
			},
			error)) {
		record_selection_clear(&collector->selection);
		free(collector);
		return NULL;
	}
	return collector;
}

void collector_destroy(struct collector *collector)
{
	if (!collector)
		return;
	outbox_clear(&collector->outbox);
	record_selection_clear(&collector->selection);
	free(collector);
}

void collector_set_sequence(struct collector *collector, uint32_t sequence)
{
	collector->outbox.sequence = sequence;
}

size_t collector_room(const struct collector *collector)
{
	const size_t room = outbox_room(&collector->outbox);

	/* A record in many parts may make many datagrams. */
	return room && collector->encoder->counter_max != UINT64_MAX ? 1 : room;
}

/* The uptime wraps after 49 days; differences do not mind. */
static uint32_t since(const struct collector *collector, uint32_t uptime_ms)
{
	return collector->time.uptime_ms - uptime_ms;
}

/* The ledger as of a datagram that overtakes what is queued. */
static void statistics_get_sent(const struct collector *collector,
				struct export_statistics *statistics)
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
	for (size_t i = 0; has_sessions(collector) && i < outbox->queue.count; i++) {
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

	statistics_get_sent(collector, statistics);
	amount_add(&statistics->collector.sent, &outbox->ledger.waiting);
	statistics->collector.datagrams_sent += outbox->queue.count + outbox->spool.count;
	statistics->collector.datagram_bytes_sent +=
		outbox->queue.total_bytes + outbox->spool.total_bytes;
	leave_out_ahead(collector, statistics);
}

/* What has place in an empty message of the smallest size. */
static void add_templates(struct collector *collector)
{
	int result = 0;

	if (collector->is_withdrawal_due)
		result = collector->encoder->withdraw_templates(&collector->message,
								&collector->old_templates);
	assert(result == 0);
	result = collector->encoder->add_templates(&collector->message, &collector->templates);
	assert(result == 0);
	(void)result;
	collector->carries_templates = true;
	collector->are_templates_due = false;
	collector->is_withdrawal_due = false;
}

/* They follow the templates, in the same datagram or in the next. */
static void add_statistics(struct collector *collector)
{
	struct export_statistics statistics;

	statistics_get(collector, &statistics);
	if (collector->encoder->add_statistics(&collector->message, &statistics,
					       collector->terms->source_id))
		return;
	collector->are_statistics_due = false;
	collector->records_at_refresh = collector->outbox.ledger.taken.records;
}

/* The message is empty. */
static void add_refresh(struct collector *collector)
{
	if (has_templates(collector) && (!has_sessions(collector) || collector->are_templates_due))
		add_templates(collector);
	collector->is_refresh_due = false;
	collector->are_statistics_due = true;
	collector->refreshed_ms = collector->time.uptime_ms;
	collector->datagrams_since_refresh = 0;
	collector->has_records_since_refresh = false;
	sampler_walk_repeat(&collector->samplers);
}

/* Whether names of applications are to be repeated. */
static bool has_applications(const struct collector *collector)
{
	return collector->next_application < collector->applications_told;
}

static bool add_application(struct collector *collector, size_t number)
{
	const struct application_list *list = &collector->terms->applications;

	return !collector->encoder->add_application(&collector->message, list->met[number]);
}

/* Names of interfaces or applications. */
static bool are_names_due(struct collector *collector)
{
	return has_options(collector) &&
	       since(collector, collector->names_ms) >= NAMES_INTERVAL_MS &&
	       (has_applications(collector) ||
		interface_walk_next(&collector->walk, &collector->terms->names) != NULL);
}

/* Tell all names again, a few at a time. A list so long that it is not at its end yet goes on. */
static void repeat_names(struct collector *collector)
{
	if (!has_applications(collector))
		collector->next_application = 0;
	interface_walk_repeat(&collector->walk);
	collector->repeats_few = false;
	collector->names_repeated_ms = collector->time.uptime_ms;
}

/* A refresh by count repeats the next few names only: with a thousand interfaces all of them would
 * be more than the records of the datagrams in between. All are repeated by time. */
static void repeat_few_names(struct collector *collector)
{
	if (collector->walk.is_repeating)
		return;
	interface_walk_repeat(&collector->walk);
	collector->repeats_few = true;
}

static void add_names(struct collector *collector)
{
	const struct interface_names *names = &collector->terms->names;
	int told = 0;

	for (; told < NAMES_AT_ONCE; told++) {
		const struct interface_names_entry *next =
			interface_walk_next(&collector->walk, names);

		if (!next || collector->encoder->add_interface(&collector->message, &next->name))
			break; /* no more, or full: the next datagram goes on */
		interface_walk_step(&collector->walk, next);
		collector->names_ms = collector->time.uptime_ms;
	}
	if (told && collector->repeats_few)
		interface_walk_rest(&collector->walk);
	for (; told < NAMES_AT_ONCE && has_applications(collector); told++) {
		if (!add_application(collector, collector->next_application))
			break;
		collector->next_application++;
		collector->names_ms = collector->time.uptime_ms;
	}
}

static void begin_message(const struct collector *collector, struct message *message,
			  const struct export_time *time)
{
	collector->encoder->begin(message, time);
	message->has_uptime = collector->templates.has_uptime;
	message->source_id = collector->terms->source_id;
	message->sampling = collector->sampling;
}

static void begin_datagram(struct collector *collector)
{
	const uint32_t limit = collector->terms->template_refresh_datagrams;

	collector->message.writer = writer_of(datagram_queue_next(&collector->outbox.queue)->bytes,
					      collector->datagram_size);
	begin_message(collector, &collector->message, &collector->time);
	collector->amount = (struct amount){ 0 };
	collector->opened_ms = collector->time.uptime_ms;
	collector->opened_unix_ms = collector->time.unix_ms;
	collector->carries_templates = false;
	collector->is_open = true;
	/* Without a record since the last one, templates would take the place of what is to follow
	 * them. */
	if (limit && collector->datagrams_since_refresh >= limit && has_templates(collector) &&
	    collector->has_records_since_refresh) {
		collector->is_refresh_due = true;
		repeat_few_names(collector);
	}
	if (collector->is_refresh_due)
		add_refresh(collector);
	if (collector->are_statistics_due)
		add_statistics(collector);
	(void)sampler_walk_add(&collector->samplers, &collector->sampling, collector->encoder,
			       &collector->message);
	if (are_names_due(collector))
		add_names(collector);
}

/* Finish the message that stands in 'datagram'. */
static void seal(const struct collector *collector, struct message *message,
		 const struct export_time *time, struct queued_datagram *datagram)
{
	datagram->size =
		(uint32_t)collector->encoder->finish(message, time, collector->terms->source_id);
	datagram->time = *time;
	datagram->sequence_step = collector->encoder->sequence_step(message);
}

__attribute__((noinline)) static void close_datagram(struct collector *collector)
{
	struct queued_datagram *datagram = datagram_queue_next(&collector->outbox.queue);

	seal(collector, &collector->message, &collector->time, datagram);
	datagram->file = collector->rotation.number;
	datagram->file_ms = collector->opened_unix_ms;
	rotation_add(&collector->rotation, datagram->size, collector->time.unix_ms);
	datagram->amount = collector->amount;
	datagram->has_templates = collector->carries_templates;
	datagram->is_ahead = false;
	collector->is_open = false;
	collector->datagrams_since_refresh++;
	outbox_put(&collector->outbox);
}

static bool is_rotation_due(const struct collector *collector)
{
	return rotation_is_due(&collector->rotation, collector->time.unix_ms);
}

/* Statistics end a file, and begin the next one: together they say how many records are in it. */
static void rotate(struct collector *collector)
{
	collector->is_refresh_due = true;
	begin_datagram(collector);
	close_datagram(collector);
	rotation_begin(&collector->rotation);
	collector->is_refresh_due = true;
}

/* This and close_datagram() are kept out of collector_add(), which most records pass without them:
 * there they would cost each some registers. */
__attribute__((noinline)) static void open_datagram(struct collector *collector)
{
	if (is_rotation_due(collector))
		rotate(collector);
	begin_datagram(collector);
}

static void set_time(struct collector *collector, const struct export_time *time)
{
	if (!collector->has_time) {
		collector->refreshed_ms = time->uptime_ms;
		collector->names_ms = time->uptime_ms - NAMES_INTERVAL_MS;
		collector->names_repeated_ms = time->uptime_ms;
		collector->has_time = true;
	}
	collector->time = *time;
}

/* Options again, and templates where they are repeated. */
static void refresh(struct collector *collector)
{
	collector->is_refresh_due = has_options(collector);
	repeat_names(collector);
}

/* Kept out of collector_add() likewise. */
__attribute__((noinline)) void collector_advance(struct collector *collector,
						 const struct export_time *time)
{
	const uint32_t refresh_ms = collector->terms->template_refresh_ms;

	set_time(collector, time);
	if (refresh_ms && !collector->is_refresh_due &&
	    since(collector, collector->refreshed_ms) >= refresh_ms)
		refresh(collector);
	if (refresh_ms && since(collector, collector->names_repeated_ms) >= refresh_ms)
		repeat_names(collector);
	if (!collector_room(collector))
		return;
	if (collector->is_open &&
	    (since(collector, collector->opened_ms) >= EXPORTER_RECORD_WAIT_MS ||
	     is_rotation_due(collector)))
		close_datagram(collector);
	if (collector->is_open && are_names_due(collector)) {
		add_names(collector);
		if (are_names_due(collector)) /* not one fitted */
			close_datagram(collector);
	}
	if (!collector->is_open && (collector->is_refresh_due || collector->are_statistics_due ||
				    are_names_due(collector) || is_rotation_due(collector)))
		open_datagram(collector);
}

/* The nearer of two: 'best' (-1: none yet), and 'wait_ms' after 'from_ms', an uptime. */
static int64_t nearer(const struct collector *collector, int64_t best, uint32_t from_ms,
		      uint32_t wait_ms)
{
	const uint32_t elapsed_ms = since(collector, from_ms);
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
	if (collector->is_open)
		next_ms = nearer(collector, next_ms, collector->opened_ms, EXPORTER_RECORD_WAIT_MS);
	else if (collector->is_refresh_due || collector->are_statistics_due)
		next_ms = 0;
	if (!has_options(collector))
		return next_ms;
	if (rotation_ms >= 0 && (next_ms < 0 || rotation_ms < next_ms))
		next_ms = rotation_ms;
	if (refresh_ms && !collector->is_refresh_due)
		next_ms = nearer(collector, next_ms, collector->refreshed_ms, refresh_ms);
	if (refresh_ms && (collector->terms->names.count || collector->applications_told))
		next_ms = nearer(collector, next_ms, collector->names_repeated_ms, refresh_ms);
	if (interface_walk_has_more(&collector->walk, &collector->terms->names) ||
	    has_applications(collector))
		next_ms = nearer(collector, next_ms, collector->names_ms, NAMES_INTERVAL_MS);
	return next_ms;
}

static inline int encode(struct collector *collector, const struct export_record *record,
			 const struct export_record *reverse)
{
	const struct encoder_type *encoder = collector->encoder;

	if (reverse)
		return encoder->add_biflow(&collector->message, &collector->templates, record,
					   reverse);
	return encoder->add_record(&collector->message, &collector->templates, record);
}

/* Add to a datagram what fits into one record of the protocol; 'reverse' is NULL unless that is a
 * biflow. Inline, because in the usual case a whole record is one. */
static inline void add_part(struct collector *collector, const struct export_record *record,
			    const struct export_record *reverse, const struct amount *amount)
{
	if (!collector->is_open)
		open_datagram(collector);
	/* Three times at most: a datagram that was full, one that templates filled, one that
	 * statistics filled; a record fits into the smallest empty one. */
	while (encode(collector, record, reverse)) {
		close_datagram(collector);
		open_datagram(collector);
	}
	collector->has_records_since_refresh = true;
	amount_add(&collector->amount, amount);
	amount_add(&collector->outbox.ledger.taken, amount);
	amount_add(&collector->outbox.ledger.waiting, amount);
}

/* Part 'index' of 'count' even parts of a number, which together are the number. */
static uint64_t part_of(uint64_t number, uint64_t index, uint64_t count)
{
	return number / count + (index < number % count);
}

/* Parts of at most 'max' that a number takes. */
static uint64_t parts_needed(uint64_t number, uint64_t max)
{
	return number / max + (number % max != 0);
}

/* As several records of the same flow, none with a counter above 'counter_max'. In the ledger each
 * datagram has the packets and octets of its parts, and the last part is the record. They are even
 * parts: so each has packets, unless there are fewer packets than parts. */
static void add_in_parts(struct collector *collector, const struct export_record *record)
{
	const struct flow_record *flow = &record->flow;
	const uint64_t max = collector->encoder->counter_max;
	const uint64_t of_octets = parts_needed(flow->octets, max);
	const uint64_t of_packets = parts_needed(flow->packets, max);
	const uint64_t count = of_octets > of_packets ? of_octets : of_packets;
	struct export_record part = *record;

	for (uint64_t i = 0; i < count; i++) {
		part.flow.packets = part_of(flow->packets, i, count);
		part.flow.octets = part_of(flow->octets, i, count);
		add_part(collector, &part, NULL,
			 &(struct amount){ i + 1 == count, part.flow.packets, part.flow.octets });
	}
}

static struct amount amount_of(const struct flow_record *flow)
{
	return (struct amount){ 1, flow->packets, flow->octets };
}

/* Whether the record is not for this collector, which is counted. */
__attribute__((noinline)) static bool is_excluded(struct collector *collector,
						  const struct export_record *record)
{
	const struct amount amount = amount_of(&record->flow);
	const enum collector_exclusion reason =
		record_selection_look(&collector->selection, record);

	if (reason == COLLECTOR_EXCLUSION_COUNT)
		return false;
	amount_add(&collector->outbox.ledger.taken, &amount);
	amount_add(&collector->outbox.ledger.excluded[reason], &amount);
	return true;
}

static void count_unsupported(struct collector *collector, const struct flow_record *flow)
{
	const struct amount amount = amount_of(flow);

	amount_add(&collector->outbox.ledger.taken, &amount);
	amount_add(&collector->outbox.ledger.lost[LOSS_UNSUPPORTED], &amount);
}

/* From now on records carry the number of their sampler: they have other templates, and those that
 * wait keep the old ones. */
static void carry_samplers(struct collector *collector)
{
	collector->choice.has_samplers = true;
	if (has_templates(collector) && collector->has_time) {
		collector->old_templates = collector->templates;
		collector->has_old_templates = true;
		collector->is_refresh_due = true;
		collector->are_templates_due = true;
		collector->is_withdrawal_due =
			has_sessions(collector) && collector->encoder->withdraw_templates != NULL;
	}
	make_templates(collector);
}

void collector_samplers_known(struct collector *collector)
{
	collector->sampling.samplers = collector->terms->samplers;
	sampler_walk_init(&collector->samplers, &collector->sampling);
	if (collector->samplers.is_on && !collector->choice.has_samplers)
		carry_samplers(collector);
}

/* A record of another sampler than the one before comes: tell what its number means, in datagrams
 * before it. Bounded: each tells at least one. */
__attribute__((noinline)) static void meet_sampler(struct collector *collector, uint8_t number)
{
	if (!sampler_walk_meet(&collector->samplers, &collector->sampling, number) ||
	    !collector->encoder->protocol)
		return;
	if (!collector->choice.has_samplers) {
		if (collector->is_open)
			close_datagram(collector);
		carry_samplers(collector);
	}
	if (!collector->is_open)
		open_datagram(collector);
	while (!sampler_walk_add(&collector->samplers, &collector->sampling, collector->encoder,
				 &collector->message)) {
		close_datagram(collector);
		open_datagram(collector);
	}
}

/* Records have had applications that this collector was not told of: usually one, that of the
 * record that comes. Of many some go with each record. */
__attribute__((noinline)) static void tell_applications(struct collector *collector)
{
	const size_t count = collector->terms->applications.count;

	for (int i = 0; i < NAMES_AT_ONCE && collector->applications_told < count; i++) {
		if (!collector->is_open)
			open_datagram(collector);
		while (!add_application(collector, collector->applications_told)) {
			close_datagram(collector);
			open_datagram(collector);
		}
		/* Repeating goes on from here, if it was at the end. */
		collector->next_application +=
			collector->next_application == collector->applications_told;
		collector->applications_told++;
	}
}

/* A record that the protocol cannot carry, or only in parts. Returns false if it is not one. */
__attribute__((noinline)) static bool add_beyond_limits(struct collector *collector,
							const struct export_record *record)
{
	const struct encoder_type *encoder = collector->encoder;
	const struct flow_record *flow = &record->flow;

	if (flow->key.ip_version == 6 && !encoder->has_ipv6)
		count_unsupported(collector, flow);
	else if (flow->octets > encoder->counter_max || flow->packets > encoder->counter_max)
		add_in_parts(collector, record);
	else
		return false;
	return true;
}

static inline __attribute__((always_inline)) void add_record(struct collector *collector,
							     const struct export_record *record,
							     const struct export_time *time)
{
	const struct amount amount = amount_of(&record->flow);

	if (!collector->has_time || time->uptime_ms != collector->time.uptime_ms)
		collector_advance(collector, time);
	if (!record_selection_is_all(&collector->selection) && is_excluded(collector, record))
		return;
	if (record->flow.key.sampler != collector->samplers.last)
		meet_sampler(collector, record->flow.key.sampler);
	if (collector->applications_told < collector->terms->applications.count &&
	    collector->encoder->add_application)
		tell_applications(collector);
	if (!collector->has_limits || !add_beyond_limits(collector, record))
		add_part(collector, record, NULL, &amount);
}

/* Called from one place, so that it is inlined there. */
void collector_add(struct collector *collector, const struct export_record *record,
		   const struct export_time *time)
{
	add_record(collector, record, time);
}

/* Whether neither direction is left out. */
static bool takes_both(const struct collector *collector, const struct export_record *forward,
		       const struct export_record *reverse)
{
	const struct record_selection *selection = &collector->selection;

	return record_selection_is_all(selection) ||
	       (record_selection_look(selection, forward) == COLLECTOR_EXCLUSION_COUNT &&
		record_selection_look(selection, reverse) == COLLECTOR_EXCLUSION_COUNT);
}

/* A filter looks at each direction for itself, whatever the protocol: if it takes one of the two,
 * that is a record of its own. */
void collector_add_pair(struct collector *collector, const struct export_record *forward,
			const struct export_record *reverse, const struct export_time *time)
{
	struct amount amount = amount_of(&forward->flow);
	const struct amount of_reverse = amount_of(&reverse->flow);

	if (!collector->templates.has_biflows || !takes_both(collector, forward, reverse)) {
		add_record(collector, forward, time);
		add_record(collector, reverse, time);
		return;
	}
	if (!collector->has_time || time->uptime_ms != collector->time.uptime_ms)
		collector_advance(collector, time);
	if (forward->flow.key.sampler != collector->samplers.last)
		meet_sampler(collector, forward->flow.key.sampler);
	if (collector->applications_told < collector->terms->applications.count &&
	    collector->encoder->add_application)
		tell_applications(collector);
	amount_add(&amount, &of_reverse);
	add_part(collector, forward, reverse, &amount);
}

/* The templates of all that waits, and what their samplers are, as far as there is room. */
static void add_all_templates(const struct collector *collector, struct message *message)
{
	struct sampler_walk walk = collector->samplers;

	if (collector->has_old_templates)
		(void)collector->encoder->add_templates(message, &collector->old_templates);
	(void)collector->encoder->add_templates(message, &collector->templates);
	sampler_walk_repeat(&walk);
	(void)sampler_walk_add(&walk, &collector->sampling, collector->encoder, message);
}

/* A datagram with templates alone that overtakes all that wait. Without templates in the protocol
 * it is a line of statistics, or a header without records: it loses nothing where nobody listens.
 *
 * In a session its time is that of the first message it goes before, so that an export file does
 * not depend on when it was opened. */
static void put_templates_ahead(struct collector *collector)
{
	struct datagram_queue *queue = &collector->outbox.queue;
	const struct queued_datagram *next = datagram_queue_at(queue, queue->handed);
	const struct export_time *time = has_sessions(collector) ? &next->time : &collector->time;
	struct queued_datagram *datagram = datagram_queue_ahead(queue);
	struct message message = { .writer = writer_of(datagram->bytes, collector->datagram_size) };
	struct export_statistics statistics;

	begin_message(collector, &message, time);
	if (has_templates(collector)) {
		add_all_templates(collector, &message);
	} else if (has_options(collector)) {
		statistics_get_sent(collector, &statistics);
		(void)collector->encoder->add_statistics(&message, &statistics,
							 collector->terms->source_id);
	}
	seal(collector, &message, time, datagram);
	datagram->file = next->file;
	datagram->file_ms = next->file_ms;
	datagram->amount = (struct amount){ 0 };
	datagram->has_templates = true;
	datagram->is_ahead = has_sessions(collector);
	outbox_put_ahead(&collector->outbox);
}

int64_t collector_send(struct collector *collector, int64_t now_us)
{
	const uint64_t session = collector->outbox.session;

	outbox_poll(&collector->outbox, now_us);
	if (collector->outbox.session != session) {
		repeat_names(collector);
		collector->next_application = 0;
	}
	if (outbox_wants_templates(&collector->outbox))
		put_templates_ahead(collector);
	return outbox_send(&collector->outbox);
}

/* The statistics that follow the last records make the ledger at the collector complete. */
void collector_finish(struct collector *collector, const struct export_time *time)
{
	set_time(collector, time);
	if (collector->is_open)
		close_datagram(collector);
	if (!has_options(collector) ||
	    collector->records_at_refresh == collector->outbox.ledger.taken.records)
		return;
	collector->is_refresh_due = true;
	do {
		open_datagram(collector);
		close_datagram(collector);
	} while (collector->are_statistics_due); /* they fit into the second at the latest */
}

void collector_abandon(struct collector *collector)
{
	outbox_abandon(&collector->outbox);
	if (collector->is_open)
		outbox_lose(&collector->outbox, &collector->amount);
	collector->is_open = false;
}

void collector_send_template(struct collector *collector)
{
	refresh(collector);
	collector->are_templates_due = collector->is_refresh_due;
}

const struct collector_ledger *collector_ledger(const struct collector *collector)
{
	return &collector->outbox.ledger;
}

const char *collector_name(const struct collector *collector)
{
	return collector->name;
}

const struct collector_role *collector_role(const struct collector *collector)
{
	return &collector->role;
}

bool collector_is_down(const struct collector *collector)
{
	return collector->outbox.state == OUTBOX_down;
}

bool collector_remote(const struct collector *collector, struct export_remote *remote)
{
	const struct outbox *outbox = &collector->outbox;

	remote->ip_protocol = outbox->config.type->ip_protocol;
	return remote->ip_protocol &&
	       outbox->config.type->remote(outbox->transport, &remote->address) > 0;
}

void collector_status(const struct collector *collector, struct collector_status *status)
{
	const struct outbox *outbox = &collector->outbox;
	struct sockaddr_storage address;

	*status = (struct collector_status){
		.transport = outbox->config.type->name,
		.version = collector->version,
		.mode = collector->role.mode,
		.priority = collector->role.priority == UINT32_MAX ? 0 : collector->role.priority,
		.sampling = collector->selection.sampling ? collector->selection.sampling : 1,
		.is_up = outbox->state == OUTBOX_up,
		.last_error = outbox->last_error,
		.last_loss = outbox->last_loss,
		.waits_for_reader = outbox->config.is_patient && outbox->queue.count &&
				    outbox->state == OUTBOX_up,
		.has_sequence = outbox->config.sequence_offset != 0,
		.sequence = outbox->sequence,
		.queued_datagrams = (uint32_t)(outbox->queue.count + outbox->spool.count),
		.unconfirmed_datagrams = (uint32_t)outbox->queue.handed,
		.spool_size = outbox->config.spool_size,
		.spooled_bytes = outbox->spool.total_bytes,
		.spooled_records = outbox->spool.amount.records,
		.has_sessions = has_sessions(collector),
		.sessions = outbox->session,
		.session_failures = outbox->session_failures,
		.last_sent_ms = outbox->last_sent_us < 0 ? -1 : outbox->last_sent_us / 1000,
		.ledger = outbox->ledger,
	};
	(void)snprintf(status->name, sizeof(status->name), "%s", collector->name);
	memcpy(status->fault, outbox->fault, sizeof(status->fault));
	(void)snprintf(status->group, sizeof(status->group), "%s", collector->group_name);
	transport_address_format(&address, outbox->config.type->remote(outbox->transport, &address),
				 status->remote);
}

const char *collector_fault_text(enum collector_loss loss, int error)
{
	/* The resolver's answer has no errno of its own. */
	if (loss == LOSS_UNRESOLVED)
		return "its name has no address";
	switch (error) {
	case ENODEV: return "the interface it is sent to by does not exist";
	case EACCES:
		return "Permission denied (of a file: for the user that flowagent runs as, see "
		       "flowagent(8))";
	case EROFS:
		return "the directory is read-only for flowagent; the service may write to "
		       "/var/lib/flowagent, elsewhere it needs ReadWritePaths=";
	case ENOTDIR: return "the directory of the file does not exist";
	case EEXIST: return "there is a file that is not of flowagent: move it away";
	case EBUSY: return "another process writes this file";
	case ENXIO: return "nobody reads the pipe";
	case ENETDOWN: return "the interface it is sent to by is down";
	case EMSGSIZE: return "datagrams are longer than the path takes (give it a smaller mtu)";
	case EAGAIN: return "it does not take what is sent";
	case EALREADY: return "it has not answered yet";
	case EPIPE: return "it closed the connection";
	default: break;
	}
	return error ? strerror(error) : collector_loss_name(loss);
}
