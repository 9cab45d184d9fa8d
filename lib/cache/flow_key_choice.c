/* flow_key_choice.c - flow keys by choice: a key AND a mask of the same shape.
 *
 * Place: fragment table -> here -> flow cache. There is one mask for each IP version, because the
 * addresses follow the fixed part. Parts that do not count become 0, so they change neither hash
 * nor comparison. Only the side becomes SIDE_unknown, because 0 is a side. */
#include "flow_key_choice.h"

#include <string.h>

bool flow_key_is_connection(const struct flow_key_choice *choice)
{
	return flow_key_has(choice, FLOW_KEY_addresses) && flow_key_has(choice, FLOW_KEY_ports) &&
	       flow_key_has(choice, FLOW_KEY_protocol) && !choice->ipv4_prefix_length &&
	       !choice->ipv6_prefix_length;
}

const char *flow_key_part_name(enum flow_key_part part)
{
	switch (part) {
	case FLOW_KEY_addresses: return "addresses";
	case FLOW_KEY_ports: return "ports";
	case FLOW_KEY_protocol: return "protocol";
	case FLOW_KEY_tos: return "tos";
	case FLOW_KEY_vlan: return "vlan";
	case FLOW_KEY_interfaces: return "interfaces";
	case FLOW_KEY_side: return "side";
	case FLOW_KEY_mark: return "mark";
	}
	return NULL;
}

/* The first 'length' of 'size' * 8 bits are 1, most significant bit of each byte first. */
static void fill_prefix(uint8_t *bytes, size_t size, unsigned int length)
{
	for (size_t i = 0; i < size; i++) {
		unsigned int bits = length > 8 ? 8 : length;

		bytes[i] = (uint8_t)(0xff00u >> bits);
		length -= bits;
	}
}

/* What is kept of the fixed part; all ones where it counts. */
static struct flow_key fixed_part(const struct flow_key_choice *choice, bool keeps_side)
{
	struct flow_key keep = { .ip_version = UINT8_MAX, .sampler = UINT8_MAX };

	if (flow_key_has(choice, FLOW_KEY_ports))
		keep.source_port = keep.destination_port = UINT16_MAX;
	if (flow_key_has(choice, FLOW_KEY_protocol))
		keep.protocol = UINT8_MAX;
	if (flow_key_has(choice, FLOW_KEY_tos))
		keep.tos = UINT8_MAX;
	if (flow_key_has(choice, FLOW_KEY_vlan))
		keep.vlan_id = UINT16_MAX;
	if (flow_key_has(choice, FLOW_KEY_interfaces))
		keep.input_interface = keep.output_interface = UINT32_MAX;
	if (flow_key_has(choice, FLOW_KEY_mark))
		keep.mark = UINT32_MAX;
	if (keeps_side)
		keep.side = UINT8_MAX;
	return keep;
}

static void fill_mask(uint64_t *words, struct flow_key keep, size_t address_size,
		      unsigned int prefix_length)
{
	fill_prefix(keep.addresses, address_size, prefix_length);
	fill_prefix(keep.addresses + address_size, address_size, prefix_length);
	memcpy(words, &keep, sizeof(keep));
}

void flow_key_mask_init(struct flow_key_mask *mask, const struct flow_key_choice *choice, int side)
{
	const bool has_side = flow_key_has(choice, FLOW_KEY_side);
	const bool has_addresses = flow_key_has(choice, FLOW_KEY_addresses);
	const struct flow_key keep = fixed_part(choice, has_side && side == FLOW_KEY_NO_SIDE);
	const uint8_t ipv4_length = choice->ipv4_prefix_length ? choice->ipv4_prefix_length : 32;
	const uint8_t ipv6_length = choice->ipv6_prefix_length ? choice->ipv6_prefix_length : 128;

	mask->has_effect =
		!flow_key_is_default(choice) || choice->has_mark_as_tos || side != FLOW_KEY_NO_SIDE;
	mask->has_mark_as_tos = choice->has_mark_as_tos;
	mask->input_interface = mask->output_interface = 0;
	mask->side = 0;
	if (!has_side)
		mask->side = SIDE_unknown;
	else if (side != FLOW_KEY_NO_SIDE)
		mask->side = (uint8_t)side;
	fill_mask(mask->ipv4, keep, 4, has_addresses ? ipv4_length : 0);
	fill_mask(mask->ipv6, keep, 16, has_addresses ? ipv6_length : 0);
}

static void drop_interfaces(uint64_t *words, bool drops_input, bool drops_output)
{
	struct flow_key keep;

	memcpy(&keep, words, sizeof(keep));
	if (drops_input)
		keep.input_interface = 0;
	if (drops_output)
		keep.output_interface = 0;
	memcpy(words, &keep, sizeof(keep));
}

void flow_key_mask_set_interfaces(struct flow_key_mask *mask, const struct flow_key_choice *choice,
				  uint32_t input, uint32_t output)
{
	if ((!input && !output) || !flow_key_has(choice, FLOW_KEY_interfaces))
		return;
	mask->input_interface = input;
	mask->output_interface = output;
	mask->has_effect = true;
	drop_interfaces(mask->ipv4, input, output);
	drop_interfaces(mask->ipv6, input, output);
}

/* Not inlined: most configurations never call it, and inlined it cost the loop around the call 3
 * instructions a packet. */
__attribute__((noinline)) void flow_key_mask_apply(const struct flow_key_mask *mask,
						   struct packet_info *packets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct flow_key *key = &packets[i].key;
		const uint64_t *kept = key->ip_version == 4 ? mask->ipv4 : mask->ipv6;
		uint64_t words[FLOW_KEY_WORDS];

		key->mark = packets[i].mark;
		if (mask->has_mark_as_tos)
			key->tos = (uint8_t)packets[i].mark;
		memcpy(words, key, sizeof(words));
		for (size_t word = 0; word < FLOW_KEY_WORDS; word++)
			words[word] &= kept[word];
		memcpy(key, words, sizeof(words));
		key->side |= mask->side;
		key->input_interface |= mask->input_interface;
		key->output_interface |= mask->output_interface;
	}
}
