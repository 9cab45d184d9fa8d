/* asn_source.h - one input of any format -> prefixes in the builder.
 *
 * Place: puts the stages of an input together: asn_input, then asn_mrt and asn_routes, or the text
 * of a table. */
#ifndef ASN_SOURCE_H
#define ASN_SOURCE_H

#include "asn_builder.h"
#include "asn_messages.h"
#include "asn_rules.h"
#include "error_text.h"

/* What an input turned out to be. */
struct asn_source_result {
	const char *format; /* "MRT"; static storage */
	uint64_t prefixes;  /* given to the builder */
	uint32_t peers;     /* of a routing table; 0: not known */
	int64_t time_s;     /* Unix time of the data, or of the file; 0: not known */
};

/* Read the input at 'path' ("-" is standard input) and add its prefixes. 'rules' are for routing
 * tables: other inputs are somebody's choice of prefixes, and taken as they are. Says what it found
 * and skipped by 'messages'. Returns 0, or a negative errno with 'error' filled. */
int asn_source_read(const char *path, const struct asn_rules *rules, struct asn_builder *builder,
		    struct asn_messages *messages, struct asn_source_result *result,
		    struct error_text *error);

/* Read a file with names of AS numbers (asn_name_file.h), plain or packed. Returns what
 * asn_source_read() does. */
int asn_source_read_names(const char *path, struct asn_builder *builder,
			  struct asn_messages *messages, struct error_text *error);

#endif
