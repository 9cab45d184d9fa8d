/* capture_rules_parse.h - which NFLOG groups the rules of nf_tables log to, from the kernel's
 * answers.
 *
 * Place: capture_rules.c (the socket) -> here. Pure. A rule logs by nf_tables' own expression, or
 * by the target NFLOG of iptables-nft. Rules of iptables-legacy are not in nf_tables. */
#ifndef CAPTURE_RULES_PARSE_H
#define CAPTURE_RULES_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture_rules_answer {
	/* Called for each rule that logs to a group. */
	void (*found)(void *context, uint16_t group);
	void *context;
	uint32_t sequence;   /* of the question: other messages are passed over */
	uint32_t generation; /* out: number of the rule set, if the kernel named it */
	bool is_complete;    /* out: the last message of the answer was seen */
	bool is_interrupted; /* out: rules have changed under it */
	int error;           /* out: a negative errno of the kernel, 0: none */
};

/* Take one datagram of an answer. 'bytes' is aligned as malloc(3) does it. */
void capture_rules_parse(struct capture_rules_answer *answer, const uint8_t *bytes, size_t size);

#endif
