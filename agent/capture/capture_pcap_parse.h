/* capture_pcap_parse.h - bytes of a pcap or pcapng file, as they come in -> packet views.
 *
 * Stage: file or pipe -> capture_file.c -> here -> packet_view. Pure: no file. Which of the formats
 * it is, is found out from the first bytes. The parser stands somewhere in the file and sees a
 * window of it; when the window holds no whole packet any more it says how much it wants.
 * Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng; pcap-savefile(5) for versions before
 * 2.4. */
#ifndef CAPTURE_PCAP_PARSE_H
#define CAPTURE_PCAP_PARSE_H

#include "bytes.h"
#include "error_text.h"
#include "packet.h"

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

void capture_pcap_parse_init(struct capture_pcap_parser *parser, const char *name);
void capture_pcap_parse_clear(struct capture_pcap_parser *parser);

/* Show the parser a window of the file: what it left of the one before, and new bytes behind it.
 *
 * bytes    borrowed until the next call, by the parser and by its views.
 * is_last  whether the file ends with it. */
void capture_pcap_parse_feed(struct capture_pcap_parser *parser, const uint8_t *bytes, size_t size,
			     bool is_last);

/* Give out the next packets: up to 'capacity' views. With capacity 0 only the header of the file is
 * looked at.
 *
 * Returns how many; 0 if the window must hold parser->wanted bytes for the next; -ENODATA at the
 * end of the file; -EBADMSG with 'error' filled where the file is damaged, is none of ours, or of
 * link types none of which can be decoded (pcapng: found out at its end); -ENOMEM. All packets
 * before the fault are given out first; the fault is reported again on each further call. */
int capture_pcap_parse(struct capture_pcap_parser *parser, struct packet_view *views,
		       size_t capacity, struct error_text *error);

#endif
