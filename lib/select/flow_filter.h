/* flow_filter.h - the filter words of `agentctl show flows`, and of a collector's filter.
 *
 * Place: words of a request or a collector -> here -> verdict on a flow_record.
 *
 * A word is KEY=VALUE. Words are ANDed, a comma between values means OR; KEY!=VALUE, or '!' before
 * a word, matches what the word does not. A key of one value stands after '=' once: src= twice is
 * refused, for both would have to match.
 *
 *   src= dst= host= net=              address or prefix; host and net: either side
 *   src_port= dst_port= port=         0 to 65535, or the name of a service such as https
 *   src_as= dst_as= as=               AS number, 64500 or 1.10 or AS64500; 0 is unknown
 *   in_if= out_if= iface=             number or name
 *   proto=                            number or name such as tcp
 *   dir=in|out|unknown  v=4|6         side of the server, IP version
 *   tos= vlan= mark=                  0 to 255 (also 0x2e), 0 to 4095, 0 to 4294967295
 *   flags=SA                          TCP flags of FSRPAUEC that must all be set
 *   uid=                              of this host's end; no value matches where it is not known
 *   unit=                             name, where somebody knows units (flow_filter_names.h)
 *   bytes= packets=                   with k M G T for powers of 1000, as rates are read
 *   duration= age= idle=              last - first packet, now - first, now - last; ms s m h d,
 *                                     seconds without a unit, 1h30m
 *   rtt= client_rtt= server_rtt=      of a TCP connection; us ms s, microseconds without a unit
 *   retransmitted= out_of_order=      packets, likewise; where it is not known, no value matches
 *
 * Keys may have any name of flow_names.h, such as dport= for dst_port=.
 *
 * Numbers, but not interfaces and protocols, may be compared (bytes>1M packets>=10 age<30s) and
 * given as a range (dport=1000-1999). */
#ifndef FLOW_FILTER_H
#define FLOW_FILTER_H

#include "error_text.h"
#include "flow.h"
#include "flow_filter_names.h"

#include <stdbool.h>

struct flow_filter; /* opaque: defined in flow_filter.c */

/* Parse 'count' words; 'names' may be NULL. Returns a filter owned by the caller, or NULL with
 * 'error' filled. No words match everything. One allocation. */
struct flow_filter *flow_filter_parse(const char *const *words, size_t count,
				      const struct flow_filter_names *names,
				      struct error_text *error);
/* The same for words in one text, with blanks between them. */
struct flow_filter *flow_filter_parse_text(const char *text, const struct flow_filter_names *names,
					   struct error_text *error);
void flow_filter_destroy(struct flow_filter *filter);

/* What a filter looks at beside the record itself; bits. */
enum flow_filter_need {
	FLOW_FILTER_needs_now = 1,        /* age, idle */
	FLOW_FILTER_needs_as_numbers = 2, /* src_as, dst_as, as */
	FLOW_FILTER_needs_user = 4,       /* uid: flow_record.user must be there */
	FLOW_FILTER_needs_unit = 8,       /* unit */
	FLOW_FILTER_needs_tcp = 16,       /* rtt and the like: so must flow_record.tcp */
};
unsigned int flow_filter_needs(const struct flow_filter *filter);

/* source_as and destination_as are 0 where no table is loaded. 'now_ms' is for age and idle. Never
 * allocates. */
bool flow_filter_matches(const struct flow_filter *filter, const struct flow_record *flow,
			 uint32_t source_as, uint32_t destination_as, unix_ms now_ms);

#endif
