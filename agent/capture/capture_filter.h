/* capture_filter.h - the key filter of a source: words of libpcap, compiled.
 *
 * Place: beside capture_tap_ring.c, where the kernel applies them, and capture_file.c, where they
 * are applied here. What they do not match is never read. Without libpcap there are none:
 * capture_without_pcap.c refuses them. */
#ifndef CAPTURE_FILTER_H
#define CAPTURE_FILTER_H

#include "error_text.h"
#include "packet.h"

struct sock_fprog;

struct capture_filter; /* opaque: defined in capture_filter.c */

/* Whether libpcap understands the words, for Ethernet. Returns 0, or -EINVAL with 'error' filled:
 * the words, and what is wrong. */
int capture_filter_check(const char *words, struct error_text *error);

/* For packets of any link type. Returns NULL with 'error' filled. Owned by the caller. */
struct capture_filter *capture_filter_create(const char *words, struct error_text *error);
void capture_filter_destroy(struct capture_filter *filter);

/* Leave those of 'count' views that match, in their order. The words are compiled when the first
 * packet of a link type comes; where they make no sense for it (ether host on raw IP), which the
 * log says, none of them matches. Returns how many are left. */
size_t capture_filter_apply(struct capture_filter *filter, struct packet_view *views, size_t count);

/* For the kernel, on a packet socket of this enum link_type: a packet is taken by a BPF_RET of more
 * than 0. Fills 'program', whose 'filter' the caller frees. Returns 0, or -EOPNOTSUPP: the words
 * make no sense for it, or ask for what only libpcap can tell on a live socket. */
int capture_filter_compile(const char *words, uint8_t link, struct sock_fprog *program);

#endif
