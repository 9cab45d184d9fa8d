/* capture_nflog_parse.c - walks netlink messages and their attributes, each byte at most once.
 *
 * Place: recvfrom() in capture_nflog.c -> here -> worker. This is the hot path of a live agent.
 * Invariant: a view never reaches beyond its own message, nor a message beyond its datagram.
 *
 * What the kernel sends (6.18, each tried):
 *   family         hook         payload starts at    bytes of the link header
 *   2, 10          all          IP header            -
 *   5 (netdev)     0 ingress    after ethertype      NFULA_L2HDR; outer tag only in NFULA_VLAN
 *   5              1 egress     link header          in the payload, and in NFULA_L2HDR
 *   7 (bridge)     all          after ethertype      NFULA_L2HDR; outer tag only in NFULA_VLAN
 * NFULA_TIMESTAMP comes with packets that have arrived from outside, not with hooks output and
 * postrouting. The length of a packet before it was cut is not reported at all. */
#include "capture_nflog_parse.h"

#include "capture_netlink.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <net/ethernet.h>
#include <net/if_arp.h>

enum {
	FAMILY_HEADER_SIZE = 4,          /* struct nfgenmsg */
	ATTRIBUTE_HEADER_SIZE = 4,       /* length, type */
	ALIGNMENT = 4,                   /* of attributes */
	NETDEV_EGRESS = 1,               /* NF_NETDEV_EGRESS; ingress is 0 */
	HOOK_OUTPUT = NF_INET_LOCAL_OUT, /* the same number for families inet and bridge */
	HOOK_POSTROUTING = NF_INET_POST_ROUTING,
	HOOK_NONE = 255, /* no NFULA_PACKET_HDR */
};

static const uint16_t TYPE_MASK = (uint16_t)NLA_TYPE_MASK; /* less the two flag bits */
static const uint16_t PACKET_MESSAGE = (NFNL_SUBSYS_ULOG << 8) | NFULNL_MSG_PACKET;
static const uint64_t SECONDS_MAX = UINT64_C(1) << 40; /* keeps milliseconds far from overflow */

/* What the attributes say beyond what goes straight into the view. */
struct metadata {
	size_t link_header_size; /* NFULA_L2HDR */
	uint32_t sequence;
	uint8_t hook;
	uint16_t link_type;    /* NFULA_HWTYPE */
	uint32_t user;         /* NFULA_UID + 1 */
	uint16_t microseconds; /* of its time, or PACKET_UNSTAMPED */
	bool has_sequence;
};

