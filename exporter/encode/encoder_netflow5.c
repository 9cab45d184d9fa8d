/* encoder_netflow5.c - NetFlow version 5.
 *
 * Place: exporter -> encoder. Cisco has published the format, not a standard: a header of 24 bytes
 * and up to 30 records of 48, IPv4 only, without templates and options. The collector
 * (collector_records.c) keeps IPv6 away and splits counters of more than 32 bits.
 *
 * What has no place: VLAN, direction, why the record left, peer AS numbers. What does not fit: an
 * AS number above 65535 is 23456, AS_TRANS (RFC 6793 section 9); an interface index above 65535 is
 * 0, unknown.
 *
 * One packet in more than 16383 is announced as one in 16383.
 *
 * Times are on the clock of export_clock.h, whose present value is in the header beside the real
 * time. */
#include "encoder.h"

#include "export_clock.h"

#include <assert.h>
#include <errno.h>

enum {
	NETFLOW5_VERSION = 5,
	HEADER_SIZE = 24,
	HEADER_SEQUENCE_OFFSET = 16,
	RECORD_SIZE = 48,
	RECORDS_MAX = 30,
	AS_TRANS = 23456,
	NANOSECONDS = 1000000, /* per millisecond */
	SAMPLING_INTERVAL_MAX = 0x3fff,
};

static void begin(struct message *message, const struct export_time *time)
{
	(void)writer_take(&message->writer, HEADER_SIZE);
	message->records = 0;
	message->data_records = 0;
	message->sampling = (struct sampling_terms){ .samplers = NULL };
	message->clock = export_clock_begin(time);
}

static uint16_t interface_of(uint32_t index)
{
	return index > UINT16_MAX ? 0 : (uint16_t)index;
}

static uint16_t as_of(uint32_t number)
{
	return number > UINT16_MAX ? AS_TRANS : (uint16_t)number;
}

static int add_record(struct message *message, const struct template_set *templates,
		      const struct export_record *record)
{
	struct writer *writer = &message->writer;
	const struct flow_record *flow = &record->flow;
	const struct flow_key *key = &flow->key;

	(void)templates;
	if (message->records == RECORDS_MAX || writer_left(writer) < RECORD_SIZE)
		return -EMSGSIZE;
	/* The header has the rate of all records. */
	if (message->records && key->sampler != message->sampler)
		return -EMSGSIZE;
	message->sampler = key->sampler;
	writer_bytes(writer, key->addresses, 8);               /* srcaddr, dstaddr */
	writer_bytes(writer, record->destination.next_hop, 4); /* nexthop, 0 without one */
	writer_u16(writer, interface_of(key->input_interface));
	writer_u16(writer, interface_of(key->output_interface));
	writer_u32(writer, (uint32_t)flow->packets);
	writer_u32(writer, (uint32_t)flow->octets);
	writer_u32(writer, export_clock_of_flow(&message->clock, flow->first_ms));
	writer_u32(writer, export_clock_of_flow(&message->clock, flow->last_ms));
	writer_u16(writer, key->source_port);
	writer_u16(writer, key->destination_port);
	writer_u8(writer, 0); /* pad1 */
	writer_u8(writer, flow->tcp_flags);
	writer_u8(writer, key->protocol);
	writer_u8(writer, key->tos);
	writer_u16(writer, as_of(record->source.as_number));
	writer_u16(writer, as_of(record->destination.as_number));
	writer_u8(writer, record->source.prefix_length);
	writer_u8(writer, record->destination.prefix_length);
	writer_u16(writer, 0); /* pad2 */
	message->records++;
	message->data_records++;
	return 0;
}

/* Sampling mode and interval: 2 and 14 bits. An interval that does not fit is the largest one.
 * Where every packet counts the interval is 1 and the mode none, so that collectors that do not
 * separate the two read 1; an interval that is not known is 0. */
static uint16_t sampling_of(const struct message *message)
{
	enum { MODE_interval = 0x4000, MODE_random = 0x8000 };
	struct sampler sampler;

	if (!message->records)
		return 0;
	sampler = sampling_terms_look(&message->sampling, message->sampler);
	if (sampler.interval <= 1)
		return (uint16_t)sampler.interval;
	if (sampler.interval > SAMPLING_INTERVAL_MAX)
		sampler.interval = SAMPLING_INTERVAL_MAX;
	return (uint16_t)((sampler.method == SAMPLING_deterministic ? MODE_interval : MODE_random) |
			  sampler.interval);
}

/* engine_type and engine_id, 8 bits each, are the low bits of the source id. */
static size_t finish(struct message *message, const struct export_time *time, uint32_t source_id)
{
	const unix_ms now = time->unix_ms < 0 ? 0 : time->unix_ms;
	struct writer header = writer_of(message->writer.start, HEADER_SIZE);

	writer_u16(&header, NETFLOW5_VERSION);
	writer_u16(&header, (uint16_t)message->records);
	writer_u32(&header, export_clock_of(message->clock.start_ms, now));
	writer_u32(&header, export_time_seconds(time));
	writer_u32(&header, (uint32_t)(now % 1000) * NANOSECONDS);
	writer_u32(&header, 0); /* sequence number: stored when the message is sent */
	writer_u16(&header, (uint16_t)source_id);
	writer_u16(&header, sampling_of(message));
	return writer_size(&message->writer);
}

/* flow_sequence counts records. */
static uint32_t sequence_step(const struct message *message)
{
	return message->data_records;
}

const struct encoder_type encoder_netflow5 = {
	.name = "netflow5",
	.version = NETFLOW5_VERSION,
	.sequence_offset = HEADER_SEQUENCE_OFFSET,
	.has_ipv6 = false,
	.counter_max = UINT32_MAX,
	.begin = begin,
	.add_record = add_record,
	.finish = finish,
	.sequence_step = sequence_step,
};
