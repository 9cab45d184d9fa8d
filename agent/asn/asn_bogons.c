/* asn_bogons.c - the lists of asn_bogons.h. Place: a filter of routes (asn_routes.c). */
#include "asn_bogons.h"

static const struct {
	uint32_t first, last;
} as_numbers[] = {
	{ 0, 0 },                    /* RFC 7607 */
	{ 23456, 23456 },            /* AS_TRANS: RFC 6793 */
	{ 64496, 64511 },            /* documentation: RFC 5398 */
	{ 64512, 65534 },            /* private use: RFC 6996 */
	{ 65535, 65535 },            /* RFC 7300 */
	{ 65536, 65551 },            /* documentation: RFC 5398 */
	{ 65552, 131071 },           /* reserved by IANA */
	{ 4200000000, 4294967294u }, /* private use: RFC 6996 */
	{ 4294967295u, 4294967295u } /* RFC 7300 */
};

static const struct prefix blocks[] = {
	{ 4, 8, { 0 } },                       /* this network: RFC 791 */
	{ 4, 8, { 10 } },                      /* private use: RFC 1918 */
	{ 4, 10, { 100, 64 } },                /* behind provider NAT: RFC 6598 */
	{ 4, 8, { 127 } },                     /* loopback: RFC 1122 */
	{ 4, 16, { 169, 254 } },               /* link-local: RFC 3927 */
	{ 4, 12, { 172, 16 } },                /* private use: RFC 1918 */
	{ 4, 24, { 192, 0, 0 } },              /* protocol assignments: RFC 6890 */
	{ 4, 24, { 192, 0, 2 } },              /* documentation: RFC 5737 */
	{ 4, 24, { 192, 88, 99 } },            /* 6to4 relays, given up: RFC 7526 */
	{ 4, 16, { 192, 168 } },               /* private use: RFC 1918 */
	{ 4, 15, { 198, 18 } },                /* benchmarks: RFC 2544 */
	{ 4, 24, { 198, 51, 100 } },           /* documentation: RFC 5737 */
	{ 4, 24, { 203, 0, 113 } },            /* documentation: RFC 5737 */
	{ 4, 4, { 224 } },                     /* multicast: RFC 5771 */
	{ 4, 4, { 240 } },                     /* reserved: RFC 1112 */
	{ 6, 23, { 0x20, 0x01 } },             /* protocol assignments: RFC 2928 */
	{ 6, 32, { 0x20, 0x01, 0x0d, 0xb8 } }, /* documentation: RFC 3849 */
	{ 6, 16, { 0x20, 0x02 } },             /* 6to4: RFC 3056 */
	{ 6, 20, { 0x3f, 0xff } },             /* documentation: RFC 9637 */
};

/* Parts of the blocks above, or outside of global unicast, that are routed all the same. */
static const struct prefix exceptions[] = {
	{ 6, 96, { 0x00, 0x64, 0xff, 0x9b } },             /* translation: RFC 6052 */
	{ 6, 32, { 0x20, 0x01, 0x00, 0x03 } },             /* AMT: RFC 7450 */
	{ 6, 48, { 0x20, 0x01, 0x00, 0x04, 0x01, 0x12 } }, /* AS112: RFC 7535 */
	{ 6, 28, { 0x20, 0x01, 0x00, 0x20 } },             /* ORCHIDv2: RFC 7343 */
	{ 6, 28, { 0x20, 0x01, 0x00, 0x30 } },             /* drone identifiers: RFC 9374 */
};

static const struct prefix global_unicast6 = { 6, 3, { 0x20 } }; /* RFC 4291 */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

bool asn_bogons_as(uint32_t as_number)
{
	for (size_t i = 0; i < COUNT(as_numbers); i++)
		if (as_number >= as_numbers[i].first && as_number <= as_numbers[i].last)
			return true;
	return false;
}

static bool lies_in(const struct prefix *prefix, const struct prefix *block)
{
	return prefix->length >= block->length &&
	       prefix_contains(block, prefix->ip_version, prefix->address);
}

bool asn_bogons_prefix(const struct prefix *prefix)
{
	for (size_t i = 0; i < COUNT(exceptions); i++)
		if (lies_in(prefix, &exceptions[i]))
			return false;
	for (size_t i = 0; i < COUNT(blocks); i++)
		if (lies_in(prefix, &blocks[i]))
			return true;
	return prefix->ip_version == 6 && prefix->length > 0 && !lies_in(prefix, &global_unicast6);
}
