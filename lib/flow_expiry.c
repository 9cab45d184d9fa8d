/* flow_expiry.c - policy of the flow cache: which timeout applies, and whether it is over.
 *
 * A timeout of T ms is over when T ms have passed: a packet T ms after the last one starts a new
 * record. */
#include "flow_expiry.h"

#include "ip_protocol.h"

/* RFC 9293 section 3.1. */
#define TCP_FIN 0x01
#define TCP_RST 0x04

enum expiry_class expiry_class_of(uint8_t protocol, uint8_t tcp_flags)
{
	switch (protocol) {
	case PROTOCOL_TCP:
		if (tcp_flags & TCP_RST)
			return EXPIRY_tcp_rst;
		return tcp_flags & TCP_FIN ? EXPIRY_tcp_fin : EXPIRY_tcp;
	case PROTOCOL_UDP: return EXPIRY_udp;
	case PROTOCOL_ICMP:
	case PROTOCOL_IPv6_ICMP: return EXPIRY_icmp;
	default: return EXPIRY_general;
	}
}

enum flow_end_reason flow_expiry_reason(const struct expiry_policy *policy, enum expiry_class class,
					uint32_t age_ms, uint32_t idle_ms)
{
	uint32_t idle_limit_ms = policy->idle_ms[class];
	bool is_idle = idle_ms >= idle_limit_ms;
	bool is_old = age_ms >= policy->active_ms;

	if (!is_idle && !is_old)
		return FLOW_END_none;
	/* Both over: the one that was over first would have closed the record. */
	if (is_old && (!is_idle || age_ms - policy->active_ms > idle_ms - idle_limit_ms))
		return FLOW_END_activeTimeout;
	if (class == EXPIRY_tcp_rst || class == EXPIRY_tcp_fin)
		return FLOW_END_endOfFlowDetected;
	return FLOW_END_idleTimeout;
}
