/* drop_example.h - the last packet that was ignored for each reason, kept to be looked at.
 *
 * Place: beside decode. A packet is copied only when it is ignored; memory is one example per
 * reason. */
#ifndef DROP_EXAMPLE_H
#define DROP_EXAMPLE_H

#include "packet.h"

#define DROP_EXAMPLE_BYTES 96 /* kept of each: link headers, IP and TCP */

struct drop_example {
	unix_ms time_ms;
	uint32_t captured_bytes; /* of the packet, as in packet_view */
	uint32_t original_bytes; /* 0: unknown */
	uint8_t link;            /* enum link_type */
	uint8_t size;            /* bytes kept */
	uint8_t bytes[DROP_EXAMPLE_BYTES];
};

/* Replace the example by a copy of the beginning of 'packet'. */
void drop_example_keep(struct drop_example *example, const struct packet_view *packet);

/* Name of a link type for people and JSON, such as "ethernet"; static storage. */
const char *link_type_name(enum link_type link);

#endif
