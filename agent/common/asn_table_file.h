/* asn_table_file.h - an AS table as a file: written whole or not at all, mapped read-only.
 *
 * The file is the image that lib/lookup/asn_builder.h makes, so all agents of a host share the
 * memory of one mapping. It is replaced by another name that takes its place, never written in
 * place: who has the old one mapped keeps it until he unmaps it. */
#ifndef ASN_TABLE_FILE_H
#define ASN_TABLE_FILE_H

#include "asn_builder.h"
#include "asn_table.h"
#include "error_text.h"

/* Larger files are refused before they are read: some thirty times the whole internet. */
#define ASN_TABLE_FILE_LIMIT (512u << 20)

/* Put an image at 'path': it is written to a new file in the same directory, brought to the disk,
 * and renamed. All may read it. A reader finds the old file or the new one, also after a crash.
 * A link at 'path' is replaced by the file. Returns 0, or a negative errno with 'error' filled:
 * then the old file is what it was. */
int asn_table_file_write(const char *path, const struct asn_image *image, struct error_text *error);

/* Map the file at 'path' and check all of it (asn_table_open()). If somebody writes to it in place
 * all the same, look-ups are wrong or find nothing, and end well (mapped_file.h). Returns the
 * table, owned by the caller, who unmaps it by asn_table_destroy(); or NULL with 'error' filled. */
struct asn_table *asn_table_file_open(const char *path, struct error_text *error);

#endif
