/* flow_reverse.h - what the other direction of a flow looks like: RFC 5103 section 3.
 *
 * Place: policy of the flow cache. Pure. */
#ifndef FLOW_REVERSE_H
#define FLOW_REVERSE_H

#include "flow.h"

#include <stdbool.h>

#define FLOW_REVERSE_KEYS_MAX 2

/* Keys that the reverse of a flow can have, the likeliest first: addresses and ports swapped, or
 * the ICMP type of the answer; all else the same but interfaces and side, which depend on where
 * packets were seen:
 *
 *     one interface known    the other side of the same interface (hooks of a host), else the same
 *                            side and interface (a mirror port)
 *     both known             the same side, interfaces swapped (hook forward)
 *     none                   the other side, else the same
 *
 * key        borrowed; flow_key_size() bytes of it are read.
 * has_ports  ports, so ICMP types, are part of the key.
 * Returns how many; 0 for an ICMP message that nothing answers. The key itself may be among them,
 * if nothing in it has a direction. */
size_t flow_reverse_keys(const struct flow_key *key, bool has_ports,
			 struct flow_key keys[static FLOW_REVERSE_KEYS_MAX]);

/* Whether this is an ICMP or ICMPv6 message that asks for an answer known to flow_reverse_keys().
 */
bool flow_reverse_is_request(const struct flow_key *key);

#endif
