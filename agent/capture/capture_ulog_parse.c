/* capture_ulog_parse.c - walks the netlink messages of ULOG.
 *
 * Place: recvfrom() in capture_ulog.c -> here -> worker. Invariant: a view never reaches beyond its
 * own message, nor a message beyond its datagram.
 *
 * A message is a netlink header of type 111 and a struct that begins with "long" members, so that
 * there are two layouts. Of several in a datagram all but the last have NLM_F_MULTI, and the last
 * has type NLMSG_DONE, and is a packet as well. They are numbered from 0 in each datagram. The
 * kernel counts nothing that it could not deliver. */
#include "capture_ulog_parse.h"

#include "capture_netlink.h"

#include <linux/netfilter.h>
#include <string.h>

enum {
	EVENT = 111, /* ULOG_NL_EVENT */
	PREFIX_SIZE = 32,
	IP_HEADER_SIZE = 20, /* what a packet has at least */
	PADDING_MAX = 3,     /* old kernels count the padding of a message to its length */
};

static const uint64_t SECONDS_MAX = UINT64_C(1) << 40; /* keeps milliseconds far from overflow */

/* Where the members of ulog_packet_msg_t are. The payload begins before the end of the struct,
 * whose size the kernel adds to that of the copy. */
struct layout {
	uint8_t word; /* bytes of a "long" */
	uint8_t hook, input, output, length, prefix, payload;
	uint8_t size;
};

static const struct layout layouts[] = {
	{ 8, 24, 28, 44, 64, 72, 185, 192 },
	{ 4, 12, 16, 32, 48, 52, 165, 168 },
};

static uint64_t load_word(const uint8_t *bytes, const struct layout *layout)
{
	return layout->word == 8 ? load_host64(bytes) : load_host32(bytes);
}

/* Length of the copy if a body of 'size' bytes may be of this layout; SIZE_MAX if not. */
static size_t copy_length(const uint8_t *body, size_t size, const struct layout *layout)
{
	uint64_t length;

	if (size < layout->size)
		return SIZE_MAX;
	length = load_word(body + layout->length, layout);
	if (length > size - layout->size || size - layout->size - length > PADDING_MAX)
		return SIZE_MAX;
	return (size_t)length;
}

/* The layout of a body: its length must fit. A short copy may fit both, with what is another member
 * in one of them; then a packet is the longer one. NULL: it is of none. */
static const struct layout *find_layout(const uint8_t *body, size_t size, size_t *length)
{
	const struct layout *found = NULL;

	*length = 0;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		const size_t one = copy_length(body, size, &layouts[i]);

		if (one == SIZE_MAX || (found && one <= *length))
			continue;
		found = &layouts[i];
		*length = one;
	}
	return *length >= IP_HEADER_SIZE ? found : NULL;
}

static uint32_t interface_of(const struct capture_ulog_parser *parser, const uint8_t *bytes)
{
	char name[ULOG_NAME_SIZE + 1] = "";

	if (!bytes[0])
		return 0;
	memcpy(name, bytes, ULOG_NAME_SIZE);
	return parser->index_of(parser->context, name);
}

/* Seconds and microseconds, each a "long". */
static void take_time(struct capture_ulog_parser *parser, const uint8_t *bytes,
		      const struct layout *layout, struct packet_view *view)
{
	const uint64_t seconds = load_word(bytes, layout);
	const uint64_t microseconds = load_word(bytes + layout->word, layout);

	if (seconds == 0 || seconds > SECONDS_MAX || microseconds >= 1000000) {
		parser->packets_unstamped++;
		view->microseconds = PACKET_UNSTAMPED;
		return;
	}
	view->time_ms = (unix_ms)(seconds * 1000 + microseconds / 1000);
	view->microseconds = (uint16_t)(microseconds % 1000);
}

/* The body of a message. False if it is malformed. */
static bool parse_packet(struct capture_ulog_parser *parser, const uint8_t *body, size_t size,
			 struct packet_view *view)
{
	size_t length;
	const struct layout *layout = find_layout(body, size, &length);
	uint32_t hook;

	if (!layout)
		return false;
	hook = load_host32(body + layout->hook);
	*view = (struct packet_view){
		.time_ms = parser->received_ms,
		.link = LINK_IPV4,
		.bytes = body + layout->payload,
		.captured_bytes = (uint32_t)length,
		.mark = (uint32_t)load_word(body, layout),
		.input_interface = interface_of(parser, body + layout->input),
		.output_interface = interface_of(parser, body + layout->output),
		.side = hook == NF_INET_LOCAL_OUT || hook == NF_INET_POST_ROUTING ? SIDE_egress
										  : SIDE_ingress,
		.rule_interval = capture_rate_prefix_interval(
			&parser->prefix, body + layout->prefix,
			strnlen((const char *)body + layout->prefix, PREFIX_SIZE)),
	};
	take_time(parser, body + layout->word, layout, view);
	return true;
}

/* Numbers within a datagram go up by one: what is missing between two was there. */
static void count_lost(struct capture_ulog_parser *parser, uint32_t sequence)
{
	const uint32_t gap = sequence - parser->next_sequence;

	parser->next_sequence = sequence + 1;
	if (!parser->is_counted)
		parser->is_counted = true;
	else if (gap > INT32_MAX)
		parser->messages_malformed++;
	else
		parser->packets_lost += gap;
}

/* One netlink message, whatever it is. True if it was a packet. */
static bool parse_message(struct capture_ulog_parser *parser, struct packet_view *view)
{
	const uint8_t *header;
	size_t length;
	uint16_t type;

	if (!capture_netlink_take(&parser->datagram, &header, &length)) {
		parser->messages_malformed++;
		return false;
	}
	type = capture_netlink_type(header);
	if (type != EVENT && (type != NLMSG_DONE || length == NLMSG_HDRLEN))
		return false;
	count_lost(parser, load_host32(header + 8));
	if (parse_packet(parser, header + NLMSG_HDRLEN, length - NLMSG_HDRLEN, view))
		return true;
	parser->messages_malformed++;
	return false;
}

void capture_ulog_parse_begin(struct capture_ulog_parser *parser, const uint8_t *bytes, size_t size,
			      unix_ms received_ms)
{
	parser->datagram = reader_of(bytes, size);
	parser->received_ms = received_ms;
	parser->is_counted = false;
}

size_t capture_ulog_parse(struct capture_ulog_parser *parser, struct packet_view *views,
			  size_t capacity)
{
	size_t count = 0;

	while (count < capacity && reader_left(&parser->datagram))
		count += parse_message(parser, &views[count]);
	return count;
}
