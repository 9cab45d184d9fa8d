/* flow_expiry.c - policy of the flow cache: which timeout applies, and whether it is over.
 *
 * A timeout of T ms is over when T ms have passed: a packet T ms after the last one starts a new
 * record. */
#include "flow_expiry.h"

#include "ip_protocol.h"
#include "tcp_flags.h"

/* RFC 9293 section 3.1. */

enum expiry_class expiry_class_of(uint8_t protocol, uint8_t tcp_flags)
{
	if (protocol == PROTOCOL_TCP) {
		if (tcp_flags & TCP_FLAG_RST)
			return EXPIRY_tcp_rst;
		return tcp_flags & TCP_FLAG_FIN ? EXPIRY_tcp_fin : EXPIRY_tcp;
	}
	switch (protocol) {
	case PROTOCOL_UDP: return EXPIRY_udp;
	case PROTOCOL_ICMP:
	case PROTOCOL_IPv6_ICMP: return EXPIRY_icmp;
	default: return EXPIRY_general;
	}
}

static enum flow_end_reason asked_reason(enum expiry_class class)
{
	return class == EXPIRY_dropped ? FLOW_END_dropped : FLOW_END_forcedEnd;
}

enum flow_end_reason flow_expiry_reason(const struct expiry_policy *policy, enum expiry_class class,
					uint32_t age_ms, uint32_t idle_ms)
{
	uint32_t idle_limit_ms = policy->idle_ms[class];
	bool is_idle = idle_ms >= idle_limit_ms;
	bool is_old = age_ms >= policy->active_ms;

	if (!is_idle && !is_old)
		return FLOW_END_none;
	if (expiry_class_is_asked(class))
		return asked_reason(class);
	/* Both over: the one that was over first would have closed the record. */
	if (is_old && (!is_idle || age_ms - policy->active_ms > idle_ms - idle_limit_ms))
		return FLOW_END_activeTimeout;
	if (class == EXPIRY_tcp_rst || class == EXPIRY_tcp_fin)
		return FLOW_END_endOfFlowDetected;
	return FLOW_END_idleTimeout;
}

/* For how long the inactive timeout has been over; negative if it is not. */
static int64_t idle_over_ms(const struct expiry_policy *policy,
			    const struct expiry_direction *direction)
{
	return (int64_t)direction->idle_ms - policy->idle_ms[direction->class];
}

static bool has_ended(const struct expiry_direction *direction)
{
	return direction->class == EXPIRY_tcp_rst || direction->class == EXPIRY_tcp_fin;
}

bool flow_expiry_pair(const struct expiry_policy *policy,
		      const struct expiry_direction directions[static 2],
		      enum flow_end_reason reasons[static 2])
{
	const uint32_t age_ms = directions[0].age_ms > directions[1].age_ms ? directions[0].age_ms
									    : directions[1].age_ms;
	const int64_t old_ms = (int64_t)age_ms - policy->active_ms;
	const int64_t over_ms[2] = { idle_over_ms(policy, &directions[0]),
				     idle_over_ms(policy, &directions[1]) };
	int64_t idle_ms = over_ms[0] < over_ms[1] ? over_ms[0] : over_ms[1];
	bool is_reset = false;
	const enum expiry_class asked =
		directions[0].class > directions[1].class ? directions[0].class
							  : directions[1].class;
	const bool is_asked = expiry_class_is_asked(asked);

	/* A RST ends both (RFC 9293 section 3.5.3), a FIN only its own direction. */
	for (int i = 0; i < 2; i++) {
		is_reset |= directions[i].class == EXPIRY_tcp_rst;
		if (directions[i].class == EXPIRY_tcp_rst && over_ms[i] > idle_ms)
			idle_ms = over_ms[i];
	}
	reasons[0] = reasons[1] = FLOW_END_none;
	if (old_ms < 0 && idle_ms < 0 && !is_asked)
		return false;
	for (int i = 0; i < 2; i++) {
		if (is_asked)
			reasons[i] = asked_reason(asked);
		else if (old_ms >= 0 && old_ms > idle_ms)
			reasons[i] = FLOW_END_activeTimeout;
		else if (is_reset || has_ended(&directions[i]))
			reasons[i] = FLOW_END_endOfFlowDetected;
		else
			reasons[i] = FLOW_END_idleTimeout;
	}
	return true;
}
