/* asn_file.h - text of pmacct's networks_file -> asn_table.
 *
 * One prefix a line: [NEXTHOP,][[PEER_AS_]ORIGIN_AS,]NETWORK/MASK ; '!' or '#' starts a comment.
 * IPv4 and IPv6. A tab may stand for a comma, and the prefix before the AS number. An AS set in
 * braces, as bgpdump prints it, is the origin if it has one member; a prefix with a larger set has
 * no single origin: its line is skipped and counted. A byte order mark of UTF-8 is passed over.
 * Bytes come in as an argument; the caller reads the file. Source: pmacct's CONFIG-KEYS,
 * networks_file. */
#ifndef ASN_FILE_H
#define ASN_FILE_H

#include "asn_table.h"
#include "error_text.h"

/* What is worth a word about a file that is taken. */
struct asn_file_report {
	size_t skipped_sets;      /* lines whose AS set has several members */
	size_t first_skipped;     /* the first such line, from 1 */
	size_t default_routes[2]; /* lines with 0.0.0.0/0 and ::/0 (the last ones), 0: none */
};

/* Parse 'size' bytes of text into a frozen table. Duplicate prefixes: the last line wins, as in
 * pmacct. 'name' is the file's, for errors as "NAME:LINE: ...". Returns the table, owned by the
 * caller, with 'report' filled; or NULL with 'error' filled. */
struct asn_table *asn_file_parse(const char *name, const char *text, size_t size,
				 struct asn_file_report *report, struct error_text *error);

#endif
