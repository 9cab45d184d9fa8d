/* flow_members.h - what a row of `show-flows` says of a flow: one value per member.
 *
 * Place: flow_view -> value -> row, order or sum. The table is flow_members.def. Pure. */
#ifndef FLOW_MEMBERS_H
#define FLOW_MEMBERS_H

#include "flow.h"
#include "flow_key_choice.h"
#include "nat_table.h"

#include <stdbool.h>
#include <stddef.h>

enum flow_member {
#define FLOW_MEMBER(name, kind, value) FLOW_MEMBER_##name,
#include "flow_members.def"
#undef FLOW_MEMBER
	FLOW_MEMBER_COUNT
};

#define FLOW_MEMBER_BIT(member) (UINT64_C(1) << (member))
#define FLOW_MEMBERS_ALL        (FLOW_MEMBER_BIT(FLOW_MEMBER_COUNT) - 1)
#define FLOW_MEMBERS_OWNER      (FLOW_MEMBER_BIT(FLOW_MEMBER_uid) | FLOW_MEMBER_BIT(FLOW_MEMBER_unit))
#define FLOW_MEMBERS_AS         (FLOW_MEMBER_BIT(FLOW_MEMBER_src_as) | FLOW_MEMBER_BIT(FLOW_MEMBER_dst_as))
#define FLOW_MEMBERS_NAT                                                                         \
	(FLOW_MEMBER_BIT(FLOW_MEMBER_post_nat_src) | FLOW_MEMBER_BIT(FLOW_MEMBER_post_nat_dst) | \
	 FLOW_MEMBER_BIT(FLOW_MEMBER_post_nat_src_port) |                                        \
	 FLOW_MEMBER_BIT(FLOW_MEMBER_post_nat_dst_port))

/* A flow and what is looked up for it. */
struct flow_view {
	struct flow_record flow; /* its interfaces have the numbers that are exported */
	uint32_t source_as;      /* 0: unknown */
	uint32_t destination_as;
	uint32_t sampling;            /* one packet in this many was counted, 0: not known */
	const char *input_interface;  /* borrowed; "" if it has no name */
	const char *output_interface; /* likewise */
	const char *unit;             /* likewise; "" if it is not known */
	struct nat_translation nat;   /* all 0: not known */
};

enum flow_value_kind {
	FLOW_VALUE_NUMBER,
	FLOW_VALUE_TIME,
	FLOW_VALUE_RATE,
	FLOW_VALUE_ID, /* below 0: not known */
	FLOW_VALUE_NAME,
	FLOW_VALUE_ADDRESS,
	FLOW_VALUE_POST_NAT, /* an address; version 0: not known */
	FLOW_VALUE_MAC,
};

/* One value. All bytes are set, so that equal values have equal bytes. */
struct flow_value {
	uint8_t bytes[32]; /* of an address, or of a name with 0 up to the end; else 0 */
	int64_t number;    /* 0 for names and addresses */
	uint8_t kind;      /* enum flow_value_kind */
	uint8_t ip_version;
	uint8_t prefix_length; /* of an address; 0: the whole of it counts */
	bool is_any;           /* addresses are no part of the flow key: "*" */
	uint8_t zero[4];
};
_Static_assert(sizeof(struct flow_value) == 48, "flow_value has no hidden padding");

/* Member of a name (not aliases: see flow_names.h). Returns FLOW_MEMBER_COUNT if there is none. */
enum flow_member flow_member_find(const char *name);
/* Members that flows with these columns (FLOW_COLUMN_BIT(), EXPORT_RECORD_NAT) have. */
uint64_t flow_members_of(unsigned int columns);
const char *flow_member_name(enum flow_member member);
enum flow_value_kind flow_member_kind(enum flow_member member);

/* The value of a member; 'choice' is what the flow's key is of. */
void flow_member_value(const struct flow_view *view, const struct flow_key_choice *choice,
		       enum flow_member member, struct flow_value *value);

/* Below, equal to or above 0, as strcmp(). Numbers by size, names by letter, addresses by version
 * and then by size. */
int flow_value_compare(const struct flow_value *one, const struct flow_value *other);

/* Append `,"name":value`, or without the comma after '{'. 'to' has room for FLOW_VALUE_JSON_SIZE
 * bytes more than the name is long. Returns the new end. */
#define FLOW_VALUE_JSON_SIZE 128
char *flow_value_write(char *to, const char *name, const struct flow_value *value);

#endif
