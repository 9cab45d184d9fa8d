/* exporter.c - hands each record to one collector of every group.
 *
 * Place: export thread -> exporter -> groups of collectors. Invariant: collectors share nothing but
 * the terms, so that one that is down does not touch the others; without any, records are counted
 * here. */
#include "exporter.h"

#include "exporter_parts.h"

#include <poll.h>
#include <stdlib.h>

/* Several files bring several clocks; a step back of less than this is one of the others, and time
 * stands still meanwhile. A longer one is a wrap of the uptime, and so is one during which real
 * time continues: 50 days without a packet. */
#define CLOCK_SPREAD_MS 3600000u
/* Between two looks while nothing may be sent. */
#define EXPORTER_HELD_US 10000

static int create_groups(struct exporter *exporter, struct error_text *error)
{
	const int count = collector_groups_create(exporter->collectors, exporter->collector_count,
						  exporter->terms.secret, &exporter->groups);

	if (count < 0) {
		error_text_set(error, "out of memory");
		return count;
	}
	exporter->group_count = (size_t)count;
	return 0;
}

struct exporter *exporter_create(const struct exporter_config *config, struct error_text *error)
{
	struct exporter *exporter = calloc(1, sizeof(*exporter));

	if (exporter)
		exporter->collectors =
			calloc(config->collector_count + 1, sizeof(exporter->collectors[0]));
	if (!exporter || !exporter->collectors) {
		free(exporter);
		error_text_set(error, "out of memory");
		return NULL;
	}
	exporter->terms = (struct collector_terms){
		.source_id = config->source_id,
		.seed = config->seed,
		.template_refresh_ms = config->template_refresh_ms,
		.template_refresh_datagrams = config->template_refresh_datagrams,
		.choice = config->choice,
		.secret = config->secret,
		.is_live = config->is_live,
		.record_size =
			config->record_size ? config->record_size : sizeof(struct export_record),
		.on_event = config->on_event,
		.event_context = config->event_context,
	};
	for (size_t i = 0; i < config->collector_count; i++) {
		struct collector *collector =
			collector_create(&config->collectors[i], &exporter->terms, error);

		if (!collector) {
			exporter_destroy(exporter);
			return NULL;
		}
		exporter->collectors[exporter->collector_count++] = collector;
	}
	if (create_groups(exporter, error)) {
		exporter_destroy(exporter);
		return NULL;
	}
	return exporter;
}

void exporter_destroy(struct exporter *exporter)
{
	if (!exporter)
		return;
	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_destroy(exporter->collectors[i]);
	for (size_t i = 0; i < exporter->leaving_count; i++)
		collector_destroy(exporter->leaving[i].collector);
	free(exporter->collectors);
	free(exporter->leaving);
	collector_groups_destroy(exporter->groups, exporter->group_count);
	interface_names_clear(&exporter->terms.names);
	application_list_clear(&exporter->terms.applications);
	free(exporter);
}

void exporter_set_start(struct exporter *exporter, unix_ms start)
{
	exporter->terms.system_init_ms = start;
}

int exporter_set_applications(struct exporter *exporter, const struct application_table *table)
{
	return application_list_init(&exporter->terms.applications, table);
}

void exporter_set_samplers(struct exporter *exporter, const struct samplers *samplers)
{
	exporter->terms.samplers = samplers;
	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_samplers_known(exporter->collectors[i]);
}

void exporter_continue(struct exporter *exporter, size_t collector,
		       const struct collector_ledger *before)
{
	if (collector < exporter->collector_count)
		collector_continue(exporter->collectors[collector], before);
	else
		exporter->ledger = *before;
}

const struct collector_ledger *exporter_collector_ledger(const struct exporter *exporter,
							 size_t collector)
{
	return collector < exporter->collector_count
		       ? collector_ledger(exporter->collectors[collector])
		       : &exporter->ledger;
}

uint16_t exporter_port(const struct exporter *exporter, size_t collector)
{
	return collector_port(exporter->collectors[collector]);
}

void exporter_set_port(struct exporter *exporter, size_t collector, uint16_t port)
{
	collector_set_port(exporter->collectors[collector], port);
}

void exporter_set_sequence(struct exporter *exporter, size_t collector, uint32_t sequence)
{
	collector_set_sequence(exporter->collectors[collector], sequence);
}

