/* capture_pcap_format.c - link types of both file formats, and where a parser stands in its file.
 */
#include "capture_pcap_format.h"

#include <errno.h>
#include <inttypes.h>

/* Registry: https://www.tcpdump.org/linktypes.html. 12 and 14 are what some systems write for 101.
 * Of several the first is what libpcap has on Linux: DLT_ value 12 for raw IP. */
static const struct {
	uint16_t link_type;
	uint8_t link;
} links[] = {
	{ 0, LINK_NULL },         { 1, LINK_ETHERNET },
	{ 9, LINK_PPP },          { 12, LINK_RAW },
	{ 14, LINK_RAW },         { 50, LINK_PPP }, /* PPP_HDLC: with address and control */
	{ 51, LINK_PPPOE },       { 101, LINK_RAW },
	{ 104, LINK_CISCO_HDLC }, { 108, LINK_LOOP },
	{ 113, LINK_LINUX_SLL },  { 228, LINK_IPV4 },
	{ 229, LINK_IPV6 },       { 239, LINK_NFLOG },
	{ 276, LINK_LINUX_SLL2 },
};

uint8_t capture_pcap_link(uint32_t link_type)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (links[i].link_type == link_type)
			return links[i].link;
	return LINK_UNKNOWN;
}

int capture_pcap_link_type(uint8_t link)
{
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (links[i].link == link)
			return links[i].link_type;
	return -1;
}

uint64_t capture_pcap_offset(const struct capture_pcap_parser *parser)
{
	return parser->end_offset - reader_left(&parser->window);
}

int capture_pcap_want(struct capture_pcap_parser *parser, size_t wanted, const char *what,
		      struct error_text *error)
{
	if (!parser->is_last) {
		parser->wanted = wanted;
		return 0;
	}
	error_text_set(error,
		       "%s: cut off in the middle of a %s at offset %" PRIu64
		       ": expected %zu more bytes",
		       parser->name, what, capture_pcap_offset(parser),
		       wanted - reader_left(&parser->window));
	return -EBADMSG;
}

int capture_pcap_refuse_link(const struct capture_pcap_parser *parser, uint32_t link_type,
			     struct error_text *error)
{
	error_text_set(error, "%s: link type %" PRIu32 " cannot be decoded", parser->name,
		       link_type);
	error_text_hint(error, "known are Ethernet, Linux cooked v1 and v2, raw IP, IPv4, IPv6, "
			       "null, loop, NFLOG, PPP, PPPoE and Cisco HDLC");
	return -EBADMSG;
}
