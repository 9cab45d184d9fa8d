/* agentctl_tc.h - BPF programs that are filters of clsact at an interface, as before Linux 6.6.
 *
 * Place: the kernel's routing netlink -> here -> doctor. Source: rtnetlink(7), and linux/pkt_cls.h.
 */
#ifndef AGENTCTL_TC_H
#define AGENTCTL_TC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers of the programs, in the order in which packets meet them.
 *
 * interface  its number.
 * is_egress  else what comes in.
 * programs   out; room for 'capacity'.
 * Returns how many there are, at most 'capacity'; or a negative errno. */
int agentctl_tc_programs(unsigned int interface, bool is_egress, uint32_t *programs,
			 size_t capacity);

#endif
