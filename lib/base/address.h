/* address.h - IP addresses, prefixes and AS numbers as text. Bytes are as on the wire.
 *
 * Place: wherever an address is read or written as text; the packet path has bytes alone. */
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
 * of the address. Host bits that are not 0 are cleared. "::ffff:192.0.2.0/120" is 192.0.2.0/24, the
 * prefix of IPv4 that is meant (RFC 4291 section 2.5.5.2). Returns 0 or -EINVAL. */
int prefix_parse(const char *text, struct prefix *prefix);

bool prefix_contains(const struct prefix *prefix, uint8_t ip_version, const uint8_t *address);

/* Parse an address alone, of either family, into 4 or 16 bytes. Returns 4 or 6, or -EINVAL. */
int address_parse(const char *text, uint8_t address[static 16]);

/* Whether 16 bytes are an IPv4 address as IPv6 has it: ::ffff:192.0.2.1 (RFC 4291 section 2.5.5.2).
 */
bool address_is_mapped(const uint8_t address[static 16]);
/* Make an IPv4-mapped address one of IPv4, 12 bytes of 0 after it. Returns its version, 4 or 6. */
uint8_t address_unmap(uint8_t ip_version, uint8_t address[static 16]);

/* Whether the first 'bits' bits of two addresses are equal; both have at least that many. */
bool address_bits_equal(const uint8_t *one, const uint8_t *other, unsigned int bits);

/* Clear all but the first 'bits' bits of an address of 'size' bytes. Returns whether any was set.
 */
bool address_clear_host_bits(uint8_t *address, size_t size, unsigned int bits);

/* Parse "64500" (asplain) or "0.64500" (asdot, RFC 5396), with or without "AS" before it. Returns 0
 * or -EINVAL. */
int as_number_parse(const char *text, uint32_t *as_number);

#endif
