/* capture_rate_prefix.h - the rate that a firewall rule's prefix names ("s=10").
 *
 * Place: beside the parsers of netfilter's logs. Rules are few: the last prefix is remembered, so
 * that packets of one rule after the other cost a comparison. */
#ifndef CAPTURE_RATE_PREFIX_H
#define CAPTURE_RATE_PREFIX_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialized it remembers nothing. */
struct capture_rate_prefix {
	uint8_t bytes[128]; /* the last one that may have a rate; NF_LOG_PREFIXLEN */
	uint8_t size;
	uint32_t interval; /* that rate */
};

/* What is shorter names none. */
#define CAPTURE_RATE_PREFIX_MIN (sizeof("s=2") - 1)

/* What a prefix of 'size' bytes says of its rule's rate, 0 if nothing or 1. */
uint32_t capture_rate_prefix_interval(struct capture_rate_prefix *last, const uint8_t *bytes,
				      size_t size);

#endif