void exporter_keep_sequence(struct exporter *exporter, size_t collector, _Atomic uint32_t *place)
{
	collector_keep_sequence(exporter->collectors[collector], place);
}

uint64_t exporter_kept_size(const struct exporter *exporter, size_t collector)
{
	return collector_kept_size(exporter->collectors[collector]);
}

uint64_t exporter_keep(struct exporter *exporter, size_t collector, void *memory, uint64_t turn)
{
	return collector_keep(exporter->collectors[collector], memory, turn);
}

void exporter_uncount(struct exporter *exporter)
{
	exporter->ledger = exporter->removed = (struct collector_ledger){ 0 };
	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_uncount(exporter->collectors[i]);
}

const struct queued_datagram *exporter_waiting(const struct exporter *exporter, size_t collector,
					       size_t index)
{
	return collector_waiting(exporter->collectors[collector], index);
}

void exporter_give(struct exporter *exporter, size_t collector,
		   const struct queued_datagram *datagram)
{
	collector_give(exporter->collectors[collector], datagram);
}

void exporter_note(struct exporter *exporter, uint64_t turn)
{
	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_note(exporter->collectors[i], turn);
	for (size_t i = 0; i < exporter->leaving_count; i++)
		if (!exporter->leaving[i].is_done)
			collector_note(exporter->leaving[i].collector, turn);
}

size_t exporter_room(const struct exporter *exporter)
{
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < exporter->group_count; i++) {
		const size_t room = collector_group_room(&exporter->groups[i]);

		if (room < least)
			least = room;
	}
	return least;
}

bool exporter_splits(const struct exporter *exporter)
{
	for (size_t i = 0; i < exporter->collector_count; i++)
		if (collector_splits(exporter->collectors[i]))
			return true;
	return false;
}

/* The time that collectors see: as it comes in, but never a step back. */
static const struct export_time *forward(struct exporter *exporter, const struct export_time *time)
{
	const uint32_t back_ms = exporter->time.uptime_ms - time->uptime_ms;

	if (!exporter->has_time || back_ms == 0 || back_ms > CLOCK_SPREAD_MS ||
	    time->unix_ms > exporter->time.unix_ms)
		exporter->time = *time;
	exporter->has_time = true;
	return &exporter->time;
}

static void count_without_collector(struct collector_ledger *ledger,
				    const struct export_record *record)
{
	const struct amount amount = { 1, record->flow.packets, record->flow.octets };

	amount_add(&ledger->taken, &amount);
	amount_add(&ledger->lost[LOSS_NO_COLLECTOR], &amount);
}

/* The flow is forgotten: the record is for no collector, and the first of each group counts it. */
static __attribute__((noinline)) void count_dropped(struct exporter *exporter,
						    const struct export_record *record)
{
	const struct amount amount = { 1, record->flow.packets, record->flow.octets };

	for (size_t i = 0; i < exporter->group_count; i++)
		collector_exclude(exporter->groups[i].members[0], EXCLUDED_DROPPED, &amount);
	if (exporter->group_count)
		return;
	amount_add(&exporter->ledger.taken, &amount);
	amount_add(&exporter->ledger.excluded[EXCLUDED_DROPPED], &amount);
}

void exporter_add(struct exporter *exporter, const struct export_record *record,
		  const struct export_time *time)
{
	struct collector_group *group = exporter->groups;
	struct collector_group *const end = group + exporter->group_count;

	if (__builtin_expect(record->flow.end_reason == FLOW_END_dropped, 0)) {
		count_dropped(exporter, record);
		return;
	}
	application_list_meet(&exporter->terms.applications, record->application);
	if (time->unix_ms != exporter->time.unix_ms || time->uptime_ms != exporter->time.uptime_ms)
		(void)forward(exporter, time);
	if (group == end) {
		count_without_collector(&exporter->ledger, record);
		return;
	}
	do {
		collector_add(collector_group_next(group, &record->flow.key), record,
			      &exporter->time);
	} while (++group < end);
}

