/* flow_key_choice.h - which parts of a packet make its flow, where the operator wants other flows
 * than the default: fewer parts, the netfilter mark, also as the ToS, or prefixes for addresses.
 *
 * Place: between fragment table and flow cache. Pure. With the default nothing here runs. */
#ifndef FLOW_KEY_CHOICE_H
#define FLOW_KEY_CHOICE_H

#include "decode.h"

#include <stdbool.h>

/* Parts of a flow key; bits. */
enum flow_key_part {
	FLOW_KEY_addresses = 1,
	FLOW_KEY_ports = 2,
	FLOW_KEY_protocol = 4,
	FLOW_KEY_tos = 8,
	FLOW_KEY_vlan = 16,
	FLOW_KEY_interfaces = 32,
	FLOW_KEY_side = 64,
	FLOW_KEY_mark = 128,
};

#define FLOW_KEY_PART_COUNT 8
#define FLOW_KEY_DEFAULT    0x7f /* all but the mark */

/* All 0 is the default key. Where the ToS comes from is no other shape of it. */
struct flow_key_choice {
	uint8_t changed;            /* parts that are in or out other than by default */
	uint8_t ipv4_prefix_length; /* of source and destination, 1 to 31; 0: whole addresses */
	uint8_t ipv6_prefix_length; /* 1 to 127; 0: whole addresses */
	bool has_mark_as_tos;       /* the ToS is the low 8 bits of the mark */
};

static inline bool flow_key_has(const struct flow_key_choice *choice, enum flow_key_part part)
{
	return ((choice->changed ^ FLOW_KEY_DEFAULT) & part) != 0;
}

static inline bool flow_key_is_default(const struct flow_key_choice *choice)
{
	return !choice->changed && !choice->ipv4_prefix_length && !choice->ipv6_prefix_length;
}

/* Prefix length that addresses of an IP version are cut to; 0 if they are whole. */
static inline uint8_t flow_key_prefix_length(const struct flow_key_choice *choice,
					     uint8_t ip_version)
{
	return ip_version == 4 ? choice->ipv4_prefix_length : choice->ipv6_prefix_length;
}

/* Whether a flow is one direction of one connection, so that FIN or RST ends it. Of many
 * connections under one key, one that ends says nothing of the rest. */
bool flow_key_is_connection(const struct flow_key_choice *choice);

/* Name of a part as the option flow-key has it; NULL for what is none. Static storage. */
const char *flow_key_part_name(enum flow_key_part part);

#define FLOW_KEY_WORDS (sizeof(struct flow_key) / 8)

/* A choice compiled to what is kept of a key. */
struct flow_key_mask {
	uint64_t ipv4[FLOW_KEY_WORDS];
	uint64_t ipv6[FLOW_KEY_WORDS];
	bool has_mark_as_tos;
	uint8_t side;             /* added to what is kept: the side that all packets get, or 0 */
	uint32_t input_interface; /* likewise: the one that all packets get, or 0 */
	uint32_t output_interface;
	bool has_effect; /* if not, flow_key_mask_apply() changes nothing */
};

#define FLOW_KEY_NO_SIDE (-1)

/* Compile. 'side' is the enum flow_side that all packets of a source get, or FLOW_KEY_NO_SIDE to
 * keep theirs. A side that does not count is SIDE_unknown. */
void flow_key_mask_init(struct flow_key_mask *mask, const struct flow_key_choice *choice, int side);

/* All packets of a source get these interfaces; 0: they keep theirs. Call it after
 * flow_key_mask_init(). Where interfaces do not count, nothing changes. */
void flow_key_mask_set_interfaces(struct flow_key_mask *mask, const struct flow_key_choice *choice,
				  uint32_t input, uint32_t output);

/* Take out of each packet's key what does not count, and put its mark in if that counts, also as
 * the ToS. Call it after all that needs whole keys: own exports, fragments. */
void flow_key_mask_apply(const struct flow_key_mask *mask, struct packet_info *packets,
			 size_t count);

#endif
