/* flow_reverse.c - flow key -> keys of the other direction.
 *
 * Place: flow_pair.c asks when a flow leaves the cache. */
#include "flow_reverse.h"

#include "ip_protocol.h"
#include "packet.h"

#include <string.h>

/* A message that asks, and the one that answers it under the same code. */
struct icmp_pair {
	uint8_t request, reply;
};

static const struct icmp_pair icmp_pairs[] = {
	{ 8, 0 },   /* echo, RFC 792 */
	{ 13, 14 }, /* timestamp, RFC 792 */
	{ 15, 16 }, /* information, RFC 792 */
	{ 17, 18 }, /* address mask, RFC 950 */
};

static const struct icmp_pair icmpv6_pairs[] = {
	{ 128, 129 }, /* echo, RFC 4443 section 4 */
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_icmp(const struct flow_key *key)
{
	return key->protocol == PROTOCOL_ICMP || key->protocol == PROTOCOL_IPv6_ICMP;
}

static uint8_t icmp_type(const struct flow_key *key)
{
	return (uint8_t)(key->destination_port >> 8);
}

/* The pair that a message belongs to; NULL if it stands alone. */
static const struct icmp_pair *icmp_pair_of(const struct flow_key *key)
{
	const bool is_ipv6 = key->protocol == PROTOCOL_IPv6_ICMP;
	const struct icmp_pair *pairs = is_ipv6 ? icmpv6_pairs : icmp_pairs;
	const size_t count = is_ipv6 ? COUNT(icmpv6_pairs) : COUNT(icmp_pairs);

	for (size_t i = 0; i < count; i++)
		if (pairs[i].request == icmp_type(key) || pairs[i].reply == icmp_type(key))
			return &pairs[i];
	return NULL;
}

bool flow_reverse_is_request(const struct flow_key *key)
{
	const struct icmp_pair *pair = is_icmp(key) ? icmp_pair_of(key) : NULL;

	return pair && pair->request == icmp_type(key);
}

/* Ports of the reverse. Returns false if there is none. */
static bool reverse_ports(const struct flow_key *key, bool has_ports, struct flow_key *reverse)
{
	const struct icmp_pair *pair;

	reverse->source_port = key->destination_port;
	reverse->destination_port = key->source_port;
	if (!is_icmp(key) || !has_ports)
		return true;
	pair = icmp_pair_of(key);
	if (!pair)
		return false;
	reverse->source_port = key->source_port;
	reverse->destination_port =
		(uint16_t)((pair->request == icmp_type(key) ? pair->reply : pair->request) << 8 |
			   (key->destination_port & 0xff));
	return true;
}

/* SIDE_unknown has no other. */
static uint8_t other_side(uint8_t side)
{
	if (side == SIDE_ingress)
		return SIDE_egress;
	return side == SIDE_egress ? SIDE_ingress : side;
}

size_t flow_reverse_keys(const struct flow_key *key, bool has_ports,
			 struct flow_key keys[static FLOW_REVERSE_KEYS_MAX])
{
	const size_t size = flow_address_size(key);
	const bool has_both = key->input_interface && key->output_interface;
	const bool has_one = !has_both && (key->input_interface || key->output_interface);
	struct flow_key reverse = { .ip_version = 0 };

	memcpy(&reverse, key, FLOW_KEY_FIXED_SIZE);
	memcpy(reverse.addresses, flow_destination_address(key), size);
	memcpy(reverse.addresses + size, flow_source_address(key), size);
	if (!reverse_ports(key, has_ports, &reverse))
		return 0;
	keys[0] = keys[1] = reverse;
	keys[0].input_interface = key->output_interface;
	keys[0].output_interface = key->input_interface;
	if (has_both)
		return 1;
	keys[0].side = other_side(key->side);
	return has_one || keys[0].side != key->side ? 2 : 1;
}
