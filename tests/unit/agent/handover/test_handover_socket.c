/* test_handover_socket.c - both ends of a handover, and what is no answer of an agent. */
#include "handover_socket.h"

#include "check.h"
#include "control_protocol.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define REQUEST "{\"v\":1,\"cmd\":\"handover\"}\n"
#define ROW     "{\"descriptor\":\"a\"}\n"

/* The agent that runs, and the one that takes its place. */
struct ends {
	int giving, taking;
	struct descriptor_store *store;
};

static struct ends begin(void)
{
	int sockets[2];
	struct ends ends;

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	ends = (struct ends){ sockets[0], sockets[1], descriptor_store_open() };
	CHECK(ends.store != NULL);
	return ends;
}

static void end(struct ends *ends)
{
	if (ends->giving >= 0)
		(void)close(ends->giving);
	(void)close(ends->taking);
	descriptor_store_close(ends->store);
}

static size_t open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(folder))
		count++;
	(void)closedir(folder);
	return count;
}

/* What is behind a descriptor: another one of it has the same. */
static ino_t inode_of(int descriptor)
{
	struct stat status;

	CHECK_EQ(fstat(descriptor, &status), 0);
	return status.st_ino;
}

static int open_file(void)
{
	FILE *file = tmpfile();
	const int descriptor = dup(fileno(file));

	(void)fclose(file);
	CHECK(descriptor >= 0);
	return descriptor;
}

/* Bytes with copies of some descriptors beside them, which are closed here. */
static void send_bytes(int socket, const char *bytes, const int *descriptors, size_t count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(4 * sizeof(int))] = { 0 };
	struct iovec part = { (void *)(uintptr_t)bytes, strlen(bytes) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count) {
		struct cmsghdr *right = (struct cmsghdr *)(void *)control;

		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		right->cmsg_level = SOL_SOCKET;
		right->cmsg_type = SCM_RIGHTS;
		right->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(right), descriptors, count * sizeof(int));
	}
	CHECK_EQ(sendmsg(socket, &message, MSG_NOSIGNAL), part.iov_len);
	for (size_t i = 0; i < count; i++)
		(void)close(descriptors[i]);
}

static void say_end(int socket)
{
	CHECK_EQ(handover_socket_give_end(socket), 0);
}

TEST(each_descriptor_arrives_under_its_name)
{
	struct ends ends = begin();
	const char *const names[] = { "nflog-40", "state", "kept-export" };
	char request[sizeof(REQUEST)] = "";
	ino_t inodes[3];
	struct error_text error;

	for (size_t i = 0; i < 3; i++) {
		const int descriptor = open_file();

		inodes[i] = inode_of(descriptor);
		CHECK_EQ(handover_socket_give(ends.giving, names[i], descriptor), 0);
		(void)close(descriptor);
	}
	say_end(ends.giving);
	CHECK_EQ(handover_socket_take(ends.taking, REQUEST, ends.store, &error), 0);
	CHECK_EQ(recv(ends.giving, request, sizeof(request) - 1, 0), sizeof(request) - 1);
	CHECK_TEXT(request, REQUEST);
	for (size_t i = 3; i-- > 0;) {
		const int descriptor = descriptor_store_take(ends.store, names[i]);

		CHECK(descriptor >= 0);
		CHECK_EQ(inode_of(descriptor), inodes[i]);
		(void)close(descriptor);
	}

	/* The other one ends when it has heard that all is taken. */
	say_end(ends.giving);
	CHECK_EQ(shutdown(ends.giving, SHUT_WR), 0);
	CHECK_EQ(handover_socket_end(ends.taking, &error), 0);
	CHECK_EQ(handover_socket_await(ends.giving, 1000), 0);
	end(&ends);
}

TEST(who_gives_goes_on_when_the_other_one_is_silent_or_gone)
{
	struct ends ends = begin();

	CHECK_EQ(handover_socket_await(ends.giving, 10), -ETIMEDOUT);
	send_bytes(ends.taking, "taker\n", NULL, 0);
	CHECK_EQ(handover_socket_await(ends.giving, 1000), -EPIPE);
	send_bytes(ends.taking, "take", NULL, 0);
	CHECK_EQ(handover_socket_await(ends.giving, 1000), -EPIPE);
	CHECK_EQ(shutdown(ends.taking, SHUT_RDWR), 0);
	CHECK_EQ(handover_socket_await(ends.giving, 1000), -EPIPE);
	CHECK_EQ(handover_socket_give(ends.giving, "a", STDIN_FILENO), -EPIPE);
	CHECK_EQ(handover_socket_give_end(ends.giving), -EPIPE);
	end(&ends);
}

/* What comes, after which the other end closes; 'count' descriptors are beside it. Nothing of it is
 * left open, and nothing is in the store. */
