/* application_file.h - text of an applications file -> application_table.
 *
 * Place: config_tables.c reads the file -> here -> application_table -> exporter.
 *
 * One application a line: [PROTOCOL/]PORT[-PORT] NAME, with protocol tcp, udp, sctp, dccp or
 * udplite, without one all of them; or as in /etc/services: NAME PORT/PROTOCOL [ALIAS...], where
 * lines of other protocols are passed over. '#' starts a comment. Bytes come in as an argument; the
 * caller reads the file. */
#ifndef APPLICATION_FILE_H
#define APPLICATION_FILE_H

#include "application_table.h"
#include "error_text.h"

/* Parse 'size' bytes of text. Ports named twice: the last line wins. 'name' is the file's, for
 * errors as "NAME:LINE: ...". Returns the table, owned by the caller, or NULL with 'error' set. */
struct application_table *application_file_parse(const char *name, const char *text, size_t size,
						 struct error_text *error);

#endif
