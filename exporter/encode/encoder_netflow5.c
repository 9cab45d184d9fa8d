/* encoder_netflow5.c - NetFlow version 5, and its kin 1 and 7.
 *
 * Place: exporter -> encoder. Cisco has published the formats, not a standard: a header and records
 * of a fixed form, IPv4 only, without templates and options. The collector (collector_records.c)
 * keeps IPv6 away and splits counters of more than 32 bits. The first 36 bytes of a record are the
 * same in all three.
 *
 * version  header, record, most records  what is different
 * 1        16, 48, 24                    no sequence number, AS numbers, masks, engine
 * 5        24, 48, 30                    the rate of sampling is in the header
 * 7        24, 52, 27                    no engine; flags of what is valid, and the router
 *
 * What has no place: VLAN, direction, why the record left, peer AS numbers. What does not fit: an
 * AS number above 65535 is 23456, AS_TRANS (RFC 6793 section 9); an interface index above 65535 is
 * 0, unknown.
 *
 * One packet in more than 16383 is announced as one in 16383; versions 1 and 7 announce no rate.
 *
 * Times are on the clock of export_clock.h, whose present value is in the header beside the real
 * time. */
#include "encoder.h"

#include "export_clock.h"

#include <errno.h>

enum {
	NETFLOW1_VERSION = 1,
	NETFLOW1_HEADER_SIZE = 16,
	NETFLOW1_RECORD_SIZE = 48,
	NETFLOW1_RECORDS_MAX = 24,
	NETFLOW5_VERSION = 5,
	NETFLOW5_RECORD_SIZE = 48,
	NETFLOW5_RECORDS_MAX = 30,
	NETFLOW7_VERSION = 7,
	NETFLOW7_RECORD_SIZE = 52,
	NETFLOW7_RECORDS_MAX = 27,
	HEADER_SIZE = 24, /* of versions 5 and 7 */
	HEADER_SEQUENCE_OFFSET = 16,
	AS_TRANS = 23456,
	NANOSECONDS = 1000000, /* per millisecond */
	SAMPLING_INTERVAL_MAX = 0x3fff,
};

static void begin_after(struct message *message, const struct export_time *time, size_t header)
{
	(void)writer_take(&message->writer, header);
	message->records = 0;
	message->data_records = 0;
	message->sampling = (struct sampling_terms){ .samplers = NULL };
	message->sender.clock = export_clock_begin(time);
}

static void begin1(struct message *message, const struct export_time *time)
{
	begin_after(message, time, NETFLOW1_HEADER_SIZE);
}

static void begin(struct message *message, const struct export_time *time)
{
	begin_after(message, time, HEADER_SIZE);
}

static uint16_t interface_of(uint32_t index)
{
	return index > UINT16_MAX ? 0 : (uint16_t)index;
}

static uint16_t as_of(uint32_t number)
{
	return number > UINT16_MAX ? AS_TRANS : (uint16_t)number;
}

static bool has_room(const struct message *message, uint32_t records_max, size_t record_size)
{
	return message->records < records_max && writer_left(&message->writer) >= record_size;
}

/* What all three begin with. */
static void write_beginning(struct message *message, const struct export_record *record)
{
	struct writer *writer = &message->writer;
	const struct flow_record *flow = &record->flow;
	const struct flow_key *key = &flow->key;

	writer_bytes(writer, key->addresses, 8);               /* srcaddr, dstaddr */
	writer_bytes(writer, record->destination.next_hop, 4); /* nexthop, 0 without one */
	writer_u16(writer, interface_of(key->input_interface));
	writer_u16(writer, interface_of(key->output_interface));
	writer_u32(writer, (uint32_t)flow->packets);
	writer_u32(writer, (uint32_t)flow->octets);
	writer_u32(writer, export_clock_of_flow(&message->sender.clock, flow->first_ms));
	writer_u32(writer, export_clock_of_flow(&message->sender.clock, flow->last_ms));
	writer_u16(writer, key->source_port);
	writer_u16(writer, key->destination_port);
	message->records++;
	message->data_records++;
}

/* What versions 5 and 7 continue with. The first byte, pad1, is flags in version 7: 0, all fields
 * are valid. */
static void write_rest(struct writer *writer, const struct export_record *record)
{
	const struct flow_key *key = &record->flow.key;

	writer_u8(writer, 0); /* pad1 */
	writer_u8(writer, record->flow.tcp_flags);
	writer_u8(writer, key->protocol);
	writer_u8(writer, key->tos);
	writer_u16(writer, as_of(record->source.as_number));
	writer_u16(writer, as_of(record->destination.as_number));
	writer_u8(writer, record->source.prefix_length);
	writer_u8(writer, record->destination.prefix_length);
	writer_u16(writer, 0); /* pad2; in version 7 flags of a switch */
}

