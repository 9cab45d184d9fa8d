/* capture_pcap_format.h - what the parsers of the two file formats share: where a parser stands in
 * its file, and link types.
 *
 * Place: file or device -> here -> the two parsers -> packet_view.
 *
 * For capture_pcap_parse.c and capture_pcapng_parse.c; link types also for capture_tap_pcap.c
 * and capture_filter.c. */
#ifndef CAPTURE_PCAP_FORMAT_H
#define CAPTURE_PCAP_FORMAT_H

#include "bytes.h"
#include "error_text.h"
#include "packet.h"

#include <stddef.h>
#include <stdint.h>

enum capture_pcap_format {
	PCAP_FORMAT_unknown, /* nothing read yet */
	PCAP_FORMAT_pcap,
	PCAP_FORMAT_pcapng,
};

/* What a pcapng interface description block says of the packets that name it. */
struct capture_pcap_interface {
	uint64_t units_per_ms; /* of time stamps; 0 if a millisecond is not a whole number */
	uint8_t resolution;    /* if_tsresol as in the file */
	int64_t offset_ms;     /* if_tsoffset: added to time stamps */
	uint32_t snaplen;      /* 0: none */
	uint16_t link_type;    /* as in the file */
	uint8_t link;          /* enum link_type */
};

/* pcap: which of a record's two lengths is the captured one. */
enum capture_pcap_lengths {
	PCAP_LENGTHS_captured_first,
	PCAP_LENGTHS_captured_last,    /* versions 2.0 to 2.2 */
	PCAP_LENGTHS_captured_smaller, /* version 2.3 was written in both orders */
};

/* One per file. Start with capture_pcap_parse_init(). */
struct capture_pcap_parser {
	const char *name;     /* of the file, for errors; borrowed */
	struct reader window; /* what is at hand and not parsed yet; borrowed by the views */
	uint64_t end_offset;  /* where the window ends in the file */
	bool is_last;         /* the file ends with the window */
	size_t wanted;        /* window that the next item needs, when 0 was returned */

	enum capture_pcap_format format;
	bool is_big_endian;                        /* numbers in the file, or in the section */
	bool has_nanoseconds;                      /* pcap */
	bool takes_microseconds;                   /* pcap: views get them: it costs something */
	uint8_t lengths;                           /* pcap: enum capture_pcap_lengths */
	uint8_t link;                              /* pcap: enum link_type */
	uint64_t skip_bytes;                       /* pcapng: left of a block that is passed over */
	uint64_t block_offset;                     /* where that began */
	unix_ms last_ms;                           /* pcapng: time stamp of the packet before */
	struct capture_pcap_interface *interfaces; /* pcapng: of this section; owned */
	uint32_t interface_count;
	uint32_t interface_capacity;
	bool has_decodable_interface; /* pcapng: one at least in the whole file */
	bool has_undecodable_interface;
	uint16_t undecodable_link_type; /* of the first such interface */

	uint64_t packets_undecodable; /* pcapng: of such an interface */
	uint64_t packets_truncated;   /* longer than what was captured of them */
	uint64_t packets_unstamped;   /* simple packet blocks: time of the packet before */
};

enum {
	/* No link carries packets of this size: a larger one is a damaged file, and is not waited
	 * for. */
	CAPTURE_PCAP_PACKET_MAX = 16 * 1024 * 1024,
};

/* LINKTYPE_ value of a file, or DLT_ value of libpcap on Linux, which are the same for what we know
 * -> enum link_type; LINK_UNKNOWN if it cannot be decoded. */
uint8_t capture_pcap_link(uint32_t link_type);
/* And back: the DLT_ value of libpcap on Linux; -1 where there is none. */
int capture_pcap_link_type(uint8_t link);

/* Say that a file has no link type that can be decoded. Returns -EBADMSG. */
int capture_pcap_refuse_link(const struct capture_pcap_parser *parser, uint32_t link_type,
			     struct error_text *error);

/* Where the parser stands in the file. */
uint64_t capture_pcap_offset(const struct capture_pcap_parser *parser);

/* The next item needs a window of 'wanted' bytes. Returns 0, or -EBADMSG with 'error' filled if the
 * file ends before: cut off in the middle of 'what'. */
int capture_pcap_want(struct capture_pcap_parser *parser, size_t wanted, const char *what,
		      struct error_text *error);

#endif