void exporter_add_pair(struct exporter *exporter, const struct export_record *record,
		       const struct export_record *reverse, const struct export_time *time)
{
	const struct export_time *now;

	if (record->flow.end_reason == FLOW_END_dropped) { /* then both are */
		count_dropped(exporter, record);
		count_dropped(exporter, reverse);
		return;
	}
	now = forward(exporter, time);
	application_list_meet(&exporter->terms.applications, record->application);
	application_list_meet(&exporter->terms.applications, reverse->application);
	if (exporter->collector_count == 0) {
		count_without_collector(&exporter->ledger, record);
		count_without_collector(&exporter->ledger, reverse);
	}
	for (size_t i = 0; i < exporter->group_count; i++)
		collector_add_pair(collector_group_next(&exporter->groups[i], &record->flow.key),
				   record, reverse, now);
}

void exporter_advance(struct exporter *exporter, const struct export_time *time)
{
	const struct export_time *now = forward(exporter, time);

	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_advance(exporter->collectors[i], now);
}

int64_t exporter_next(const struct exporter *exporter)
{
	int64_t first_ms = -1;

	for (size_t i = 0; i < exporter->collector_count; i++) {
		const int64_t next_ms = collector_next(exporter->collectors[i]);

		if (next_ms >= 0 && (first_ms < 0 || next_ms < first_ms))
			first_ms = next_ms;
	}
	return first_ms;
}

/* Who of a group gets the records from now on, and say so if it is another than before. */
static void update_group(const struct exporter *exporter, struct collector_group *group)
{
	const struct collector *before;
	struct collector *now;

	if (!collector_group_update(group, &before))
		return;
	now = group->members[group->current];
	collector_takes_over(now);
	if (!exporter->terms.on_event)
		return;
	exporter->terms.on_event(exporter->terms.event_context,
				 &(struct collector_event){
					 .kind = COLLECTOR_TAKES_OVER,
					 .collector = collector_name(now),
					 .group = collector_role(now)->group,
					 .before = collector_name(before),
				 });
}

void exporter_serve(struct exporter *exporter, const struct collector *collector)
{
	atomic_store_explicit(&exporter->serving, collector ? collector_name(collector) : NULL,
			      memory_order_relaxed);
}

const char *exporter_serving(const struct exporter *exporter)
{
	return atomic_load_explicit(&exporter->serving, memory_order_relaxed);
}

/* Whether it is too early to send, and nothing is held up by that. */
static bool is_before_begin(struct exporter *exporter, int64_t now_us)
{
	if (!exporter->begin_us && !exporter->is_held)
		return false;
	if ((exporter->is_held || now_us < exporter->begin_us) && exporter_has_room(exporter))
		return true;
	exporter->begin_us = 0;
	exporter->is_held = false;
	return false;
}

/* How long that is so: the one who holds it wakes the thread. */
static int64_t until_begin_us(const struct exporter *exporter, int64_t now_us)
{
	return exporter->is_held || now_us > exporter->begin_us ? EXPORTER_HELD_US
								: exporter->begin_us - now_us;
}

void exporter_poll(struct exporter *exporter, int64_t now_us)
{
	const bool is_early = is_before_begin(exporter, now_us);

	for (size_t i = 0; i < exporter->collector_count; i++) {
		if (is_early && collector_connects(exporter->collectors[i]))
			continue; /* the first packets of a connection are a start, too */
		exporter_serve(exporter, exporter->collectors[i]);
		collector_poll(exporter->collectors[i], now_us);
	}
	exporter_poll_leaving(exporter, now_us);
	exporter_serve(exporter, NULL);
	exporter->has_polled = true;
}

void exporter_set_begin(struct exporter *exporter, int64_t begin_us)
{
	exporter->begin_us = begin_us;
}

void exporter_hold(struct exporter *exporter, bool is_held)
{
	exporter->is_held = is_held;
}

int64_t exporter_send(struct exporter *exporter, int64_t now_us)
{
	int64_t first_us;

	if (!exporter->has_polled)
		exporter_poll(exporter, now_us);
	exporter->has_polled = false;
	first_us = exporter_send_leaving(exporter, now_us);
	if (is_before_begin(exporter, now_us)) {
		const int64_t left_us = until_begin_us(exporter, now_us);

		return first_us >= 0 && first_us < left_us ? first_us : left_us;
	}
	for (size_t i = 0; i < exporter->collector_count; i++) {
		int64_t next_us;

		if (exporter_is_held(exporter, exporter->collectors[i]))
			continue;
		exporter_serve(exporter, exporter->collectors[i]);
		next_us = collector_send(exporter->collectors[i]);
		if (next_us >= 0 && (first_us < 0 || next_us < first_us))
			first_us = next_us;
	}
	exporter_serve(exporter, NULL);
	for (size_t i = 0; i < exporter->group_count; i++) {
		update_group(exporter, &exporter->groups[i]);
		if (collector_group_hand_on(&exporter->groups[i], &exporter->time))
			first_us = 0;
	}
	return first_us;
}

