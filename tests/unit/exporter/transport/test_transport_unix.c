/* test_transport_unix.c - sockets in the file system: datagrams and streams, readers that come, go
 * and stall. */
#include "transport.h"

#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[] = "/tmp/test_transport_unix.XXXXXX";
static char path[64];

static int make_directory(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/s", directory);
	return 0;
}

static int remove_directory(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(directory);
}

static int listen_at_path(int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)unlink(path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	CHECK(fd >= 0);
	CHECK_EQ(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		CHECK_EQ(listen(fd, 5), 0);
	return fd;
}

static struct transport *open_socket(void)
{
	struct transport *transport;
	struct error_text error;

	CHECK_EQ(
		transport_unix.open(&(struct transport_config){ .host = path }, &transport, &error),
		0);
	return transport;
}

static struct transport_session session_of(const struct transport *transport)
{
	struct transport_session session;

	transport_unix.session(transport, &session);
	return session;
}

static void check_read(int fd, const char *expected)
{
	char text[100];
	const ssize_t size = recv(fd, text, sizeof(text) - 1, 0);

	CHECK(size >= 0);
	text[size] = '\0';
	CHECK_TEXT(text, expected);
}

TEST(each_message_is_a_datagram)
{
	const struct datagram messages[] = { { (const uint8_t *)"one\n", 4 },
					     { (const uint8_t *)"two\n", 4 } };
	struct transport *transport;
	int reader;

	transport = open_socket();
	CHECK_EQ(transport_unix.poll(transport, 0), -ECONNREFUSED); /* no such path */
	CHECK_EQ(session_of(transport).number, 0);
	reader = listen_at_path(SOCK_DGRAM);
	CHECK_EQ(transport_unix.poll(transport, 1), -ECONNREFUSED); /* not asked again at once */
	CHECK_EQ(transport_unix.poll(transport, 1000), 0);
	CHECK_EQ(session_of(transport).number, 1);
	CHECK_EQ(transport_unix.send(transport, messages, 2).sent, 2);
	check_read(reader, "one\n");
	check_read(reader, "two\n");
	CHECK_EQ(close(reader), 0);
	CHECK_EQ(transport_unix.send(transport, messages, 2).error, -ECONNREFUSED);
	CHECK_EQ(transport_unix.poll(transport, 2000), -ECONNREFUSED);
	reader = listen_at_path(SOCK_DGRAM);
	CHECK_EQ(transport_unix.poll(transport, 3000), 0);
	CHECK_EQ(session_of(transport).number, 2);
	CHECK_EQ(transport_unix.send(transport, messages, 1).sent, 1);
	check_read(reader, "one\n");
	CHECK_EQ(close(reader), 0);
	transport_unix.close(transport);
}

TEST(a_stalled_reader_of_datagrams)
{
	const struct datagram message = { (const uint8_t *)"one\n", 4 };
	const int reader = listen_at_path(SOCK_DGRAM);
	struct transport *transport = open_socket();
	size_t sent = 0;

	CHECK_EQ(transport_unix.poll(transport, 0), 0);
	while (sent < 100000 && transport_unix.send(transport, &message, 1).sent)
		sent++;
	CHECK(sent > 0 && sent < 100000);
	CHECK_EQ(transport_unix.send(transport, &message, 1).error, -EAGAIN);
	for (size_t i = 0; i < sent; i++)
		check_read(reader, "one\n");
	CHECK_EQ(transport_unix.send(transport, &message, 1).sent, 1);
	CHECK_EQ(close(reader), 0);
	transport_unix.close(transport);
}

TEST(messages_follow_each_other_in_a_stream)
{
	const struct datagram messages[] = { { (const uint8_t *)"one\n", 4 },
					     { (const uint8_t *)"two\n", 4 } };
	const int listener = listen_at_path(SOCK_STREAM);
	struct transport *transport = open_socket();
	int reader;

	CHECK_EQ(transport_unix.poll(transport, 0), 0);
	CHECK_EQ(transport_unix.send(transport, messages, 2).sent, 2);
	reader = accept(listener, NULL, NULL);
	check_read(reader, "one\ntwo\n");
	CHECK_EQ(session_of(transport).unconfirmed, 0);
	CHECK_EQ(close(reader), 0);
	CHECK_EQ(transport_unix.poll(transport, 1), -ECONNRESET);
	CHECK_EQ(transport_unix.send(transport, messages, 1).error, -ECONNRESET);
	CHECK_EQ(transport_unix.poll(transport, 1000), 0);
	CHECK_EQ(session_of(transport).number, 2);
	CHECK_EQ(close(listener), 0);
	transport_unix.close(transport);
}

/* What a reader has not got as a whole goes out again to the next one. */
TEST(a_stream_ends_in_the_middle_of_a_message)
{
	static uint8_t large[60000];
	const struct datagram message = { large, sizeof(large) };
	const int listener = listen_at_path(SOCK_STREAM);
	struct transport *transport = open_socket();
	int reader;

	CHECK_EQ(transport_unix.poll(transport, 0), 0);
	reader = accept(listener, NULL, NULL);
	for (int i = 0; i < 1000 && session_of(transport).unconfirmed == 0; i++)
		CHECK(transport_unix.send(transport, &message, 1).sent == 1);
	CHECK_EQ(session_of(transport).unconfirmed, 1);
	CHECK_EQ(transport_unix.send(transport, &message, 1).error, -EAGAIN);
	CHECK_EQ(close(reader), 0);
	CHECK_EQ(transport_unix.poll(transport, 1), -ECONNRESET);
	CHECK_EQ(session_of(transport).unconfirmed, 1);
	CHECK_EQ(session_of(transport).number, 1);
	CHECK_EQ(transport_unix.poll(transport, 1000), 0);
	CHECK_EQ(session_of(transport).unconfirmed, 0);
	CHECK_EQ(close(listener), 0);
	transport_unix.close(transport);
}

TEST(a_path_that_is_too_long)
{
	char long_path[200];
	struct transport *transport;
	struct error_text error;

	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	CHECK_EQ(transport_unix.open(&(struct transport_config){ .host = long_path }, &transport,
				     &error),
		 -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_message_is_a_datagram),
		cmocka_unit_test(a_stalled_reader_of_datagrams),
		cmocka_unit_test(messages_follow_each_other_in_a_stream),
		cmocka_unit_test(a_stream_ends_in_the_middle_of_a_message),
		cmocka_unit_test(a_path_that_is_too_long),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
