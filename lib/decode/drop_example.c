/* drop_example.c - copies what a packet_view borrows, before its source takes it back. */
#include "drop_example.h"

#include <string.h>

void drop_example_keep(struct drop_example *example, const struct packet_view *packet)
{
	uint32_t size = packet->captured_bytes < DROP_EXAMPLE_BYTES ? packet->captured_bytes
								    : DROP_EXAMPLE_BYTES;

	example->time_ms = packet->time_ms;
	example->captured_bytes = packet->captured_bytes;
	example->original_bytes = packet->original_bytes;
	example->link = packet->link;
	example->size = (uint8_t)size;
	if (size)
		memcpy(example->bytes, packet->bytes, size);
}

const char *link_type_name(enum link_type link)
{
	switch (link) {
	case LINK_ETHERNET: return "ethernet";
	case LINK_LINUX_SLL: return "linux_sll";
	case LINK_LINUX_SLL2: return "linux_sll2";
	case LINK_RAW: return "raw";
	case LINK_IPV4: return "ipv4";
	case LINK_IPV6: return "ipv6";
	case LINK_NULL: return "null";
	case LINK_LOOP: return "loop";
	case LINK_NFLOG: return "nflog";
	case LINK_PPP: return "ppp";
	case LINK_PPPOE: return "pppoe";
	case LINK_CISCO_HDLC: return "cisco_hdlc";
	case LINK_ETHERTYPE: return "ethertype";
	case LINK_UNKNOWN: break;
	}
	return "unknown";
}
