/* capture_pcap_format.h - what the two file formats share; for capture_pcap_parse.c and
 * capture_pcapng_parse.c only. */
#ifndef CAPTURE_PCAP_FORMAT_H
#define CAPTURE_PCAP_FORMAT_H

#include "error_text.h"
#include "packet.h"

#include <stddef.h>
#include <stdint.h>

struct capture_pcap_parser;

enum {
	/* No link carries packets of this size: a larger one is a damaged file, and is not waited
	 * for. */
	CAPTURE_PCAP_PACKET_MAX = 16 * 1024 * 1024,
};

/* LINKTYPE_ value of a file, or DLT_ value of libpcap on Linux, which are the same for what we know
 * -> enum link_type; LINK_UNKNOWN if it cannot be decoded. Also for capture_interface.c. */
uint8_t capture_pcap_link(uint32_t link_type);

/* Say that a file has no link type that can be decoded. Returns -EBADMSG. */
int capture_pcap_refuse_link(const struct capture_pcap_parser *parser, uint32_t link_type,
			     struct error_text *error);

/* Where the parser stands in the file. */
uint64_t capture_pcap_offset(const struct capture_pcap_parser *parser);

/* The next item needs a window of 'wanted' bytes. Returns 0, or -EBADMSG with 'error' filled if the
 * file ends before: cut off in the middle of 'what'. */
int capture_pcap_want(struct capture_pcap_parser *parser, size_t wanted, const char *what,
		      struct error_text *error);

/* Step of the pcapng reader: 1 with *view filled; -EAGAIN if the block held no packet; else as
 * capture_pcap_parse(). */
int capture_pcapng_parse_block(struct capture_pcap_parser *parser, struct packet_view *view,
			       struct error_text *error);

#endif
