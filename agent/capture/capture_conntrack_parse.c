/* capture_conntrack_parse.c - walks netlink messages and their attributes.
 *
 * Place: recv() in capture_conntrack.c -> here -> nat_table.
 * Invariant: an attribute never reaches beyond the one that holds it, nor a message beyond its
 * datagram. */
#include "capture_conntrack_parse.h"

#include "capture_netlink.h"

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

enum {
	FAMILY_HEADER_SIZE = 4, /* struct nfgenmsg */
	ATTRIBUTE_HEADER_SIZE = 4,
	ALIGNMENT = 4,
	BEGIN_MESSAGE = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW,
	END_MESSAGE = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE,
};

/* Padding of attributes; it may be missing at the end. */
static void skip_padding(struct reader *reader, size_t size)
{
	const size_t padding = (ALIGNMENT - size % ALIGNMENT) % ALIGNMENT;

	(void)reader_take(reader, padding < reader_left(reader) ? padding : reader_left(reader));
}

struct attribute {
	uint16_t type;
	struct reader value;
};

/* One direction of a connection. */
struct tuple {
	struct nat_endpoint source, destination;
	uint16_t type_code;
	uint8_t protocol;
	uint8_t ip_version; /* 0: no address */
};

/* Take the next attribute and its padding. Returns false at the
 * end, and where the length makes no sense: then the reader has failed. */
static bool next_attribute(struct reader *reader, struct attribute *attribute)
{
	const uint8_t *header;
	uint16_t size;

	if (!reader_left(reader))
		return false;
	header = reader_take(reader, ATTRIBUTE_HEADER_SIZE);
	size = header ? load_host16(header) : 0;
	if (size < ATTRIBUTE_HEADER_SIZE ||
	    size - (size_t)ATTRIBUTE_HEADER_SIZE > reader_left(reader)) {
		reader->failed = true;
		return false;
	}
	attribute->type = load_host16(header + 2) & (uint16_t)NLA_TYPE_MASK;
	size = (uint16_t)(size - ATTRIBUTE_HEADER_SIZE);
	attribute->value = *reader;
	reader_limit(&attribute->value, size);
	(void)reader_take(reader, size);
	skip_padding(reader, size);
	return true;
}

static void take_address(struct tuple *tuple, struct nat_endpoint *endpoint, struct reader value,
			 uint8_t ip_version)
{
	const size_t size = ip_version == 4 ? 4 : 16;
	const uint8_t *bytes = reader_take(&value, size);

	if (!bytes)
		return;
	memset(endpoint->address, 0, sizeof(endpoint->address));
	memcpy(endpoint->address, bytes, size);
	tuple->ip_version = ip_version;
}

static bool parse_addresses(struct reader attributes, struct tuple *tuple)
{
	struct attribute attribute;

	while (next_attribute(&attributes, &attribute)) {
		switch (attribute.type) {
		case CTA_IP_V4_SRC: take_address(tuple, &tuple->source, attribute.value, 4); break;
		case CTA_IP_V4_DST:
			take_address(tuple, &tuple->destination, attribute.value, 4);
			break;
		case CTA_IP_V6_SRC: take_address(tuple, &tuple->source, attribute.value, 6); break;
		case CTA_IP_V6_DST:
			take_address(tuple, &tuple->destination, attribute.value, 6);
			break;
		default: break;
		}
	}
	return !attributes.failed;
}

/* A value that is too short reads as 0. */
static bool parse_protocol(struct reader attributes, struct tuple *tuple)
{
	struct attribute attribute;

	while (next_attribute(&attributes, &attribute)) {
		struct reader *value = &attribute.value;

		switch (attribute.type) {
		case CTA_PROTO_NUM: tuple->protocol = reader_u8(value); break;
		case CTA_PROTO_SRC_PORT: tuple->source.port = reader_u16(value); break;
		case CTA_PROTO_DST_PORT: tuple->destination.port = reader_u16(value); break;
		case CTA_PROTO_ICMP_TYPE:
		case CTA_PROTO_ICMPV6_TYPE:
			tuple->type_code |= (uint16_t)(reader_u8(value) << 8);
			break;
		case CTA_PROTO_ICMP_CODE:
		case CTA_PROTO_ICMPV6_CODE: tuple->type_code |= reader_u8(value); break;
		default: break;
		}
	}
	return !attributes.failed;
}

