/* test_standard_streams.c - a stream that is closed at the start stays of no use, and of no harm.
 */
#include "standard_streams.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a process without standard streams: 0 if all is as it should be, else which check failed. */
static int check_without_streams(void)
{
	char byte = 'x';

	for (int stream = 0; stream <= 2; stream++)
		(void)close(stream);
	if (standard_streams_hold() != 0)
		return 1;
	if (open("/dev/zero", O_RDONLY) <= STDERR_FILENO)
		return 2;
	if (write(STDOUT_FILENO, &byte, 1) != -1 || errno != EBADF)
		return 3;
	if (write(STDERR_FILENO, &byte, 1) != -1 || errno != EBADF)
		return 4;
	if (read(STDIN_FILENO, &byte, 1) != -1 || errno != EBADF)
		return 5;
	return 0;
}

/* Standard output alone is closed: the others are left as they are. */
static int check_without_output(void)
{
	(void)close(STDOUT_FILENO);
	if (standard_streams_hold() != 0)
		return 1;
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0 || open("/dev/zero", O_RDONLY) <= STDERR_FILENO)
		return 2;
	return write(STDERR_FILENO, "", 0) == 0 ? 0 : 3;
}

static int status_of(int (*check)(void))
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(check());
	CHECK_EQ(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(no_file_takes_the_place_of_a_closed_stream)
{
	CHECK_EQ(status_of(check_without_streams), 0);
	CHECK_EQ(status_of(check_without_output), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_file_takes_the_place_of_a_closed_stream),
	};

	return RUN_TESTS(tests);
}
