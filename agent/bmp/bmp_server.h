/* bmp_server.h - sockets: routers connect, their sessions are read, the table is written.
 *
 * Place: all of the program flowagent-bmp but its command line. One thread. It sends nothing: BMP
 * has no answers. */
#ifndef BMP_SERVER_H
#define BMP_SERVER_H

#include "bmp_arguments.h"
#include "error_text.h"

/* Listen and serve until SIGTERM or SIGINT; what has changed is written at the end. Returns 0, or a
 * negative errno with 'error' filled if it cannot begin. */
int bmp_server_run(const struct bmp_arguments *arguments, struct error_text *error);

#endif