/* Size of an attribute with the padding after it. */
static inline size_t padded(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static void parse_time(const uint8_t *value, struct packet_view *view, struct metadata *metadata)
{
	uint64_t seconds = load_be64(value);
	uint64_t microseconds = load_be64(value + 8);

	if (seconds > SECONDS_MAX || microseconds >= 1000000)
		return; /* no time; the packet counts as unstamped */
	view->time_ms = (unix_ms)(seconds * 1000 + (uint32_t)microseconds / 1000);
	metadata->microseconds = (uint16_t)((uint32_t)microseconds % 1000);
}

struct attribute {
	const uint8_t *value;
	size_t size; /* of the value */
	uint16_t type;
};

/* Where in 'size' bytes an attribute can start at the last; negative if nowhere. */
static inline ptrdiff_t last_start(size_t size)
{
	return (ptrdiff_t)size - ATTRIBUTE_HEADER_SIZE;
}

/* The attribute at '*offset', at most 'last'; moves the offset to the next one, at most 3 bytes
 * beyond the end if padding is missing there. False if its length makes no sense. Offsets by hand,
 * not a struct reader, because this is done ten times for each packet: it halves what a packet
 * costs. */
static inline bool next_attribute(const uint8_t *bytes, ptrdiff_t last, ptrdiff_t *offset,
				  struct attribute *attribute)
{
	const uint8_t *header = bytes + *offset;
	size_t length = load_host16(header);

	attribute->size = length - ATTRIBUTE_HEADER_SIZE;
	attribute->type = load_host16(header + 2) & TYPE_MASK;
	attribute->value = header + ATTRIBUTE_HEADER_SIZE;
	/* One comparison for both bounds: a length below that of the header has wrapped around. */
	if (__builtin_expect(attribute->size > (size_t)(last - *offset), 0))
		return false;
	*offset += (ptrdiff_t)padded(length);
	return true;
}

/* NFULA_VLAN holds attributes itself. The tag is in network order (IEEE 802.1Q section 9.6). */
static bool parse_vlan(const uint8_t *bytes, size_t size, struct packet_view *view)
{
	const ptrdiff_t last = last_start(size);
	struct attribute attribute;

	for (ptrdiff_t offset = 0; offset <= last;) {
		if (!next_attribute(bytes, last, &offset, &attribute))
			return false;
		if (attribute.type != NFULA_VLAN_TCI)
			continue;
		if (attribute.size < 2)
			return false;
		view->vlan_id = load_be16(attribute.value) & 0x0fff;
	}
	return true;
}

/* What few ask for: the header that a packet has come in with, which packets of this host do not
 * have, and whose socket one is that goes out. */
static inline bool parse_note(const struct attribute *attribute, struct packet_view *view,
			      struct metadata *metadata)
{
	if (attribute->type == NFULA_HWTYPE) {
		if (attribute->size < 2)
			return false;
		metadata->link_type = load_be16(attribute->value);
	} else if (attribute->type == NFULA_HWHEADER && metadata->link_type == ARPHRD_ETHER &&
		   attribute->size >= ETH_HLEN) {
		view->link_header = attribute->value;
	} else if (attribute->type == NFULA_UID) {
		if (attribute->size < 4)
			return false;
		metadata->user = load_be32(attribute->value) + 1;
	}
	return true;
}

/* Most attributes are passed over. Values may be longer than we know them, from a newer kernel.
 * 'takes_notes' is a constant. */
static inline __attribute__((always_inline)) bool
parse_attributes(struct capture_nflog_parser *parser, const uint8_t *bytes, size_t size,
		 struct packet_view *view, struct metadata *metadata, const bool takes_notes)
{
	const ptrdiff_t last = last_start(size);
	struct attribute attribute;

	for (ptrdiff_t offset = 0; offset <= last;) {
		const uint8_t *value;

		if (!next_attribute(bytes, last, &offset, &attribute))
			return false;
		value = attribute.value;
		if (takes_notes && !parse_note(&attribute, view, metadata))
			return false;
		switch (attribute.type) {
		case NFULA_PACKET_HDR: /* hw_protocol, hook */
			if (attribute.size < 3)
				return false;
			view->ethertype = load_be16(value);
			metadata->hook = value[2];
			break;
		case NFULA_PREFIX: /* most rules have none: an empty one is sent all the same */
			if (__builtin_expect(attribute.size > CAPTURE_RATE_PREFIX_MIN, 0))
				view->rule_interval = capture_rate_prefix_interval(
					&parser->prefix, value, attribute.size);
			break;
		case NFULA_MARK:
			if (attribute.size < 4)
				return false;
			view->mark = load_be32(value);
			break;
		case NFULA_TIMESTAMP: /* seconds, microseconds */
			if (attribute.size < 16)
				return false;
			parse_time(value, view, metadata);
			break;
		case NFULA_IFINDEX_INDEV:
			if (attribute.size < 4)
				return false;
			view->input_interface = load_be32(value);
			break;
		case NFULA_IFINDEX_OUTDEV:
			if (attribute.size < 4)
				return false;
			view->output_interface = load_be32(value);
			break;
		case NFULA_IFINDEX_PHYSINDEV:
			if (attribute.size < 4)
				return false;
			view->physical_input = load_be32(value);
			break;
		case NFULA_IFINDEX_PHYSOUTDEV:
			if (attribute.size < 4)
				return false;
			view->physical_output = load_be32(value);
			break;
		case NFULA_PAYLOAD:
			view->bytes = value;
			view->captured_bytes = (uint32_t)attribute.size;
			break;
		case NFULA_SEQ:
			if (attribute.size < 4)
				return false;
			metadata->sequence = load_be32(value);
			metadata->has_sequence = true;
			break;
		case NFULA_VLAN:
			if (!parse_vlan(value, attribute.size, view))
				return false;
			break;
		case NFULA_L2HDR: metadata->link_header_size = attribute.size; break;
		default: break;
		}
	}
	return true;
}

/* The kernel numbers the packets of a group before it queues them. Unsigned arithmetic is right
 * across the wrap at 2^32; half the range backwards can only be a numbering begun anew. */
static void count_lost(struct capture_nflog_parser *parser, uint32_t sequence)
{
	uint32_t gap = sequence - parser->next_sequence;

	parser->next_sequence = sequence + 1;
	if (__builtin_expect(parser->is_sequence_unknown, 0)) {
		parser->is_sequence_unknown = false;
		return;
	}
	if (gap > INT32_MAX)
		parser->messages_malformed++;
	else
		parser->packets_lost += gap;
}

static uint8_t link_of(uint8_t family, const struct metadata *metadata)
{
	switch (family) {
	case NFPROTO_IPV4: return LINK_IPV4;
	case NFPROTO_IPV6: return LINK_IPV6;
	case NFPROTO_NETDEV:
		/* On the way out the payload starts at the link header, if the device has one: a
		 * tun device has none. */
		if (metadata->hook == NETDEV_EGRESS && metadata->link_header_size >= ETH_HLEN)
			return LINK_ETHERNET;
		return LINK_ETHERTYPE;
	default: return LINK_ETHERTYPE; /* bridge, and arp, which decode ignores by ethertype */
	}
}

/* In the bridge family the kernel names the bridge as the device and its port as the physical one.
 * Between ports of one bridge, only those distinguish guests. */
__attribute__((noinline)) static void take_ports(struct packet_view *view)
{
	if (view->physical_input)
		view->input_interface = view->physical_input;
	if (view->physical_output)
		view->output_interface = view->physical_output;
}

static uint8_t side_of(uint8_t family, uint8_t hook)
{
	if (hook == HOOK_NONE)
		return SIDE_unknown;
	if (family == NFPROTO_NETDEV)
		return hook == NETDEV_EGRESS ? SIDE_egress : SIDE_ingress;
	return hook == HOOK_OUTPUT || hook == HOOK_POSTROUTING ? SIDE_egress : SIDE_ingress;
}

/* The body of a packet message: struct nfgenmsg, which begins with the family, and attributes.
 * False if it is malformed. */
static inline __attribute__((always_inline)) bool parse_packet(struct capture_nflog_parser *parser,
							       const uint8_t *body, size_t size,
							       struct packet_view *view,
							       const bool takes_notes)
{
	struct metadata metadata = { .hook = HOOK_NONE, .microseconds = PACKET_UNSTAMPED };

	*view = (struct packet_view){ .time_ms = parser->received_ms };
	if (size < FAMILY_HEADER_SIZE ||
	    !parse_attributes(parser, body + FAMILY_HEADER_SIZE, size - FAMILY_HEADER_SIZE, view,
			      &metadata, takes_notes))
		return false;
	if (takes_notes)
		parser->user = metadata.user;
	if (metadata.has_sequence)
		count_lost(parser, metadata.sequence);
	parser->packets_unstamped += metadata.microseconds == PACKET_UNSTAMPED;
	parser->packets_at_range += view->captured_bytes >= parser->snaplen;
	if (__builtin_expect(body[0] == NFPROTO_BRIDGE, 0))
		take_ports(view);
	view->link = link_of(body[0], &metadata);
	view->side = side_of(body[0], metadata.hook);
	if (view->link != LINK_ETHERTYPE)
		view->microseconds = metadata.microseconds;
	return true;
}

/* One netlink message, whatever it is. True if it was a packet. */
static inline __attribute__((always_inline)) bool
parse_message(struct capture_nflog_parser *parser, struct packet_view *view, const bool takes_notes)
{
	const uint8_t *header;
	size_t length;

	if (!capture_netlink_take(&parser->datagram, &header, &length)) {
		parser->messages_malformed++;
		return false;
	}
	if (capture_netlink_type(header) != PACKET_MESSAGE)
		return false;
	if (parse_packet(parser, header + NLMSG_HDRLEN, length - NLMSG_HDRLEN, view, takes_notes))
		return true;
	parser->messages_malformed++;
	return false;
}

void capture_nflog_parse_begin(struct capture_nflog_parser *parser, const uint8_t *bytes,
			       size_t size, unix_ms received_ms)
{
	parser->datagram = reader_of(bytes, size);
	parser->received_ms = received_ms;
}

/* Apart, so that nobody else pays for it. */
static __attribute__((noinline)) size_t parse_with_notes(struct capture_nflog_parser *parser,
							 struct packet_view *views, size_t capacity)
{
	size_t count = 0;

	while (count < capacity && reader_left(&parser->datagram)) {
		if (!parse_message(parser, &views[count], true))
			continue;
		if (parser->owners)
			parser->owners[count].user = parser->user;
		count++;
	}
	return count;
}

size_t capture_nflog_parse(struct capture_nflog_parser *parser, struct packet_view *views,
			   size_t capacity)
{
	size_t count = 0;

	if (__builtin_expect(parser->takes_link_headers || parser->owners, 0))
		return parse_with_notes(parser, views, capacity);
	while (count < capacity && reader_left(&parser->datagram))
		count += parse_message(parser, &views[count], false);
	return count;
}
