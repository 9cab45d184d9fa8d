/* decode_nflog.c - records of link type NFLOG: netfilter's log messages in a capture file.
 *
 * Place: part of the link layer of the decoder. A record is a 4-byte header and attributes as
 * nfnetlink_log sends them (linux/netfilter/nfnetlink_log.h); one of them is the packet. Messages
 * straight from the kernel are taken apart by the capture source, which needs more of them. */
#include "decode_layers.h"

#define NFNETLINK_V0 0

enum netfilter_family {
	NFPROTO_IPv4 = 2,
	NFPROTO_NETDEV = 5,
	NFPROTO_BRIDGE = 7,
	NFPROTO_IPv6 = 10,
};

/* The hooks of IPv4, IPv6 and bridge have the same numbers; those of a network device do not. */
enum netfilter_hook { NF_LOCAL_OUT = 3, NF_POST_ROUTING = 4, NF_NETDEV_EGRESS = 1 };

/* Attributes. Their values are in network byte order, their headers in that of the writer. */
enum nflog_attribute {
	NFULA_PACKET_HDR = 1, /* protocol (2 bytes), hook */
	NFULA_MARK = 2,
	NFULA_IFINDEX_INDEV = 4,
	NFULA_IFINDEX_OUTDEV = 5,
	NFULA_IFINDEX_PHYSINDEV = 6, /* the port of a bridge */
	NFULA_IFINDEX_PHYSOUTDEV = 7,
	NFULA_PAYLOAD = 9,
	NFULA_UID = 11, /* of the socket that sends the packet */
	NFULA_HWTYPE = 15,
	NFULA_HWHEADER = 16, /* link header, as the packet has come in */
	NFULA_VLAN = 20,     /* attributes again */
};
enum nflog_vlan_attribute { NFULA_VLAN_TCI = 2 };

#define LINK_TYPE_ETHERNET  1      /* ARPHRD_ETHER */
#define ATTRIBUTE_TYPE_MASK 0x3fff /* without NLA_F_NESTED and NLA_F_NET_BYTEORDER */

/* What a record says beside the packet. */
struct nflog_record {
	bool is_big_endian;
	uint8_t family;
	uint8_t hook;
	uint16_t protocol; /* an EtherType, or 0: at the output hook the kernel has none yet */
	uint16_t vlan_id;  /* of the tag that the kernel took off, 0 if none */
	uint32_t input_port, output_port; /* of a bridge, 0 if none */
	uint16_t link_type;               /* ARPHRD_ETHER is 1 */
	uint32_t user;                    /* user ID + 1, 0 if it does not say */
	struct reader link_header;
};

struct attribute {
	uint16_t type;
	uint16_t size;       /* of the value, as its header says */
	struct reader value; /* what was captured of it */
};

/* Take the next attribute with its padding (4 bytes). Its value may be cut off; what follows is
 * then cut off too. */
static enum drop_reason take_attribute(struct reader *reader, bool is_big_endian,
				       struct attribute *attribute)
{
	const uint8_t *header = reader_take(reader, 4);
	uint16_t size;

	if (!header)
		return DROP_LINK_TRUNCATED;
	size = is_big_endian ? load_be16(header) : load_le16(header);
	if (size < 4)
		return DROP_LINK_MALFORMED;
	attribute->type = is_big_endian ? load_be16(header + 2) : load_le16(header + 2);
	attribute->type &= ATTRIBUTE_TYPE_MASK;
	attribute->size = (uint16_t)(size - 4);
	attribute->value = *reader;
	reader_limit(&attribute->value, attribute->size);
	(void)reader_take(reader, ((size_t)attribute->size + 3) & ~(size_t)3);
	return DROP_NONE;
}

static uint16_t vlan_id_of(struct reader attributes, bool is_big_endian)
{
	struct attribute attribute;

	while (take_attribute(&attributes, is_big_endian, &attribute) == DROP_NONE) {
		if (attribute.type == NFULA_VLAN_TCI)
			return reader_u16(&attribute.value) & 0x0fff;
	}
	return 0;
}

static bool is_netdev_egress(const struct nflog_record *record)
{
	return record->family == NFPROTO_NETDEV && record->hook == NF_NETDEV_EGRESS;
}

static enum flow_side side_of(const struct nflog_record *record)
{
	if (record->family == NFPROTO_NETDEV)
		return is_netdev_egress(record) ? SIDE_egress : SIDE_ingress;
	return record->hook == NF_LOCAL_OUT || record->hook == NF_POST_ROUTING ? SIDE_egress
									       : SIDE_ingress;
}

