/* asn_output.h - the prefixes of the builder -> the table, and the text for nfacctd.
 *
 * Place: end of flowagent-asn. Files are replaced whole, and only by what can be meant: not by an
 * empty table, nor by one that is much smaller than what is there. */
#ifndef ASN_OUTPUT_H
#define ASN_OUTPUT_H

#include "asn_builder.h"
#include "asn_messages.h"
#include "error_text.h"

struct asn_output {
	const char *table_path;    /* NULL: not wanted */
	const char *networks_path; /* "-" is standard output; NULL: not wanted */
	bool is_forced;            /* take what is empty or much smaller */
	struct asn_build_facts facts;
};

/* Write what is wanted; the builder can only be destroyed after it. Returns 0, or a negative errno
 * with 'error' filled: then all files are what they were, or the table is new and the text is not.
 */
int asn_output_write(const struct asn_output *output, struct asn_builder *builder,
		     struct asn_messages *messages, struct error_text *error);

/* The same for an image that is there already; 'counts' are its prefixes of IPv4 and IPv6. */
int asn_output_image(const struct asn_output *output, const struct asn_image *image,
		     const size_t counts[static 2], struct asn_messages *messages,
		     struct error_text *error);

#endif
