/* flowagent_bmp.c - the program flowagent-bmp: routers report their routes, the table follows.
 *
 * Place: a program of its own, with a user of its own: nothing of BGP runs in the agent, which maps
 * the table that this one writes. */
#include "bmp_arguments.h"
#include "bmp_server.h"
#include "bmp_show.h"

#include "log.h"
#include "standard_streams.h"

#include <signal.h>

enum { EXIT_done = 0, EXIT_failed = 1, EXIT_usage = 2 };

static int fail(const struct error_text *error, int status)
{
	log_error_text(error);
	return status;
}

int main(int argc, char **argv)
{
	struct bmp_arguments arguments;
	struct error_text error = { .text = "" };

	if (standard_streams_hold() < 0)
		return EXIT_failed;
	(void)signal(SIGPIPE, SIG_IGN);
	log_open("flowagent-bmp", LOG_LEVEL_info);
	if (bmp_arguments_parse(argc, argv, &arguments, &error) < 0) {
		asn_arguments_hint(&bmp_arguments_command, &error);
		return fail(&error, EXIT_usage);
	}
	if (asn_arguments_answer(&bmp_arguments_command, &arguments.table))
		return EXIT_done;
	if (arguments.shows) {
		const char *path = arguments.status_file;

		return bmp_show(path ? path : BMP_DEFAULT_STATUS, &error) < 0
			       ? fail(&error, EXIT_failed)
			       : EXIT_done;
	}
	log_set_level(arguments.log_level);
	return bmp_server_run(&arguments, &error) < 0 ? fail(&error, EXIT_failed) : EXIT_done;
}