static bool parse_tuple(struct reader attributes, struct tuple *tuple)
{
	struct attribute attribute;
	bool is_whole = true;

	while (is_whole && next_attribute(&attributes, &attribute)) {
		if (attribute.type == CTA_TUPLE_IP)
			is_whole = parse_addresses(attribute.value, tuple);
		else if (attribute.type == CTA_TUPLE_PROTO)
			is_whole = parse_protocol(attribute.value, tuple);
	}
	return is_whole && !attributes.failed;
}

/* The body of a message. Returns whether its attributes make sense. */
static bool parse_connection(struct nat_table *table, struct reader body, bool has_begun,
			     int64_t now_ms)
{
	struct tuple original = { .ip_version = 0 };
	struct tuple reply = { .ip_version = 0 };
	struct attribute attribute;
	struct nat_connection connection;
	uint32_t id = 0;

	if (!reader_take(&body, FAMILY_HEADER_SIZE))
		return false;
	while (next_attribute(&body, &attribute)) {
		if (attribute.type == CTA_TUPLE_ORIG && !parse_tuple(attribute.value, &original))
			return false;
		if (attribute.type == CTA_TUPLE_REPLY && !parse_tuple(attribute.value, &reply))
			return false;
		if (attribute.type == CTA_ID)
			id = reader_u32(&attribute.value);
	}
	if (body.failed)
		return false;
	if (!original.ip_version || original.ip_version != reply.ip_version)
		return true;
	connection = (struct nat_connection){
		.source = original.source,
		.destination = original.destination,
		.reply_source = reply.source,
		.reply_destination = reply.destination,
		.type_code = original.type_code,
		.reply_type_code = reply.type_code,
		.id = id,
		.protocol = original.protocol,
		.ip_version = original.ip_version,
	};
	if (has_begun)
		nat_table_add(table, &connection);
	else
		nat_table_end(table, &connection, now_ms);
	return true;
}

/* The end of a list, or an error instead of one: the body begins with 0 or a negative errno. */
static enum capture_conntrack_result parse_status(struct reader body, uint16_t type)
{
	const uint8_t *status = reader_take(&body, 4);

	if (!status)
		return CAPTURE_CONNTRACK_malformed;
	return type == NLMSG_DONE && load_host32(status) == 0 ? CAPTURE_CONNTRACK_list_ended
							      : CAPTURE_CONNTRACK_list_failed;
}

static enum capture_conntrack_result parse_message(struct nat_table *table, const uint8_t *header,
						   struct reader body, uint32_t list,
						   int64_t now_ms)
{
	const uint16_t type = capture_netlink_type(header);

	switch (type) {
	case BEGIN_MESSAGE:
	case END_MESSAGE:
		return parse_connection(table, body, type == BEGIN_MESSAGE, now_ms)
			       ? CAPTURE_CONNTRACK_ok
			       : CAPTURE_CONNTRACK_malformed;
	case NLMSG_DONE:
	case NLMSG_ERROR:
		return list && load_host32(header + 8) == list ? parse_status(body, type)
							       : CAPTURE_CONNTRACK_ok;
	default: return CAPTURE_CONNTRACK_ok;
	}
}

enum capture_conntrack_result capture_conntrack_parse(struct nat_table *table, const uint8_t *bytes,
						      size_t size, uint32_t list, int64_t now_ms)
{
	enum capture_conntrack_result result = CAPTURE_CONNTRACK_ok;
	struct reader datagram = reader_of(bytes, size);

	while (reader_left(&datagram)) {
		const uint8_t *header;
		size_t length;
		enum capture_conntrack_result one;

		if (!capture_netlink_take(&datagram, &header, &length))
			return CAPTURE_CONNTRACK_malformed;
		one = parse_message(table, header,
				    reader_of(header + NLMSG_HDRLEN, length - NLMSG_HDRLEN), list,
				    now_ms);
		if (one > result)
			result = one;
	}
	return result;
}
