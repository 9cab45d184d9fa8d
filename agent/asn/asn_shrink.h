/* asn_shrink.h - whether a new table is much smaller than the one in its place, which then stays.
 *
 * Place: before a table is written, by flowagent-asn and by flowagent-bmp. */
#ifndef ASN_SHRINK_H
#define ASN_SHRINK_H

#include "error_text.h"

#include <stddef.h>

/* Of each ten prefixes of a family a new table must still have this many. */
#define ASN_SHRINK_LEAST_TENTHS 9

/* 'before' and 'now' are prefixes of IPv4 and IPv6, 'path' is for the error. Returns 0, or -EINVAL
 * with 'error' filled. */
int asn_shrink_check(const char *path, const size_t before[static 2], const size_t now[static 2],
		     struct error_text *error);

/* The same for the table at 'path'. None is there, or it cannot be read: nothing is lost with it;
 * then 'unreadable' says why, or is empty. */
int asn_shrink_check_table(const char *path, const size_t now[static 2],
			   struct error_text *unreadable, struct error_text *error);

#endif