/* A value that is too short reads as 0. */
static void note_attribute(struct attribute *attribute, struct nflog_record *record,
			   struct packet_info *info)
{
	switch (attribute->type) {
	case NFULA_PACKET_HDR:
		record->protocol = reader_u16(&attribute->value);
		record->hook = reader_u8(&attribute->value);
		info->key.side = (uint8_t)side_of(record);
		break;
	case NFULA_MARK: info->mark = reader_u32(&attribute->value); break;
	case NFULA_IFINDEX_INDEV: info->key.input_interface = reader_u32(&attribute->value); break;
	case NFULA_IFINDEX_OUTDEV:
		info->key.output_interface = reader_u32(&attribute->value);
		break;
	case NFULA_IFINDEX_PHYSINDEV: record->input_port = reader_u32(&attribute->value); break;
	case NFULA_IFINDEX_PHYSOUTDEV: record->output_port = reader_u32(&attribute->value); break;
	case NFULA_UID:
		if (reader_left(&attribute->value) >= 4)
			record->user = reader_u32(&attribute->value) + 1;
		break;
	case NFULA_HWTYPE: record->link_type = reader_u16(&attribute->value); break;
	case NFULA_HWHEADER: record->link_header = attribute->value; break;
	case NFULA_VLAN:
		record->vlan_id = vlan_id_of(attribute->value, record->is_big_endian);
		break;
	default: break;
	}
}

/* What else the record says. In the bridge family the ports are the interfaces, as in a live
 * capture. */
static void take_notes(const struct nflog_record *record, const struct frame *frame)
{
	struct flow_key *key = &frame->info->key;

	if (record->family == NFPROTO_BRIDGE && record->input_port)
		key->input_interface = record->input_port;
	if (record->family == NFPROTO_BRIDGE && record->output_port)
		key->output_interface = record->output_port;
	if (frame->noted) {
		frame->note->physical_input = record->input_port;
		frame->note->physical_output = record->output_port;
		frame->note->user = record->user;
		frame->note->cgroup = 0;
	}
	if (frame->noted && record->link_type == LINK_TYPE_ETHERNET &&
	    reader_left(&record->link_header) >= ETHERNET_HEADER_BYTES)
		packet_note_ethernet(frame->note, record->link_header.next, 0);
}

/* What the logged packet starts with: its IP header, but at netdev egress the Ethernet header. */
static enum link_type link_of(const struct nflog_record *record)
{
	if (is_netdev_egress(record))
		return LINK_ETHERNET;
	switch (record->family) {
	case NFPROTO_IPv4: return LINK_IPV4;
	case NFPROTO_IPv6: return LINK_IPV6;
	default: return LINK_ETHERTYPE;
	}
}

/* Decode the logged packet, as if it had been captured by itself. */
static enum drop_reason decode_payload(struct frame *frame, const struct nflog_record *record,
				       const struct attribute *payload)
{
	struct packet_view packet = {
		.bytes = payload->value.next,
		.captured_bytes = (uint32_t)reader_left(&payload->value),
		.original_bytes = payload->size,
		.link = (uint8_t)link_of(record),
		.ethertype = record->protocol,
		.vlan_id = record->vlan_id,
	};
	struct frame inner = {
		.rest = payload->value,
		.packet = &packet,
		.info = frame->info,
		.note = frame->note,
		.ip = frame->ip,
		.noted = frame->noted,
		.is_logged_copy = true,
	};

	inner.info->key.vlan_id = record->vlan_id;
	take_notes(record, &inner);
	return decode_link(&inner);
}

enum drop_reason decode_nflog(struct frame *frame)
{
	const uint8_t *header = reader_take(&frame->rest, 4);
	struct nflog_record record = { 0 };
	struct attribute attribute;

	if (!header)
		return DROP_LINK_TRUNCATED;
	if (header[1] != NFNETLINK_V0)
		return DROP_LINK_UNKNOWN;
	record.family = header[0];

	/* Types are below 256: read in the wrong byte order, the first one is not. */
	if (reader_left(&frame->rest) >= 4)
		record.is_big_endian =
			(load_le16(frame->rest.next + 2) & ATTRIBUTE_TYPE_MASK) > 0xff;

	for (;;) {
		enum drop_reason reason =
			take_attribute(&frame->rest, record.is_big_endian, &attribute);

		if (reason != DROP_NONE)
			return reason;
		if (attribute.type == NFULA_PAYLOAD)
			return decode_payload(frame, &record, &attribute);
		note_attribute(&attribute, &record, frame->info);
	}
}
