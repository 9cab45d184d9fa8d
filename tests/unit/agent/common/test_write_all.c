/* test_write_all.c - agent/common/write_all: nothing is left, whatever comes between. */
#include "check.h"

#include "write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (4u << 20) /* 64 times what a pipe holds */

static uint8_t pattern(size_t at)
{
	return (uint8_t)(at * 7 + (at >> 12));
}

static void ignore_signal(int number)
{
	(void)number;
}

/* Whether the pipe gives all of the pattern and then its end. */
static bool read_pattern(int descriptor)
{
	uint8_t bytes[1000];
	size_t at = 0;
	ssize_t got;

	while ((got = read(descriptor, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < got; i++)
			if (bytes[i] != pattern(at++))
				return false;
	return got == 0 && at == SIZE;
}

TEST(signals_and_a_full_pipe_lose_nothing)
{
	const struct sigaction action = { .sa_handler = ignore_signal }; /* no SA_RESTART */
	const struct itimerval often = { { 0, 500 }, { 0, 500 } };
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	uint8_t *bytes = malloc(SIZE);
	int ends[2];
	int status;
	pid_t child;

	CHECK(bytes != NULL);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = pattern(i);
	CHECK_EQ(pipe(ends), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		(void)close(ends[1]);
		_exit(!read_pattern(ends[0]));
	}
	(void)close(ends[0]);
	CHECK_EQ(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &often, NULL), 0);
	CHECK_EQ(write_all(ends[1], bytes, SIZE), 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &never, NULL), 0);
	(void)close(ends[1]);
	while (waitpid(child, &status, 0) < 0)
		CHECK_EQ(errno, EINTR);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	free(bytes);
}

TEST(an_error_is_reported)
{
	const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	CHECK(full >= 0);
	CHECK_EQ(write_all(full, "x", 1), -ENOSPC);
	CHECK_EQ(write_all(full, "", 0), 0);
	(void)close(full);
	CHECK_EQ(write_all(-1, "x", 1), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_and_a_full_pipe_lose_nothing),
		cmocka_unit_test(an_error_is_reported),
	};

	return RUN_TESTS(tests);
}
