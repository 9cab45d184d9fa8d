/* bmp_status.h - what the program knows of itself, as text in Prometheus' format.
 *
 * Place: bmp_server.c writes it to a file, for people and for the textfile collector of node
 * exporters. */
#ifndef BMP_STATUS_H
#define BMP_STATUS_H

#include "bmp_state.h"
#include "bmp_writer.h"
#include "error_text.h"

/* Replace the file at 'path'. 'now_ms' is monotonic, as in the state. Returns 0, or a negative
 * errno with 'error' filled. */
int bmp_status_write(const char *path, const struct bmp_state *state,
		     const struct bmp_writer *writer, int64_t now_ms, struct error_text *error);

#endif
