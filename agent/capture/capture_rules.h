/* capture_rules.h - asks the kernel for the rules of nf_tables that log to groups.
 *
 * Needs CAP_NET_ADMIN. Answers come at once, as the kernel makes them in the call; a second is the
 * bound. */
#ifndef CAPTURE_RULES_H
#define CAPTURE_RULES_H

#include <stdint.h>

struct capture_rules; /* opaque: defined in capture_rules.c */

/* NULL with errno set. */
struct capture_rules *capture_rules_open(void);
void capture_rules_close(struct capture_rules *rules);

/* The number of the rule set: another one after each change. Returns 0 or a negative errno. */
int capture_rules_generation(struct capture_rules *rules, uint32_t *generation);

/* Call 'found' for each rule that logs to a group. Returns 0, -EINTR if rules have changed
 * meanwhile, or another negative errno. Time: as many rules as there are, some µs each. */
int capture_rules_list(struct capture_rules *rules, void (*found)(void *context, uint16_t group),
		       void *context);

#endif
