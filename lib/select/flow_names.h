/* flow_names.h - the names of what a flow says, and other names that people use for them.
 *
 * Place: a name that somebody writes -> here -> the one name of a member.
 *
 * One table for filters, columns, orders and keys of agentctl, flow-key= and fields=: what one of
 * them accepts, all accept. Pure. */
#ifndef FLOW_NAMES_H
#define FLOW_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define FLOW_NAME_SIZE 48

/* The name that rows have for 'text' of 'length' characters: "dst_port" for "dport", "DstPort" or
 * "destinationTransportPort". A text without such a name is copied into 'name' and returned; cut to
 * nothing if it does not fit. */
const char *flow_names_canonical(const char *text, size_t length, char name[static FLOW_NAME_SIZE]);

/* Whether a text means the same as a name: letters may be large or small. */
bool flow_names_equal(const char *text, size_t length, const char *name);

#endif
