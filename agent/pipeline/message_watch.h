/* message_watch.h - notices a netfilter rule that hands over packets one by one.
 *
 * Place: beside the worker. Pure. The kernel gathers up to 1000 packets for a message, unless the
 * rule itself says less (iptables --nflog-threshold 1, nft queue-threshold 1): then each packet is
 * a message and a wake-up of its own, which costs reader and packet path 4 to 5 times as much. */
#ifndef MESSAGE_WATCH_H
#define MESSAGE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define MESSAGE_WATCH_MS    5000
#define MESSAGE_WATCH_COUNT 5000 /* messages in that time: 1000 a second */

/* Start with all zero. */
struct message_watch {
	int64_t since_ms; /* monotonic */
	uint64_t messages, packets;
	bool has_started;
	bool is_single; /* packets came one by one in the last whole interval */
	bool was_reported;
};

/* Look at the counters, about once a second. Returns true when is_single is first set: the moment
 * to report it. */
static inline bool message_watch_update(struct message_watch *watch, int64_t now_ms,
					uint64_t messages, uint64_t packets)
{
	uint64_t new_messages = messages - watch->messages;
	uint64_t new_packets = packets - watch->packets;
	bool is_first;

	if (watch->has_started && now_ms - watch->since_ms < MESSAGE_WATCH_MS)
		return false;
	watch->is_single = watch->has_started && new_messages >= MESSAGE_WATCH_COUNT &&
			   new_packets < 2 * new_messages;
	watch->has_started = true;
	watch->since_ms = now_ms;
	watch->messages = messages;
	watch->packets = packets;
	is_first = watch->is_single && !watch->was_reported;
	watch->was_reported |= watch->is_single;
	return is_first;
}

#endif
