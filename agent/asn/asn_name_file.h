/* asn_name_file.h - text with names of AS numbers -> asn_builder.
 *
 * One AS a line, its number with or without "AS" before it: "64500 NAME" as RIPE's asnames.txt has
 * it, "64500,NAME" or "64500,"NAME",..." of a CSV file, with or without a line of headings, or tabs
 * between them. UTF-8; a line that is not is taken for Latin-1. What is not printable becomes '?'.
 * Pure. */
#ifndef ASN_NAME_FILE_H
#define ASN_NAME_FILE_H

#include "asn_builder.h"
#include "error_text.h"

/* One line in this many may be wrong. */
#define ASN_NAME_FILE_LINES_PER_WRONG 100

struct asn_name_file_result {
	size_t names;
	size_t wrong_lines;            /* that could not be read, and are skipped */
	struct error_text first_wrong; /* "NAME:LINE: ..." of the first of them */
};

/* Add the names in 'size' bytes of text; of an AS that comes twice the last name counts. 'name' is
 * the file's, for errors. Returns 0, or a negative errno with 'error' filled. */
int asn_name_file_add(struct asn_builder *builder, const char *name, const char *text, size_t size,
		      struct asn_name_file_result *result, struct error_text *error);

#endif