size_t exporter_descriptors(const struct exporter *exporter, struct pollfd *descriptors, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < exporter->collector_count; i++) {
		if (max - count < EXPORTER_DESCRIPTORS)
			break;
		count += collector_descriptors(exporter->collectors[i], &descriptors[count]);
	}
	return count;
}

void exporter_finish(struct exporter *exporter, const struct export_time *time)
{
	const struct export_time *now = forward(exporter, time);

	exporter->begin_us = 0;
	exporter->is_held = false;
	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_finish(exporter->collectors[i], now);
}

void exporter_abandon(struct exporter *exporter)
{
	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_abandon(exporter->collectors[i]);
	for (size_t i = 0; i < exporter->leaving_count; i++)
		collector_abandon(exporter->leaving[i].collector);
}

void exporter_set_refresh(struct exporter *exporter, uint32_t refresh_ms, uint32_t datagrams)
{
	const bool is_other = refresh_ms != exporter->terms.template_refresh_ms;

	exporter->terms.template_refresh_ms = refresh_ms;
	exporter->terms.template_refresh_datagrams = datagrams;
	for (size_t i = 0; is_other && i < exporter->collector_count; i++)
		collector_respread(exporter->collectors[i]);
}

void exporter_send_template(struct exporter *exporter)
{
	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_send_template(exporter->collectors[i]);
}

size_t exporter_send_template_to(struct exporter *exporter, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < exporter->collector_count; i++) {
		if (strcmp(collector_name(exporter->collectors[i]), name) != 0)
			continue;
		collector_send_template(exporter->collectors[i]);
		count++;
	}
	return count;
}

void exporter_set_workers(struct exporter *exporter, const struct ring_mark *workers)
{
	exporter->terms.workers = *workers;
}

int exporter_set_interface(struct exporter *exporter, const struct interface_name *name)
{
	return interface_names_set(&exporter->terms.names, name);
}

void exporter_remove_interface(struct exporter *exporter, uint32_t index)
{
	interface_names_remove(&exporter->terms.names, index);
}

size_t exporter_collector_count(const struct exporter *exporter)
{
	return exporter->collector_count;
}

void exporter_collector_status(const struct exporter *exporter, size_t collector,
			       struct collector_status *status)
{
	const struct collector *one = exporter->collectors[collector];

	collector_status(one, status);
	exporter_add_predecessors(exporter, one, &status->ledger);
	for (size_t i = 0; i < exporter->group_count; i++)
		if (collector_group_has(&exporter->groups[i], one))
			status->is_used = collector_group_uses(&exporter->groups[i], one);
}

void exporter_group_ledger(const struct exporter *exporter, const struct collector_group *group,
			   struct collector_ledger *ledger)
{
	collector_group_ledger(group, ledger);
	for (size_t i = 0; i < group->count; i++)
		exporter_add_predecessors(exporter, group->members[i], ledger);
}

void exporter_ledger(const struct exporter *exporter, struct collector_ledger *ledger)
{
	*ledger = exporter->ledger;
	for (size_t i = 0; i < exporter->group_count; i++) {
		struct collector_ledger group;

		exporter_group_ledger(exporter, &exporter->groups[i], &group);
		if (i == 0 || group.sent.packets > ledger->sent.packets)
			*ledger = group;
	}
}

size_t exporter_remotes(const struct exporter *exporter, struct export_remote *remotes,
			size_t count)
{
	size_t found = 0;

	for (size_t i = 0; i < exporter->collector_count; i++) {
		struct export_remote remote = { .ip_protocol = 0 };

		if (!collector_remote(exporter->collectors[i], &remote))
			continue;
		if (found < count)
			remotes[found] = remote;
		found++;
	}
	return found;
}
