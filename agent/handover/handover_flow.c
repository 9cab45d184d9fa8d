/* handover_flow.c - members of a moved_flow, in their order. */
#include "handover_flow.h"

static void write_key(struct writer *writer, const struct flow_key *key)
{
	writer_u8(writer, key->ip_version);
	writer_u8(writer, key->protocol);
	writer_u8(writer, key->tos);
	writer_u8(writer, key->side);
	writer_u16(writer, key->source_port);
	writer_u16(writer, key->destination_port);
	writer_u16(writer, key->vlan_id);
	writer_u8(writer, key->sampler);
	writer_u8(writer, 0);
	writer_u32(writer, key->input_interface);
	writer_u32(writer, key->output_interface);
	writer_u32(writer, key->mark);
	writer_bytes(writer, key->addresses, sizeof(key->addresses));
}

void handover_flow_write(struct writer *writer, const struct moved_flow *flow)
{
	const struct flow_record *record = &flow->record;

	write_key(writer, &record->key);
	writer_u64(writer, (uint64_t)flow->created_ms);
	writer_u64(writer, (uint64_t)flow->seen_ms);
	writer_u64(writer, (uint64_t)record->first_ms);
	writer_u64(writer, (uint64_t)record->last_ms);
	writer_u64(writer, record->packets);
	writer_u64(writer, record->octets);
	writer_u32(writer, record->physical_input);
	writer_u32(writer, record->physical_output);
	writer_u8(writer, record->tcp_flags);
	writer_u8(writer, record->minimum_ttl);
	writer_u8(writer, record->maximum_ttl);
	writer_u8(writer, 0);
	writer_u64(writer, record->source_mac);
	writer_u64(writer, record->destination_mac);
	writer_u64(writer, record->cgroup);
	writer_u32(writer, record->user);
	writer_u32(writer, record->tcp.handshake_us);
	writer_u32(writer, record->tcp.client_us);
	writer_u32(writer, record->tcp.server_us);
	writer_u32(writer, record->tcp.retransmitted);
	writer_u32(writer, record->tcp.out_of_order);
	writer_u32(writer, record->tcp.is_known);
}

static void read_key(struct reader *reader, struct flow_key *key)
{
	const uint8_t *addresses;

	key->ip_version = reader_u8(reader);
	key->protocol = reader_u8(reader);
	key->tos = reader_u8(reader);
	key->side = reader_u8(reader);
	key->source_port = reader_u16(reader);
	key->destination_port = reader_u16(reader);
	key->vlan_id = reader_u16(reader);
	key->sampler = reader_u8(reader);
	(void)reader_u8(reader);
	key->input_interface = reader_u32(reader);
	key->output_interface = reader_u32(reader);
	key->mark = reader_u32(reader);
	addresses = reader_take(reader, sizeof(key->addresses));
	/* Of an IPv4 key the rest is 0. */
	if (addresses)
		memcpy(key->addresses, addresses, 2 * flow_address_size(key));
}

uint32_t handover_flow_begin(struct reader *body)
{
	const uint32_t size = reader_left(body) ? reader_u32(body) : 0;

	if (size < HANDOVER_FLOW_SIZE_LEAST || reader_left(body) % size != 0)
		return 0;
	return size;
}

bool handover_flow_read(struct reader *body, uint32_t size, struct moved_flow *flow)
{
	struct reader reader;
	struct flow_record *record = &flow->record;

	if (!reader_left(body) || body->failed)
		return false;
	reader = reader_of(reader_take(body, size), size);
	*flow = (struct moved_flow){ .created_ms = 0 };
	read_key(&reader, &record->key);
	flow->created_ms = (cache_ms)reader_u64(&reader);
	flow->seen_ms = (cache_ms)reader_u64(&reader);
	record->first_ms = (unix_ms)reader_u64(&reader);
	record->last_ms = (unix_ms)reader_u64(&reader);
	record->packets = reader_u64(&reader);
	record->octets = reader_u64(&reader);
	record->physical_input = reader_u32(&reader);
	record->physical_output = reader_u32(&reader);
	record->tcp_flags = reader_u8(&reader);
	record->minimum_ttl = reader_u8(&reader);
	record->maximum_ttl = reader_u8(&reader);
	(void)reader_u8(&reader);
	if (size >= HANDOVER_FLOW_SIZE_WITH_MACS) {
		record->source_mac = reader_u64(&reader);
		record->destination_mac = reader_u64(&reader);
	}
	if (size >= HANDOVER_FLOW_SIZE_WITH_OWNER) {
		record->cgroup = reader_u64(&reader);
		record->user = reader_u32(&reader);
	}
	if (size >= HANDOVER_FLOW_SIZE) {
		record->tcp.handshake_us = reader_u32(&reader);
		record->tcp.client_us = reader_u32(&reader);
		record->tcp.server_us = reader_u32(&reader);
		record->tcp.retransmitted = reader_u32(&reader);
		record->tcp.out_of_order = reader_u32(&reader);
		record->tcp.is_known = reader_u32(&reader) != 0;
	}
	if (reader.failed || !record->packets ||
	    (record->key.ip_version != 4 && record->key.ip_version != 6)) {
		body->failed = true;
		return false;
	}
	return true;
}
