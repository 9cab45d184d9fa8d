/* capture_pcapng_parse.h - one block of a pcapng file -> packet view.
 *
 * Place: capture_pcap_parse.c, which has found out the format -> here. Pure. */
#ifndef CAPTURE_PCAPNG_PARSE_H
#define CAPTURE_PCAPNG_PARSE_H

#include "capture_pcap_format.h"

/* Step of the pcapng reader: 1 with *view filled; -EAGAIN if the block held no packet; else as
 * capture_pcap_parse(). */
int capture_pcapng_parse_block(struct capture_pcap_parser *parser, struct packet_view *view,
			       struct error_text *error);

#endif