static int add_record1(struct message *message, const struct template_set *templates,
		       const struct export_record *record)
{
	struct writer *writer = &message->writer;

	(void)templates;
	if (!has_room(message, NETFLOW1_RECORDS_MAX, NETFLOW1_RECORD_SIZE))
		return -EMSGSIZE;
	write_beginning(message, record);
	writer_u16(writer, 0); /* pad1 */
	writer_u8(writer, record->flow.key.protocol);
	writer_u8(writer, record->flow.key.tos);
	writer_u8(writer, record->flow.tcp_flags);
	writer_bytes(writer, (const uint8_t[7]){ 0 }, 7); /* retransmissions, reserved */
	return 0;
}

static int add_record5(struct message *message, const struct template_set *templates,
		       const struct export_record *record)
{
	const uint8_t sampler = record->flow.key.sampler;

	(void)templates;
	if (!has_room(message, NETFLOW5_RECORDS_MAX, NETFLOW5_RECORD_SIZE))
		return -EMSGSIZE;
	/* The header has the rate of all records. */
	if (message->records && sampler != message->sampler)
		return -EMSGSIZE;
	message->sampler = sampler;
	write_beginning(message, record);
	write_rest(&message->writer, record);
	return 0;
}

static int add_record7(struct message *message, const struct template_set *templates,
		       const struct export_record *record)
{
	(void)templates;
	if (!has_room(message, NETFLOW7_RECORDS_MAX, NETFLOW7_RECORD_SIZE))
		return -EMSGSIZE;
	write_beginning(message, record);
	write_rest(&message->writer, record);
	writer_u32(&message->writer, 0); /* router_sc: no switch has a router behind it here */
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

/* The first 16 bytes, all that version 1 has. */
static void write_header(struct writer *header, const struct message *message, uint16_t version,
			 const struct export_time *time)
{
	const unix_ms now = time->unix_ms < 0 ? 0 : time->unix_ms;

	writer_u16(header, version);
	writer_u16(header, (uint16_t)message->records);
	writer_u32(header, export_clock_of(message->sender.clock.start_ms, now));
	writer_u32(header, export_time_seconds(time));
	writer_u32(header, (uint32_t)(now % 1000) * NANOSECONDS);
}

static size_t finish1(struct message *message, const struct export_time *time, uint32_t source_id)
{
	struct writer header = writer_of(message->writer.start, NETFLOW1_HEADER_SIZE);

	(void)source_id;
	write_header(&header, message, NETFLOW1_VERSION, time);
	return writer_size(&message->writer);
}

/* engine_type and engine_id, 8 bits each, are the low bits of the source id. */
static size_t finish5(struct message *message, const struct export_time *time, uint32_t source_id)
{
	struct writer header = writer_of(message->writer.start, HEADER_SIZE);

	write_header(&header, message, NETFLOW5_VERSION, time);
	writer_u32(&header, 0); /* sequence number: stored when the message is sent */
	writer_u16(&header, (uint16_t)source_id);
	writer_u16(&header, sampling_of(message));
	return writer_size(&message->writer);
}

static size_t finish7(struct message *message, const struct export_time *time, uint32_t source_id)
{
	struct writer header = writer_of(message->writer.start, HEADER_SIZE);

	(void)source_id;
	write_header(&header, message, NETFLOW7_VERSION, time);
	writer_u32(&header, 0); /* sequence number: stored when the message is sent */
	writer_u32(&header, 0); /* reserved */
	return writer_size(&message->writer);
}

/* flow_sequence counts records. */
static uint32_t sequence_step(const struct message *message)
{
	return message->data_records;
}

const struct encoder_type encoder_netflow1 = {
	.name = "netflow1",
	.version = NETFLOW1_VERSION,
	.has_ipv6 = false,
	.counter_max = UINT32_MAX,
	.begin = begin1,
	.add_record = add_record1,
	.finish = finish1,
};

const struct encoder_type encoder_netflow5 = {
	.name = "netflow5",
	.version = NETFLOW5_VERSION,
	.sequence_offset = HEADER_SEQUENCE_OFFSET,
	.has_ipv6 = false,
	.counter_max = UINT32_MAX,
	.begin = begin,
	.add_record = add_record5,
	.finish = finish5,
	.sequence_step = sequence_step,
};

const struct encoder_type encoder_netflow7 = {
	.name = "netflow7",
	.version = NETFLOW7_VERSION,
	.sequence_offset = HEADER_SEQUENCE_OFFSET,
	.has_ipv6 = false,
	.counter_max = UINT32_MAX,
	.begin = begin,
	.add_record = add_record7,
	.finish = finish7,
	.sequence_step = sequence_step,
};
