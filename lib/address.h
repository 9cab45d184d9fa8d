/* address.h - IP addresses and prefixes as text. Bytes are as on the wire. */
#ifndef ADDRESS_H
#define ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ADDRESS_TEXT_SIZE 46 /* INET6_ADDRSTRLEN, with the final NUL */

struct prefix {
	uint8_t ip_version;  /* 4 or 6 */
	uint8_t length;      /* bits that count, 0 to 32 or 128 */
	uint8_t address[16]; /* 4 or 16 bytes; host bits 0 */
};

/* Write the canonical text (RFC 5952 for IPv6) of a 4- or 16-byte address. Returns 'text'. */
const char *address_format(uint8_t ip_version, const uint8_t *address,
			   char text[static ADDRESS_TEXT_SIZE]);

/* Parse "192.0.2.1", "2001:db8::1", "192.0.2.0/24", "2001:db8::/32"; without '/' the length is that
 * of the address. Host bits that are not 0 are cleared. Returns 0 or -EINVAL. */
int prefix_parse(const char *text, struct prefix *prefix);

bool prefix_contains(const struct prefix *prefix, uint8_t ip_version, const uint8_t *address);

#endif