static void check_refused(const char *bytes, size_t count, bool has_end, int expected,
			  const char *text)
{
	const size_t before = open_descriptors();
	struct ends ends = begin();
	struct error_text error = { .text = "" };
	int descriptors[4];

	for (size_t i = 0; i < count; i++)
		descriptors[i] = open_file();
	send_bytes(ends.giving, bytes, descriptors, count);
	if (has_end)
		say_end(ends.giving);
	CHECK_EQ(shutdown(ends.giving, SHUT_WR), 0);
	CHECK_EQ(handover_socket_take(ends.taking, REQUEST, ends.store, &error), expected);
	if (!strstr(error.text, text))
		fail_msg("\"%s\", expected \"%s\"", error.text, text);
	CHECK_EQ(descriptor_store_take(ends.store, "a"), -1);
	end(&ends);
	CHECK_EQ(open_descriptors(), before);
}

TEST(an_answer_that_is_cut_is_none)
{
	check_refused("{\"descr", 1, false, -EPIPE, "it has closed the connection");
	check_refused("{\"descr", 0, false, -EPIPE, "it has closed the connection");
}

TEST(what_is_no_answer_is_refused)
{
	char longest[5000];

	memset(longest, ' ', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	check_refused("GET / HTTP/1.1\n", 1, true, -EPROTO, "has not handed over");
	check_refused("[1]\n", 1, true, -EPROTO, "has not handed over");
	check_refused("{\"descriptor\":7}\n", 1, true, -EPROTO, "has not handed over");
	check_refused("\n", 1, true, -EPROTO, "has not handed over");
	check_refused(longest, 1, true, -EMSGSIZE, "has not handed over");
}

TEST(a_row_has_one_descriptor)
{
	check_refused(ROW, 0, true, -EPROTO, "has not handed over");
	check_refused(ROW, 2, true, -EPROTO, "has not handed over");
	check_refused(ROW, 4, true, -EPROTO, "has not handed over");
}

/* What the kernel leaves out for want of room is no fault of the other agent. */
TEST(a_process_that_may_not_open_more_says_so)
{
	struct rlimit before, none;
	struct error_text error = { .text = "" };
	struct ends ends = begin();
	int result;

	CHECK_EQ(handover_socket_give(ends.giving, "one", ends.giving), 0);
	say_end(ends.giving);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 3;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	result = handover_socket_take(ends.taking, REQUEST, ends.store, &error);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK_EQ(result, -EMFILE);
	assert_non_null(strstr(error.text, "Too many open files"));
	end(&ends);
}

TEST(the_reason_of_the_other_agent_is_said)
{
	struct control_output line = { .bytes = NULL };
	struct error_text reason;
	char text[512];

	error_text_set(&reason, "this agent does not hand over");
	CHECK_EQ(control_output_error(&line, -EACCES, &reason), 0);
	(void)snprintf(text, sizeof(text), "%.*s", (int)line.size, (const char *)line.bytes);
	control_output_clear(&line);
	check_refused(text, 0, false, -EACCES, "this agent does not hand over");
}

TEST(two_of_one_name_are_refused)
{
	struct ends ends = begin();
	struct error_text error;
	const int first = open_file(), second = open_file();

	send_bytes(ends.giving, ROW, &first, 1);
	send_bytes(ends.giving, ROW, &second, 1);
	say_end(ends.giving);
	CHECK_EQ(handover_socket_take(ends.taking, REQUEST, ends.store, &error), -EEXIST);
	end(&ends);
}

TEST(who_takes_learns_that_the_other_one_went_on)
{
	struct control_output line = { .bytes = NULL };
	struct ends ends = begin();
	struct error_text error;
	char text[512];

	error_text_set(&error, "not taken over: timed out");
	CHECK_EQ(control_output_error(&line, -ETIMEDOUT, &error), 0);
	(void)snprintf(text, sizeof(text), "%.*s", (int)line.size, (const char *)line.bytes);
	control_output_clear(&line);
	send_bytes(ends.giving, text, NULL, 0);
	CHECK_EQ(handover_socket_end(ends.taking, &error), -ETIMEDOUT);
	CHECK_TEXT(error.text, "not taken over: timed out");
	CHECK_EQ(shutdown(ends.giving, SHUT_WR), 0);
	CHECK_EQ(handover_socket_end(ends.taking, &error), 0); /* it has ended */
	(void)close(ends.giving);
	ends.giving = -1;
	CHECK_EQ(handover_socket_end(ends.taking, &error), -EPIPE);
	CHECK_EQ(handover_socket_take(ends.taking, REQUEST, ends.store, &error), -EIO);
	end(&ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_descriptor_arrives_under_its_name),
		cmocka_unit_test(who_gives_goes_on_when_the_other_one_is_silent_or_gone),
		cmocka_unit_test(an_answer_that_is_cut_is_none),
		cmocka_unit_test(what_is_no_answer_is_refused),
		cmocka_unit_test(a_row_has_one_descriptor),
		cmocka_unit_test(a_process_that_may_not_open_more_says_so),
		cmocka_unit_test(the_reason_of_the_other_agent_is_said),
		cmocka_unit_test(two_of_one_name_are_refused),
		cmocka_unit_test(who_takes_learns_that_the_other_one_went_on),
	};

	return RUN_TESTS(tests);
}
