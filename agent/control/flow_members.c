/* flow_members.c - values of a flow from flow_members.def; a value as JSON.
 *
 * Place: control_flows -> here. A long table has a million values: so they are written as text at
 * once and never become objects of a JSON library. */
#include "flow_members.h"

#include "address.h"
#include "export_record.h"
#include "flow_columns.h"
#include "json_text.h"
#include "packet_note.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	enum flow_value_kind kind;
} members[FLOW_MEMBER_COUNT] = {
#define FLOW_MEMBER(name, kind, value) { #name, FLOW_VALUE_##kind },
#include "flow_members.def"
#undef FLOW_MEMBER
};

enum flow_member flow_member_find(const char *name)
{
	for (int i = 0; i < FLOW_MEMBER_COUNT; i++)
		if (strcmp(members[i].name, name) == 0)
			return (enum flow_member)i;
	return FLOW_MEMBER_COUNT;
}

uint64_t flow_members_of(unsigned int columns)
{
	uint64_t present = FLOW_MEMBERS_ALL;

#define FLOW_MEMBER(name, kind, value)
#define FLOW_MEMBER_OF_COLUMN(name, kind, column, value)        \
	if (!(columns & FLOW_COLUMN_BIT(FLOW_COLUMN_##column))) \
		present &= ~FLOW_MEMBER_BIT(FLOW_MEMBER_##name);
#include "flow_members.def"
#undef FLOW_MEMBER
	return columns & EXPORT_RECORD_NAT ? present : present & ~FLOW_MEMBERS_NAT;
}

const char *flow_member_name(enum flow_member member)
{
	return members[member].name;
}

enum flow_value_kind flow_member_kind(enum flow_member member)
{
	return members[member].kind;
}

static const char *side_name(uint8_t side)
{
	switch (side) {
	case SIDE_ingress: return "in";
	case SIDE_egress: return "out";
	default: return "unknown";
	}
}

static bool is_translated(const struct nat_translation *nat)
{
	static const struct nat_translation unknown;

	return memcmp(nat, &unknown, sizeof(unknown)) != 0;
}

/* Below 0: not known. */
static int64_t post_nat_port(const struct flow_view *view, uint16_t port)
{
	return is_translated(&view->nat) ? port : -1;
}

/* Below 0: not known. */
static int64_t packets_known(const struct tcp_quality *tcp, uint32_t packets)
{
	return tcp->is_known ? (int64_t)packets : -1;
}

/* One setter per kind, named as the .def names the kind. */
static void set_NUMBER(struct flow_value *value, int64_t number)
{
	value->number = number;
}

static void set_TIME(struct flow_value *value, int64_t number)
{
	value->number = number;
}

static void set_RATE(struct flow_value *value, int64_t number)
{
	value->number = number;
}

static void set_ID(struct flow_value *value, int64_t number)
{
	value->number = number;
}

static void set_NAME(struct flow_value *value, const char *name)
{
	const size_t length = strnlen(name, sizeof(value->bytes) - 1);

	memcpy(value->bytes, name, length);
}

static void set_ADDRESS(struct flow_value *value, const uint8_t *address)
{
	memcpy(value->bytes, address, value->ip_version == 4 ? 4 : 16);
}

static void set_POST_NAT(struct flow_value *value, const uint8_t *address)
{
	set_ADDRESS(value, address);
}

static void set_MAC(struct flow_value *value, uint64_t address)
{
	value->number = (int64_t)address;
}

void flow_member_value(const struct flow_view *view, const struct flow_key_choice *choice,
		       enum flow_member member, struct flow_value *value)
{
	const struct flow_key *key = &view->flow.key;

	*value = (struct flow_value){ .kind = (uint8_t)members[member].kind };
	if (value->kind == FLOW_VALUE_ADDRESS) {
		value->ip_version = key->ip_version;
		value->prefix_length = flow_key_prefix_length(choice, key->ip_version);
		value->is_any = !flow_key_has(choice, FLOW_KEY_addresses);
	}
	if (value->kind == FLOW_VALUE_POST_NAT)
		value->ip_version = is_translated(&view->nat) ? key->ip_version : 0;
	switch (member) {
#define AS_NUMBER   (int64_t)
#define AS_TIME     (int64_t)
#define AS_RATE     (int64_t)
#define AS_ID       (int64_t)
#define AS_NAME     (const char *)
#define AS_ADDRESS  (const uint8_t *)
#define AS_POST_NAT (const uint8_t *)
#define AS_MAC      (uint64_t)
#define FLOW_MEMBER(name, kind, datum)               \
	case FLOW_MEMBER_##name:                     \
		set_##kind(value, AS_##kind(datum)); \
		break;
#include "flow_members.def"
#undef FLOW_MEMBER
#undef AS_NUMBER
#undef AS_TIME
#undef AS_RATE
#undef AS_ID
#undef AS_NAME
#undef AS_ADDRESS
#undef AS_POST_NAT
#undef AS_MAC
	case FLOW_MEMBER_COUNT: break;
	}
}

int flow_value_compare(const struct flow_value *one, const struct flow_value *other)
{
	if (one->number != other->number)
		return one->number < other->number ? -1 : 1;
	if (one->ip_version != other->ip_version)
		return one->ip_version < other->ip_version ? -1 : 1;
	return memcmp(one->bytes, other->bytes, sizeof(one->bytes));
}

static char *write_number(char *to, int64_t number)
{
	char digits[20];
	size_t first = sizeof(digits);
	uint64_t left = number < 0 ? -(uint64_t)number : (uint64_t)number;

	do {
		digits[--first] = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (number < 0)
		*to++ = '-';
	memcpy(to, digits + first, sizeof(digits) - first);
	return to + (sizeof(digits) - first);
}

static char *write_text(char *to, const char *text)
{
	const size_t length = strlen(text);

	memcpy(to, text, length);
	return to + length;
}

/* Names are from the kernel, which takes any byte in them. */
static char *write_name(char *to, const uint8_t bytes[static 32])
{
	char name[33] = "";

	memcpy(name, bytes, 32);
	return json_text_write(to, name);
}

/* "192.0.2.1", "192.0.2.0/24" where flows are of prefixes, "*" where they are of all addresses. */
static char *write_address(char *to, const struct flow_value *value)
{
	char text[ADDRESS_TEXT_SIZE];

	if (value->is_any)
		return write_text(to, "\"*\"");
	*to++ = '"';
	to = write_text(to, address_format(value->ip_version, value->bytes, text));
	if (value->prefix_length) {
		*to++ = '/';
		to = write_number(to, value->prefix_length);
	}
	*to++ = '"';
	return to;
}

static char *write_mac(char *to, uint64_t address)
{
	for (int shift = 40; shift >= 0; shift -= 8)
		to += sprintf(to, "%c%02x", shift == 40 ? '"' : ':',
			      (unsigned int)(address >> shift) & 0xff);
	*to++ = '"';
	return to;
}

static char *write_time(char *to, unix_ms time)
{
	char text[JSON_TIME_SIZE];

	*to++ = '"';
	to = write_text(to, json_time_format(time, text));
	*to++ = '"';
	return to;
}

char *flow_value_write(char *to, const char *name, const struct flow_value *value)
{
	if (to[-1] != '{')
		*to++ = ',';
	*to++ = '"';
	to = write_text(to, name);
	*to++ = '"';
	*to++ = ':';
	switch ((enum flow_value_kind)value->kind) {
	case FLOW_VALUE_NAME: return write_name(to, value->bytes);
	case FLOW_VALUE_ADDRESS: return write_address(to, value);
	case FLOW_VALUE_POST_NAT:
		return value->ip_version ? write_address(to, value) : write_text(to, "null");
	case FLOW_VALUE_MAC:
		return value->number ? write_mac(to, (uint64_t)value->number)
				     : write_text(to, "null");
	case FLOW_VALUE_TIME: return write_time(to, value->number);
	case FLOW_VALUE_RATE:
		if (!value->number)
			return write_text(to, "null");
		break;
	case FLOW_VALUE_ID:
		if (value->number < 0)
			return write_text(to, "null");
		break;
	case FLOW_VALUE_NUMBER: break;
	}
	return write_number(to, value->number);
}
