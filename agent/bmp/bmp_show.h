/* bmp_show.h - what a running flowagent-bmp has written of itself (bmp_status.h), for people.
 *
 * Place: flowagent_bmp.c, instead of a server. Reads the file only: the program answers nobody. */
#ifndef BMP_SHOW_H
#define BMP_SHOW_H

#include "error_text.h"

#include <stdint.h>
#include <stdio.h>

/* Where the service writes it. */
#define BMP_DEFAULT_STATUS "/run/flowagent-bmp/status.prom"

/* Print table, routers, peers, and what was wrong, of a text in that format, which is changed.
 * 'now_s' is Unix time. Bytes that are not printable come out as "?". Returns 0, or -EINVAL: it is
 * no such text. */
int bmp_show_text(char *text, int64_t now_s, FILE *out);

/* The same of a file, to standard output. Returns 0, or a negative errno with 'error' filled. */
int bmp_show(const char *path, struct error_text *error);

#endif
