/* decode_network.c - IPv4 and IPv6 for the packets that do not go through the worker's own loop.
 *
 * Place: second layer of the decoder, after decode_link.c. What it does is in decode_ip.h. */
#include "decode_ip.h"

enum drop_reason decode_ipv4(struct frame *frame)
{
	enum drop_reason reason = take_ipv4_header(frame);

	if (reason == DROP_NONE)
		note_transport(frame);
	return reason;
}

enum drop_reason decode_ipv6(struct frame *frame)
{
	enum drop_reason reason = take_ipv6_header(frame);

	if (reason == DROP_NONE)
		note_transport(frame);
	return reason;
}

enum drop_reason decode_ip(struct frame *frame)
{
	if (reader_left(&frame->rest) == 0)
		return DROP_IP_TRUNCATED;
	return frame->rest.next[0] >> 4 == 4 ? decode_ipv4(frame) : decode_ipv6(frame);
}
