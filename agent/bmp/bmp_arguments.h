/* bmp_arguments.h - the command line of flowagent-bmp.
 *
 * Place: flowagent_bmp.c reads it, bmp_server.c does what it says. */
#ifndef BMP_ARGUMENTS_H
#define BMP_ARGUMENTS_H

#include "asn_arguments.h"
#include "bmp_state.h"
#include "log.h"

#include <stddef.h>
#include <stdint.h>

#define BMP_LISTENERS_MAX     4
#define BMP_ALLOWED_MAX       64
#define BMP_DEFAULT_PORT      1790 /* what FRR and others have in their examples */
#define BMP_DEFAULT_INTERVAL  "1m"
#define BMP_DEFAULT_STALE     "5m"
#define BMP_DEFAULT_MAXIMUM   4000000u
#define BMP_PORT_TEXT_SIZE    6
#define BMP_ADDRESS_TEXT_SIZE 128

struct bmp_listen {
	char address[BMP_ADDRESS_TEXT_SIZE]; /* "" is any */
	char port[BMP_PORT_TEXT_SIZE];
};

struct bmp_arguments {
	struct asn_arguments table;
	const char *status_file; /* NULL: none */
	bool shows;              /* the status of another one, and no more */
	struct bmp_listen listen[BMP_LISTENERS_MAX];
	size_t listen_count;
	struct prefix allowed[BMP_ALLOWED_MAX]; /* routers */
	size_t allowed_count;
	struct bmp_state_options state;
	uint32_t interval_ms;
	enum log_level log_level;
};

extern const struct asn_command bmp_arguments_command;

/* Returns 0, or -EINVAL with 'error' filled. Strings are borrowed from argv, which is put into
 * another order. */
int bmp_arguments_parse(int argc, char **argv, struct bmp_arguments *arguments,
			struct error_text *error);

#endif
