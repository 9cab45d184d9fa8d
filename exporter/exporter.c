/* exporter.c - hands each record to every collector.
 *
 * Place: export thread -> exporter -> collectors. Invariant: collectors share nothing but the
 * terms, so that one that is down does not touch the others; without any, records are counted here.
 */
#include "exporter.h"

#include <stdlib.h>

/* Several files bring several clocks; a step back of less than this is one of the others, and time
 * stands still meanwhile. A longer one is a wrap of the uptime. */
#define CLOCK_SPREAD_MS 3600000u

struct exporter {
	struct collector_terms terms;
	struct collector_ledger ledger; /* without collectors */
	struct export_time time;
	bool has_time;
	size_t collector_count;
	struct collector *collectors[]; /* owned */
};

struct exporter *exporter_create(const struct exporter_config *config, struct error_text *error)
{
	struct exporter *exporter = calloc(
		1, sizeof(*exporter) + config->collector_count * sizeof(exporter->collectors[0]));

	if (!exporter) {
		error_text_set(error, "out of memory");
		return NULL;
	}
	exporter->terms = (struct collector_terms){
		.source_id = config->source_id,
		.template_refresh_ms = config->template_refresh_ms,
		.template_refresh_datagrams = config->template_refresh_datagrams,
		.choice = config->choice,
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
	return exporter;
}

void exporter_destroy(struct exporter *exporter)
{
	if (!exporter)
		return;
	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_destroy(exporter->collectors[i]);
	interface_names_clear(&exporter->terms.names);
	free(exporter);
}

void exporter_set_start(struct exporter *exporter, unix_ms start)
{
	exporter->terms.system_init_ms = start;
}

void exporter_set_sequence(struct exporter *exporter, size_t collector, uint32_t sequence)
{
	collector_set_sequence(exporter->collectors[collector], sequence);
}

bool exporter_has_room(const struct exporter *exporter)
{
	for (size_t i = 0; i < exporter->collector_count; i++)
		if (!collector_has_room(exporter->collectors[i]))
			return false;
	return true;
}

/* The time that collectors see: as it comes in, but never a step back. */
static const struct export_time *forward(struct exporter *exporter, const struct export_time *time)
{
	const uint32_t back_ms = exporter->time.uptime_ms - time->uptime_ms;

	if (!exporter->has_time || back_ms == 0 || back_ms > CLOCK_SPREAD_MS)
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

void exporter_add(struct exporter *exporter, const struct export_record *record,
		  const struct export_time *time)
{
	const struct export_time *now = forward(exporter, time);

	if (exporter->collector_count == 0)
		count_without_collector(&exporter->ledger, record);
	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_add(exporter->collectors[i], record, now);
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

int64_t exporter_send(struct exporter *exporter, int64_t now_us)
{
	int64_t first_us = -1;

	for (size_t i = 0; i < exporter->collector_count; i++) {
		const int64_t next_us = collector_send(exporter->collectors[i], now_us);

		if (next_us >= 0 && (first_us < 0 || next_us < first_us))
			first_us = next_us;
	}
	return first_us;
}

void exporter_finish(struct exporter *exporter, const struct export_time *time)
{
	const struct export_time *now = forward(exporter, time);

	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_finish(exporter->collectors[i], now);
}

void exporter_abandon(struct exporter *exporter)
{
	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_abandon(exporter->collectors[i]);
}

void exporter_send_template(struct exporter *exporter)
{
	for (size_t i = 0; i < exporter->collector_count; i++)
		collector_send_template(exporter->collectors[i]);
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
	collector_status(exporter->collectors[collector], status);
}

void exporter_ledger(const struct exporter *exporter, struct collector_ledger *ledger)
{
	const struct collector_ledger *best = &exporter->ledger;

	for (size_t i = 0; i < exporter->collector_count; i++) {
		const struct collector_ledger *one = collector_ledger(exporter->collectors[i]);

		if (i == 0 || one->sent.packets > best->sent.packets)
			best = one;
	}
	*ledger = *best;
}

size_t exporter_remotes(const struct exporter *exporter, struct sockaddr_storage *addresses,
			size_t count)
{
	size_t found = 0;

	for (size_t i = 0; i < exporter->collector_count; i++) {
		struct sockaddr_storage address;

		if (collector_remote(exporter->collectors[i], &address) == 0)
			continue;
		if (found < count)
			addresses[found] = address;
		found++;
	}
	return found;
}
