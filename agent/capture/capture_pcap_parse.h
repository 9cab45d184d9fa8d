/* capture_pcap_parse.h - bytes of a pcap or pcapng file, as they come in -> packet views.
 *
 * Place: file or pipe -> capture_file.c -> here -> packet_view. Pure: no file. Which of the formats
 * it is, is found out from the first bytes. The parser stands somewhere in the file and sees a
 * window of it; when the window holds no whole packet any more it says how much it wants.
 * Source: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng; pcap-savefile(5) for versions before
 * 2.4. */
#ifndef CAPTURE_PCAP_PARSE_H
#define CAPTURE_PCAP_PARSE_H

#include "capture_pcap_format.h"

void capture_pcap_parse_init(struct capture_pcap_parser *parser, const char *name);
void capture_pcap_parse_clear(struct capture_pcap_parser *parser);

/* Show the parser a window of the file: what it left of the one before, and new bytes after it.
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
