/* interface_rules.h - which number is exported for an interface, by its name: "eth:100,wg0=7".
 *
 * BASE:N   BASE followed by a number M, such as eth3: N + M (fprobe-ulog's -X, ipt_NETFLOW's
 *          snmp-rules).
 * NAME=N   this interface: N. It wins over the other kind; of several bases the first that fits.
 *
 * Pure. Other interfaces keep the kernel's index. */
#ifndef INTERFACE_RULES_H
#define INTERFACE_RULES_H

#include "error_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define INTERFACE_NAME_SIZE 16 /* IFNAMSIZ: 15 characters and NUL */
#define INTERFACE_RULES_MAX 256

struct interface_rule {
	char name[INTERFACE_NAME_SIZE]; /* or base */
	uint32_t number;
	bool is_base;
};

/* Zero-initialized there are none. */
struct interface_rules {
	struct interface_rule *rules; /* owned */
	size_t count;
};

bool interface_rules_are_same(const struct interface_rules *one,
			      const struct interface_rules *other);
void interface_rules_clear(struct interface_rules *rules);
/* Replace the rules by those of 'text'. Returns 0, or -EINVAL or -ENOMEM with 'error' filled and
 * the rules as they were. */
int interface_rules_parse(struct interface_rules *rules, const char *text,
			  struct error_text *error);
void interface_rules_format(const struct interface_rules *rules, FILE *out);

/* The number of the interface that the kernel calls 'name' and 'index'. */
uint32_t interface_rules_number(const struct interface_rules *rules, const char *name,
				uint32_t index);

#endif
