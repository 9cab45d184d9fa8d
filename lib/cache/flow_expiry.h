/* flow_expiry.h - when and why a record leaves the cache: active, inactive, end of flow.
 *
 * Place: policy of the flow cache. Pure arithmetic on milliseconds of the cache's clock. */
#ifndef FLOW_EXPIRY_H
#define FLOW_EXPIRY_H

#include "clock.h"
#include "flow.h"

#include <stdbool.h>

/* Classes of flows that have an inactive timeout of their own; named as softflowd names them. */
enum expiry_class {
	EXPIRY_tcp,
	EXPIRY_tcp_rst, /* a RST was seen: the linger time of an ended flow */
	EXPIRY_tcp_fin, /* a FIN was seen: the linger time of an ended flow */
	EXPIRY_udp,
	EXPIRY_icmp, /* ICMP and ICMPv6 */
	EXPIRY_general,
	EXPIRY_CLASS_COUNT,
	/* Of no protocol: its time is over, as somebody has asked for it (flow_cache_end()). */
	EXPIRY_forced = EXPIRY_CLASS_COUNT, /* to be exported now */
	EXPIRY_dropped,                     /* to be forgotten */
	EXPIRY_STATE_COUNT
};

/* Longest timeout: clock differences are kept in 32 bits. 2,000,000 s are 23 days. */
#define EXPIRY_TIMEOUT_MAX_MS 2000000000u
/* No active timeout: no age in 32 bits is more. Ages wrap after 49 days, so that once in 2^32 a
 * packet finds its flow exactly this old, and begins a new record. */
#define EXPIRY_ACTIVE_OFF UINT32_MAX

struct expiry_policy {
	uint32_t active_ms; /* since the record's first packet; EXPIRY_ACTIVE_OFF: none */
	uint32_t idle_ms[EXPIRY_STATE_COUNT]; /* since its last packet; 0 from EXPIRY_forced on */
	uint8_t ignored_flags; /* TCP flags that end no flow: all, where a flow is more than one
				  connection (flow_key_choice.h) */
};

/* Whether somebody has asked for the end of a flow of this class. */
static inline bool expiry_class_is_asked(enum expiry_class class)
{
	return class >= EXPIRY_CLASS_COUNT;
}

/* Have flows whose end was asked for be over at once. */
static inline void flow_expiry_end_asked(struct expiry_policy *policy)
{
	policy->idle_ms[EXPIRY_forced] = 0;
	policy->idle_ms[EXPIRY_dropped] = 0;
}

/* Class of a flow from its protocol and the TCP flags seen so far. */
enum expiry_class expiry_class_of(uint8_t protocol, uint8_t tcp_flags);

/* Why a record that was created 'age_ms' and last hit 'idle_ms' ago must leave now; FLOW_END_none
 * if it may stay. A flow that has ended (tcp_rst, tcp_fin) leaves for FLOW_END_endOfFlowDetected
 * once its linger time is over. */
enum flow_end_reason flow_expiry_reason(const struct expiry_policy *policy, enum expiry_class class,
					uint32_t age_ms, uint32_t idle_ms);

/* One direction of a biflow: since when it is there, and without a packet. */
struct expiry_direction {
	enum expiry_class class;
	uint32_t age_ms, idle_ms;
};

/* Why both directions of a biflow must leave now. They leave together: when both have been idle for
 * long enough, when a RST of one has lingered, or when the older has reached the active timeout.
 *
 * reasons  out; one for each direction, FLOW_END_none if they may stay.
 * Returns whether they must leave. */
bool flow_expiry_pair(const struct expiry_policy *policy,
		      const struct expiry_direction directions[static 2],
		      enum flow_end_reason reasons[static 2]);

#endif
