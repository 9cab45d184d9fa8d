/* asn_mmdb.h - an ASN database of MaxMind's format (GeoLite2-ASN, IPinfo, DB-IP) -> asn_builder.
 *
 * Place: an input of flowagent-asn, beside dumps and texts. The networks of a database are those of
 * its tree, which joins neighbours that say the same: their masks are not those of BGP. */
#ifndef ASN_MMDB_H
#define ASN_MMDB_H

#include "address.h"
#include "asn_builder.h"
#include "error_text.h"

struct asn_mmdb_result {
	int64_t time_s;      /* Unix time at which the database was made */
	uint64_t without_as; /* networks that have no AS number, and are skipped */
	struct prefix first_without;
};

/* Whether the file at 'path' has the mark of such a database at its end. */
bool asn_mmdb_is_it(const char *path);

/* Add all networks of the database. Returns 0 or a negative errno with 'error' filled. Source:
 * MaxMind DB File Format Specification 2.0, read by libmaxminddb. */
int asn_mmdb_read(const char *path, struct asn_builder *builder, struct asn_mmdb_result *result,
		  struct error_text *error);

#endif
