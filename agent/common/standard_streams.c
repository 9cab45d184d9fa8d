/* standard_streams.c - what main() of the programs does first: see the header.
 *
 * Standard input is opened for writing and the other two for reading, so that a use of them still
 * fails, and what is lost by that is reported. */
#include "standard_streams.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int standard_streams_hold(void)
{
	for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; stream++) {
		int mode = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(stream, F_GETFD) >= 0 || errno != EBADF)
			continue;
		/* The lowest number that is free is this one: those below are open. */
		/* cppcheck-suppress leakReturnValNotUsed ; it stays open */
		if (open("/dev/null", mode) != stream)
			return -EBADF;
	}
	return 0;
}
