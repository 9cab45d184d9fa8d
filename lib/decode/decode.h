/* decode.h - packet_view -> packet_info: which flow a packet belongs to and what it adds to it.
 *
 * Place: capture source -> decode -> flow cache. Pure; reads captured bytes only, in bounded time:
 * every loop is bounded by the captured length. decode_link.c finds the network layer;
 * decode_ip.h and decode_network.c take IPv4 and IPv6, and ports. */
#ifndef DECODE_H
#define DECODE_H

#include "bytes.h"
#include "drop_reason.h"
#include "packet.h"
#include "packet_info.h"
#include "packet_note.h"

/* Decode one packet.
 *
 * packet   borrowed; bytes may be NULL only if captured_bytes is 0.
 * info     out; complete when DROP_NONE is returned, undefined otherwise. Members clock_ms
 * excepted. Returns DROP_NONE or why the packet is not accounted. Never allocates. */
enum drop_reason decode_packet(const struct packet_view *packet, struct packet_info *info);

/* The same, for who needs more of the packet. Both are complete when DROP_NONE is returned.
 *
 * note     out: what the optional data of a flow need; may be NULL.
 * ip       out: the outermost IP packet from its header on, as far as it was captured, without what
 *          follows it in the frame; borrowed as packet->bytes is; may be NULL. */
enum drop_reason decode_packet_noted(const struct packet_view *packet, struct packet_info *info,
				     struct packet_note *note, struct reader *ip);

#endif
