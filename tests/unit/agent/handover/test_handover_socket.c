/* test_handover_socket.c - descriptors from one agent to the next over a pair of sockets. */
#include "handover_socket.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST "hand over\n"

struct ends {
	int giver, taker;
	struct descriptor_store *store;
};

static void begin(struct ends *ends)
{
	int pair[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	*ends = (struct ends){ pair[0], pair[1], descriptor_store_open() };
}

static void end(const struct ends *ends)
{
	descriptor_store_close(ends->store);
	(void)close(ends->giver);
	(void)close(ends->taker);
}

TEST(descriptors_come_with_their_names)
{
	struct error_text error = { .text = "" };
	struct ends ends;
	int pipes[2], taken;

	begin(&ends);
	CHECK_EQ(pipe(pipes), 0);
	CHECK_EQ(handover_socket_give(ends.giver, "one", pipes[0]), 0);
	CHECK_EQ(handover_socket_give(ends.giver, "two", pipes[1]), 0);
	CHECK_EQ(handover_socket_give_end(ends.giver), 0);
	CHECK_EQ(handover_socket_take(ends.taker, REQUEST, ends.store, &error), 0);
	CHECK(descriptor_store_take(ends.store, "one") >= 0);
	taken = descriptor_store_take(ends.store, "two");
	CHECK_EQ(write(taken, "x", 1), 1);
	end(&ends);
}

/* What the kernel leaves out for want of room is no fault of the other agent. */
TEST(a_process_that_may_not_open_more_says_so)
{
	struct rlimit before, none;
	struct error_text error = { .text = "" };
	struct ends ends;
	int result;

	begin(&ends);
	CHECK_EQ(handover_socket_give(ends.giver, "one", ends.giver), 0);
	CHECK_EQ(handover_socket_give_end(ends.giver), 0);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	result = handover_socket_take(ends.taker, REQUEST, ends.store, &error);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK_EQ(result, -EMFILE);
	assert_non_null(strstr(error.text, "Too many open files"));
	end(&ends);
}

TEST(one_that_has_ended_without_an_answer_has_ended)
{
	struct error_text error = { .text = "" };
	struct ends ends;

	begin(&ends);
	CHECK_EQ(shutdown(ends.giver, SHUT_WR), 0);
	CHECK_EQ(handover_socket_end(ends.taker, &error), 0);
	CHECK_EQ(handover_socket_await(ends.giver, 0), 0);
	end(&ends);
}

TEST(one_that_continues_says_so)
{
	const char answer[] = "{\"error\":{\"code\":\"busy\",\"text\":\"not now\"}}\n";
	struct error_text error = { .text = "" };
	struct ends ends;

	begin(&ends);
	CHECK_EQ(write(ends.giver, answer, sizeof(answer) - 1), (ssize_t)sizeof(answer) - 1);
	CHECK(handover_socket_end(ends.taker, &error) < 0);
	CHECK_TEXT(error.text, "not now");
	end(&ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_come_with_their_names),
		cmocka_unit_test(a_process_that_may_not_open_more_says_so),
		cmocka_unit_test(one_that_has_ended_without_an_answer_has_ended),
		cmocka_unit_test(one_that_continues_says_so),
	};

	return RUN_TESTS(tests);
}
