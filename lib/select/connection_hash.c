/* connection_hash.c - flow key -> bytes that are the same for both directions -> SipHash or BOB.
 *
 * The two ends of a connection, address and port each, are put in order. The bytes are laid out one
 * by one, so that the number does not depend on the machine. */
#include "connection_hash.h"

#include "bob_hash.h"
#include "bytes.h"
#include "ip_protocol.h"

#define END_SIZE  18 /* address, port */
#define TEXT_SIZE 56

/* One end: IPv4 addresses are filled up with zeros. */
static void end_encode(uint8_t end[static END_SIZE], const uint8_t *address, size_t address_size,
		       uint16_t port)
{
	struct writer writer = writer_of(end + 16, 2);

	memset(end, 0, END_SIZE);
	memcpy(end, address, address_size);
	writer_u16(&writer, port);
}

static bool has_addresses(const struct flow_key *key)
{
	static const uint8_t none[sizeof(key->addresses)];

	return memcmp(key->addresses, none, 2 * flow_address_size(key)) != 0;
}

/* What distinguishes flows that have no addresses. Interfaces in order, because a flow's input is
 * the output of the other direction. */
static void add_rest(struct writer *writer, const struct flow_key *key)
{
	const uint32_t in = key->input_interface;
	const uint32_t out = key->output_interface;

	writer_u32(writer, in < out ? in : out);
	writer_u32(writer, in < out ? out : in);
	writer_u32(writer, key->mark);
	writer_u16(writer, key->vlan_id);
	writer_u8(writer, key->tos);
}

static void encode(uint8_t text[static TEXT_SIZE], const struct flow_key *key)
{
	const bool is_icmp = key->protocol == PROTOCOL_ICMP || key->protocol == PROTOCOL_IPv6_ICMP;
	const size_t address_size = flow_address_size(key);
	struct writer writer = writer_of(text, TEXT_SIZE);
	uint8_t source[END_SIZE];
	uint8_t destination[END_SIZE];
	bool is_ordered;

	memset(text, 0, TEXT_SIZE);
	end_encode(source, flow_source_address(key), address_size, is_icmp ? 0 : key->source_port);
	end_encode(destination, flow_destination_address(key), address_size,
		   is_icmp ? 0 : key->destination_port);
	is_ordered = memcmp(source, destination, END_SIZE) < 0;
	writer_bytes(&writer, is_ordered ? source : destination, END_SIZE);
	writer_bytes(&writer, is_ordered ? destination : source, END_SIZE);
	writer_u8(&writer, key->protocol);
	writer_u8(&writer, key->ip_version);
	if (!has_addresses(key))
		add_rest(&writer, key);
}

uint64_t connection_hash(struct hash_key secret, const struct flow_key *key)
{
	uint8_t text[TEXT_SIZE];

	encode(text, key);
	return hash_words(secret, text, sizeof(text));
}

uint32_t connection_hash_sample(struct hash_key secret, const struct flow_key *key)
{
	return bob_hash_number(connection_hash(secret, key));
}
