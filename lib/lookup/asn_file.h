/* asn_file.h - text of pmacct's networks_file -> asn_builder, asn_table.
 *
 * Place: config_tables.c or flowagent-asn reads the file -> here -> asn_builder.
 *
 * One prefix a line: [NEXTHOP,][[PEER_AS_]ORIGIN_AS,]NETWORK/MASK ; '!' or '#' starts a comment.
 * IPv4 and IPv6. A tab may stand for a comma, and the prefix before the AS number. An AS set in
 * braces, as bgpdump prints it, is the origin if it has one member; a prefix with a larger set has
 * no single origin: its line is skipped and counted. So is a line that cannot be read; a file with
 * too many of them is refused. CAIDA's pfx2as is read as well:
 * network, mask and origins in three columns with tabs between them; of several origins the first
 * counts, which is the most frequent. So are the comments of pyasn, lines that begin with ';'. A
 * byte order mark of UTF-8 is passed over. Bytes come in as an argument; the caller reads the file.
 * Sources: pmacct's CONFIG-KEYS, networks_file; the documents of CAIDA's data set. */
#ifndef ASN_FILE_H
#define ASN_FILE_H

#include "asn_builder.h"
#include "asn_table.h"
#include "error_text.h"

/* One line in this many may be wrong. */
#define ASN_FILE_LINES_PER_WRONG 100

/* What is worth a word about a file that is taken. */
struct asn_file_report {
	size_t lines;                  /* with more than a comment */
	size_t wrong_lines;            /* that could not be read, and are skipped */
	struct error_text first_wrong; /* "NAME:LINE: ..." of the first of them */
	size_t skipped_sets;           /* lines whose AS set has several members */
	size_t first_skipped;          /* the first such line, from 1 */
	size_t default_routes[2];      /* lines with 0.0.0.0/0 and ::/0 (the last ones), 0: none */
	struct asn_build_report build; /* by asn_file_parse() only */
};

/* Add the prefixes in 'size' bytes of text. Duplicate prefixes: the last line wins, as in pmacct.
 * 'name' is the file's, for errors as "NAME:LINE: ...". Returns 0 with 'report' filled, or a
 * negative errno with 'error' filled. */
int asn_file_add(struct asn_builder *builder, const char *name, const char *text, size_t size,
		 struct asn_file_report *report, struct error_text *error);

/* A table of one file alone; 'created_s' is its time stamp. Returns the table, owned by the caller,
 * with 'report' filled; or NULL with 'error' filled. */
struct asn_table *asn_file_parse(const char *name, const char *text, size_t size, int64_t created_s,
				 struct asn_file_report *report, struct error_text *error);

#endif
