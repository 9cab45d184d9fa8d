/* asn_path.h - the attributes of a BGP route -> the AS that it comes from.
 *
 * Place: of a route in an MRT record (asn_mrt.h), before routes vote (asn_routes.h). Pure; never
 * allocates. */
#ifndef ASN_PATH_H
#define ASN_PATH_H

#include "bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASN_AS_TRANS 23456u /* RFC 6793: stands for an AS number of 4 bytes in a path of 2 */

#define ASN_ATTRIBUTE_AS_PATH  2
#define ASN_ATTRIBUTE_AS4_PATH 17

/* Take a path attribute. Returns false at the end, or where one is cut: then the reader has failed.
 * Inline: it runs for each attribute of a full dump, a thousand million times. Source: RFC 4271
 * section 4.3. */
static inline bool asn_attribute_take(struct reader *attributes, uint8_t *type,
				      struct reader *value)
{
	const uint8_t extended = 0x10; /* the length has 2 bytes */
	uint8_t flags;

	if (!reader_left(attributes))
		return false;
	flags = reader_u8(attributes);
	*type = reader_u8(attributes);
	*value = reader_window(attributes,
			       flags & extended ? reader_u16(attributes) : reader_u8(attributes));
	return !attributes->failed;
}

enum asn_origin {
	ASN_ORIGIN_found,
	ASN_ORIGIN_no_path, /* no AS_PATH, or an empty one: a route of the peer's own AS */
	ASN_ORIGIN_set,     /* the path ends in a set of several AS: none of them is the origin */
	ASN_ORIGIN_trans,   /* AS_TRANS, and no AS4_PATH says who that is */
	ASN_ORIGIN_damaged, /* an attribute or a segment is longer than what holds it */
};

/* What a path says. */
struct asn_path {
	enum asn_origin status;
	uint32_t origin;    /* the last AS; if it was found */
	uint32_t neighbour; /* the first AS: who gave us the route; 0: not known */
	uint32_t length;    /* as BGP counts it: a set is one, a confederation none */
};

/* Read AS_PATH, whose AS numbers have 'as_size' bytes, 2 or 4, and AS4_PATH, both without their
 * attribute headers and empty if they are not there. The rules are those of asn_path_origin(). */
struct asn_path asn_path_read(struct reader as_path, unsigned int as_size, struct reader as4_path);

/* Find the origin in 'size' bytes of path attributes, in which an AS number of AS_PATH has
 * 'as_size' bytes, 2 or 4. '*origin' is filled if it is found, host order.
 *
 * The origin is the last AS of the path. A set of one AS is that AS; segments of confederations do
 * not count. AS4_PATH stands for the end of AS_PATH unless it is longer.
 * Sources: RFC 4271 section 4.3, RFC 5065 section 3, RFC 6793 section 4.2.3. */
enum asn_origin asn_path_origin(const uint8_t *attributes, size_t size, unsigned int as_size,
				uint32_t *origin);

#endif
