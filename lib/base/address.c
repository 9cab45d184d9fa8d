/* address.c - IP addresses, prefixes and AS numbers as text.
 *
 * Pure functions on bytes and text. Of the socket headers only the two text conversions are used.
 * Nothing here is lenient: text that could be meant in two ways (leading zeros, "10.1", a mask of
 * 33 bits) is refused. */
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAPPED_BITS 96 /* before the IPv4 address in an IPv4-mapped one */

const char *address_format(uint8_t ip_version, const uint8_t *address,
			   char text[static ADDRESS_TEXT_SIZE])
{
	_Static_assert(ADDRESS_TEXT_SIZE >= INET6_ADDRSTRLEN, "any address fits");

	return inet_ntop(ip_version == 4 ? AF_INET : AF_INET6, address, text, ADDRESS_TEXT_SIZE);
}

int address_parse(const char *text, uint8_t address[static 16])
{
	memset(address, 0, 16);
	if (inet_pton(AF_INET, text, address) == 1)
		return 4;
	return inet_pton(AF_INET6, text, address) == 1 ? 6 : -EINVAL;
}

bool address_is_mapped(const uint8_t address[static 16])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

uint8_t address_unmap(uint8_t ip_version, uint8_t address[static 16])
{
	if (ip_version != 6 || !address_is_mapped(address))
		return ip_version;
	memcpy(address, address + 12, 4);
	memset(address + 4, 0, 12);
	return 4;
}

/* Parse text of decimal digits only. Returns 0 or -EINVAL. */
static int decimal_parse(const char *text, unsigned long maximum, unsigned long *value)
{
	char *end;

	/* strtoul() alone would take blanks and signs. */
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0; /* out of range: ULONG_MAX, which 32 bits can hold */
	*value = strtoul(text, &end, 10);
	return *end || errno || *value > maximum ? -EINVAL : 0;
}

int prefix_parse(const char *text, struct prefix *prefix)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	char address[ADDRESS_TEXT_SIZE];
	unsigned long bits, address_bits;
	int ip_version;

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, text, length);
	address[length] = '\0';

	memset(prefix, 0, sizeof(*prefix));
	ip_version = address_parse(address, prefix->address);
	if (ip_version < 0)
		return ip_version;
	address_bits = ip_version == 4 ? 32 : 128;
	bits = address_bits;
	if (slash && decimal_parse(slash + 1, address_bits, &bits) < 0)
		return -EINVAL;
	prefix->ip_version = (uint8_t)ip_version;
	if (bits >= MAPPED_BITS && address_unmap(6, prefix->address) == 4) {
		prefix->ip_version = 4;
		address_bits = 32;
		bits -= MAPPED_BITS;
	}
	prefix->length = (uint8_t)bits;
	(void)address_clear_host_bits(prefix->address, address_bits / 8, prefix->length);
	return 0;
}

bool prefix_contains(const struct prefix *prefix, uint8_t ip_version, const uint8_t *address)
{
	return prefix->ip_version == ip_version &&
	       address_bits_equal(prefix->address, address, prefix->length);
}

bool address_bits_equal(const uint8_t *one, const uint8_t *other, unsigned int bits)
{
	unsigned int whole = bits / 8;
	unsigned int rest = bits % 8;

	if (memcmp(one, other, whole) != 0)
		return false;
	return rest == 0 || (one[whole] ^ other[whole]) >> (8 - rest) == 0;
}

bool address_clear_host_bits(uint8_t *address, size_t size, unsigned int bits)
{
	uint8_t cleared = 0;

	for (size_t i = bits / 8; i < size; i++) {
		/* The byte that the border runs through keeps its upper bits. */
		uint8_t host = (uint8_t)(0xff >> (i == bits / 8 ? bits % 8 : 0));

		cleared |= address[i] & host;
		address[i] &= (uint8_t)~host;
	}
	return cleared != 0;
}

int as_number_parse(const char *text, uint32_t *as_number)
{
	const char *dot;
	char high_text[6]; /* "65535" */
	unsigned long high = 0, low;

	if (strncasecmp(text, "AS", 2) == 0)
		text += 2;
	dot = strchr(text, '.');
	if (dot) {
		size_t length = (size_t)(dot - text);

		if (length >= sizeof(high_text))
			return -EINVAL;
		memcpy(high_text, text, length);
		high_text[length] = '\0';
		if (decimal_parse(high_text, UINT16_MAX, &high) < 0)
			return -EINVAL;
		text = dot + 1;
	}
	if (decimal_parse(text, dot ? UINT16_MAX : UINT32_MAX, &low) < 0)
		return -EINVAL;
	*as_number = (uint32_t)(high << 16 | low);
	return 0;
}
