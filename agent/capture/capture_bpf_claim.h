/* capture_bpf_claim.h - which of our filters in clsact are those of agents that run.
 *
 * Place: part of capture_bpf_kernel.c, before Linux 6.6. A filter stays when its agent is killed,
 * so the next one takes it off; that of an agent that runs must stay. For as long as an agent reads
 * by a filter, it has a socket with the filter's name in the abstract namespace, which belongs to a
 * network namespace like the filter. It ends with the process. Who takes a name that is not its own
 * spares a filter that is left, and nothing else. Source: unix(7). */
#ifndef CAPTURE_BPF_CLAIM_H
#define CAPTURE_BPF_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

/* Claim the filter of interface 'index' that has this number. Returns the descriptor, which is the
 * caller's; or a negative errno, -EADDRINUSE if an agent that runs has it. */
int capture_bpf_claim(uint32_t index, bool is_egress, uint32_t number);

/* Whether an agent has claimed it. */
bool capture_bpf_is_claimed(uint32_t index, bool is_egress, uint32_t number);

#endif
