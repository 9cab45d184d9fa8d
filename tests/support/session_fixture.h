/* session_fixture.h - an exporter whose collector is reached by a fake transport with sessions.
 *
 * For tests of the outbox, each of which includes this once. */
#ifndef SESSION_FIXTURE_H
#define SESSION_FIXTURE_H

#include "exporter.h"

#include "outbox.h"

#include "check.h"
#include "fake_transport.c"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define SECOND_US     1000000
#define SESSIONS_MAX  200
#define OCTETS_OFFSET 29 /* of octetDeltaCount in a record without choice */

static struct fake_transport *const fake = &fake_transports[0]; /* to a collector */
static struct collector_event last_event;
static size_t event_count;
static bool is_patient; /* of the next collector */

static inline void begin_session(void)
{
	fake_transport_begin_session(fake);
}

static inline void end_session(int error)
{
	fake->poll_error = -error;
}

static inline void on_event(void *context, const struct collector_event *event)
{
	(void)context;
	last_event = *event;
	event_count++;
}

static inline struct exporter *create_spooled(uint64_t spool_size, uint32_t rate,
					      uint32_t refresh_ms, uint32_t refresh_datagrams)
{
	const struct collector_config collector = {
		.name = "fake",
		.transport_type = &fake_transport_sessions,
		.version = 10,
		.address = { .host = "fake" },
		.datagram_size = 1400,
		.datagrams_per_second = rate,
		.spool_size = spool_size,
		.is_patient = is_patient,
	};
	const struct exporter_config config = {
		.collectors = &collector,
		.collector_count = 1,
		.source_id = 7,
		.template_refresh_ms = refresh_ms,
		.template_refresh_datagrams = refresh_datagrams,
		.on_event = on_event,
	};
	struct error_text error;
	struct exporter *exporter;

	fake_transport_reset();
	event_count = 0;
	fake->poll_error = -EALREADY;
	exporter = exporter_create(&config, &error);
	CHECK(exporter != NULL);
	return exporter;
}

static inline struct exporter *create(uint32_t refresh_ms, uint32_t refresh_datagrams)
{
	return create_spooled(0, 0, refresh_ms, refresh_datagrams);
}

static inline struct export_time at(uint32_t uptime_ms)
{
	return (struct export_time){ .unix_ms = 1700000000000 + uptime_ms, .uptime_ms = uptime_ms };
}

static inline void add(struct exporter *exporter, uint32_t now_ms, unsigned int count)
{
	const struct export_time time = at(now_ms);

	for (unsigned int i = 0; i < count; i++) {
		const struct export_record record = { .flow = { .key = { .ip_version = 4,
									 .input_interface = 65536 },
								.packets = 1,
								.octets = 100 } };

		exporter_add(exporter, &record, &time);
	}
}

static inline void advance(struct exporter *exporter, uint32_t now_ms)
{
	const struct export_time time = at(now_ms);

	exporter_advance(exporter, &time);
}

/* So that all that was added is queued. */
static inline void finish(struct exporter *exporter, uint32_t now_ms)
{
	const struct export_time time = at(now_ms);

	exporter_finish(exporter, &time);
}

static inline struct collector_status status_of(const struct exporter *exporter)
{
	struct collector_status status;

	exporter_collector_status(exporter, 0, &status);
	CHECK(collector_ledger_closes(&status.ledger));
	return status;
}

static inline uint64_t lost(const struct exporter *exporter, enum loss_reason reason)
{
	return status_of(exporter).ledger.lost[reason].records;
}

static inline uint64_t lost_in_all(const struct exporter *exporter)
{
	const struct collector_status status = status_of(exporter);

	return collector_ledger_lost(&status.ledger).records;
}

static inline size_t sets_of(const struct fake_datagram *message, uint16_t id)
{
	size_t found = 0;
	size_t offset = 16;

	while (offset < message->size) {
		found += load_be16(message->bytes + offset) == id;
		CHECK(load_be16(message->bytes + offset + 2) >= 4);
		offset += load_be16(message->bytes + offset + 2);
	}
	CHECK_EQ(offset, message->size);
	return found;
}

static inline uint32_t flows_of(const struct fake_datagram *message)
{
	for (size_t offset = 16; offset < message->size;
	     offset += load_be16(message->bytes + offset + 2))
		if (load_be16(message->bytes + offset) == 260)
			return (uint32_t)(load_be16(message->bytes + offset + 2) - 4) / 61;
	return 0;
}

/* Each session begins with templates, which no other message has but one that was asked for, and
 * counts its data records from 0. */
static inline void check_sessions(size_t requested)
{
	uint32_t sequence = 0;

	for (size_t i = 0; i < fake->count; i++) {
		const struct fake_datagram *message = &fake->sent[i];
		const bool is_first = i == 0 || message->session != message[-1].session;

		CHECK_EQ(load_be16(message->bytes), 10);
		CHECK_EQ(load_be16(message->bytes + 2), message->size);
		if (is_first) {
			sequence = 0;
			CHECK_EQ(sets_of(message, 2), 1);
			CHECK_EQ(sets_of(message, 3), 3);
			CHECK_EQ(sets_of(message, 401), 0);
		} else if (sets_of(message, 2)) {
			CHECK(requested-- > 0);
		}
		CHECK_EQ(load_be32(message->bytes + 8), sequence);
		sequence += flows_of(message) + (uint32_t)sets_of(message, 401) +
			    (uint32_t)sets_of(message, 400) + (uint32_t)sets_of(message, 402);
	}
}

#endif
