/* asn_file.h - text of pmacct's networks_file -> asn_table.
 *
 * One prefix a line: [NEXTHOP,][[PEER_AS_]ORIGIN_AS,]NETWORK/MASK ; '!' or '#' starts a comment.
 * IPv4 and IPv6. Bytes come in as an argument; the caller reads the file. Source: pmacct's
 * CONFIG-KEYS, networks_file. */
#ifndef ASN_FILE_H
#define ASN_FILE_H

#include "asn_table.h"
#include "error_text.h"

/* Parse 'size' bytes of text into a frozen table. Duplicate prefixes: the last line wins, as in
 * pmacct. 'name' is the file's, for errors as "NAME:LINE: ...". Returns the table, owned by the
 * caller, or NULL with 'error' filled. */
struct asn_table *asn_file_parse(const char *name, const char *text, size_t size,
				 struct error_text *error);

#endif
