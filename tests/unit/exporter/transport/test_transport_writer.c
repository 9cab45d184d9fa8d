/* test_transport_writer.c - files by a thread of their own: in order, each message in one file, and
 * a write that hangs, by a next transport whose calls stand still until the test lets them go. */
#include "transport_writer.h"

#include "check.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WAIT_MS 20000

/* ---- the next transport ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static char taken[1000]; /* first bytes of what was sent; 'gate' protects it */
static size_t taken_count;
static _Atomic int send_error;
static _Atomic bool is_waiting, is_closed;

static int gate_open(const struct transport_config *config, struct transport **transport,
		     struct error_text *error)
{
	(void)config;
	(void)error;
	*transport = NULL;
	taken_count = 0;
	is_closed = is_waiting = false;
	send_error = 0;
	return 0;
}

static int gate_poll(struct transport *transport, int64_t now_ms)
{
	(void)transport;
	(void)now_ms;
	return 0;
}

static struct transport_result gate_send(struct transport *transport,
					 const struct datagram *datagrams, size_t count)
{
	(void)transport;
	if (send_error)
		return (struct transport_result){ .error = send_error };
	is_waiting = true;
	(void)pthread_mutex_lock(&gate);
	is_waiting = false;
	for (size_t i = 0; i < count && taken_count < sizeof(taken); i++)
		taken[taken_count++] = (char)datagrams[i].bytes[0];
	(void)pthread_mutex_unlock(&gate);
	return (struct transport_result){ .sent = count };
}

static void gate_file(struct transport *transport, uint64_t number, int64_t time_ms)
{
	(void)transport;
	(void)number;
	(void)time_ms;
}

static void gate_session(const struct transport *transport, struct transport_session *session)
{
	(void)transport;
	*session = (struct transport_session){ .number = 1 };
}

static void gate_close(struct transport *transport)
{
	(void)transport;
	is_closed = true;
}

static const struct transport_type next = {
	.name = "gate",
	.open = gate_open,
	.poll = gate_poll,
	.send = gate_send,
	.file = gate_file,
	.session = gate_session,
	.close = gate_close,
};

/* ---- the writer in front ---- */

static struct transport *open_writer(const struct transport_type *type, const char *path)
{
	const struct transport_config config = { .host = path, .rotation.size = 1 << 20 };
	struct transport *writer;
	struct error_text error;

	CHECK_EQ(transport_writer_open(type, &config, &writer, &error), 0);
	return writer;
}

static struct transport_session session_of(struct transport *writer)
{
	struct transport_session session;

	transport_writer.session(writer, &session);
	return session;
}

/* Poll at 'now_ms' until session 'number' has nothing unconfirmed. */
static void settle(struct transport *writer, int64_t now_ms, uint64_t number)
{
	int result = -1;

	for (int i = 0; i < WAIT_MS; i++) {
		const struct transport_session session = session_of(writer);

		result = transport_writer.poll(writer, now_ms);
		if (result == 0 && session.number == number && session.unconfirmed == 0)
			return;
		(void)poll(NULL, 0, 1);
	}
	CHECK_EQ(result, 0);
	CHECK_EQ(session_of(writer).number, number);
	CHECK_EQ(session_of(writer).unconfirmed, 0);
}

static struct transport_result send_text(struct transport *writer, const char *text)
{
	const struct datagram datagram = { (const uint8_t *)text, strlen(text) };

	return transport_writer.send(writer, &datagram, 1);
}

static bool is_ready(struct transport *writer)
{
	struct pollfd descriptor = { 0 };

	descriptor.fd = transport_writer.ready(writer, &descriptor.events);
	return poll(&descriptor, 1, 0) == 1;
}

TEST(messages_are_written_in_order_and_confirmed)
{
	struct transport *writer = open_writer(&next, "gate");

	settle(writer, 0, 1);
	for (int i = 0; i < 200; i++) {
		const char text[] = { (char)('a' + i % 26), '\0' };

		while (send_text(writer, text).sent == 0)
			(void)poll(NULL, 0, 1);
	}
	settle(writer, 0, 1);
	CHECK_EQ(taken_count, 200);
	for (int i = 0; i < 200; i++)
		CHECK_EQ(taken[i], 'a' + i % 26);
	transport_writer.close(writer);
	CHECK(is_closed);
}

TEST(a_write_that_hangs_holds_up_nobody_and_says_so)
{
	struct transport *writer = open_writer(&next, "gate");
	size_t sent = 0;

	settle(writer, 0, 1);
	(void)pthread_mutex_lock(&gate);
	CHECK_EQ(send_text(writer, "x").sent, 1);
	for (int i = 0; i < WAIT_MS && !is_waiting; i++)
		(void)poll(NULL, 0, 1);
	CHECK_EQ(transport_writer.poll(writer, 1000), 0);
	while (send_text(writer, "x").sent)
		sent++;
	CHECK(sent > 0 && sent <= TRANSPORT_WRITER_MESSAGES);
	CHECK_EQ(send_text(writer, "x").error, -EAGAIN);
	CHECK(!is_ready(writer)); /* until a call has ended */
	CHECK_EQ(transport_writer.poll(writer, 1000), 0);
	CHECK_EQ(transport_writer.poll(writer, 4999), 0);
	CHECK_EQ(transport_writer.poll(writer, 6000), -ETIME);
	CHECK_EQ(session_of(writer).unconfirmed, sent + 1);
	(void)pthread_mutex_unlock(&gate);
	for (int i = 0; i < WAIT_MS && !is_ready(writer); i++)
		(void)poll(NULL, 0, 1);
	CHECK(is_ready(writer));
	for (int i = 0; i < WAIT_MS && transport_writer.poll(writer, 6000); i++)
		(void)poll(NULL, 0, 1);
	settle(writer, 6000, 1); /* it goes on, and nothing is lost or twice */
	CHECK_EQ(taken_count, sent + 1);
	transport_writer.close(writer);
}

TEST(the_end_does_not_wait_for_ever_for_a_write_that_hangs)
{
	struct transport *writer = open_writer(&next, "gate");

	settle(writer, 0, 1);
	(void)pthread_mutex_lock(&gate);
	CHECK_EQ(send_text(writer, "x").sent, 1);
	for (int i = 0; i < WAIT_MS && !is_waiting; i++)
		(void)poll(NULL, 0, 1);
	transport_writer.close(writer);
	CHECK(!is_closed);
	(void)pthread_mutex_unlock(&gate);
	for (int i = 0; i < WAIT_MS && !is_closed; i++)
		(void)poll(NULL, 0, 1);
	CHECK(is_closed); /* by the thread, which frees what is left */
}

TEST(what_counts_as_unconfirmed_when_nobody_waits_any_longer_is_not_written)
{
	struct transport *writer = open_writer(&next, "gate");

	settle(writer, 0, 1);
	CHECK_EQ(send_text(writer, "a").sent, 1);
	CHECK_EQ(send_text(writer, "b").sent, 1);
	transport_writer.settle(writer); /* these go at once */
	CHECK_EQ(session_of(writer).unconfirmed, 0);
	CHECK_EQ(taken_count, 2);
	(void)pthread_mutex_lock(&gate);
	CHECK_EQ(send_text(writer, "c").sent, 1);
	for (int i = 0; i < WAIT_MS && !is_waiting; i++)
		(void)poll(NULL, 0, 1);
	CHECK_EQ(send_text(writer, "d").sent, 1);
	transport_writer.settle(writer); /* one hangs, the other is not begun */
	CHECK_EQ(session_of(writer).unconfirmed, 2);
	(void)pthread_mutex_unlock(&gate);
	CHECK_EQ(send_text(writer, "e").sent, 1);
	settle(writer, 0, 1);
	CHECK_EQ(taken_count, 4);
	CHECK_EQ(memcmp(taken, "abce", 4), 0);
	transport_writer.close(writer);
}

TEST(a_write_that_fails_is_reported_and_tried_again)
{
	struct transport *writer = open_writer(&next, "gate");
	int result = 0;

	settle(writer, 0, 1);
	send_error = -ENOSPC;
	CHECK_EQ(send_text(writer, "x").sent, 1);
	for (int i = 0; i < WAIT_MS && result != -ENOSPC; i++) {
		(void)session_of(writer);
		result = transport_writer.poll(writer, 100);
		(void)poll(NULL, 0, 1);
	}
	CHECK_EQ(result, -ENOSPC);
	CHECK_EQ(session_of(writer).unconfirmed, 1);
	CHECK(session_of(writer).send_errors > 0);
	send_error = 0;
	for (int i = 0; i < WAIT_MS && session_of(writer).unconfirmed; i++) {
		(void)transport_writer.poll(writer, 200);
		(void)poll(NULL, 0, 1);
	}
	settle(writer, 200, 1);
	CHECK_EQ(taken_count, 1);
	transport_writer.close(writer);
}

/* What it does about the next file is a session like any other: the outbox sends again what is not
 * confirmed, and that is the message which opened it. */
TEST(messages_of_another_file_wait_until_the_last_one_is_complete)
{
	char path[] = "/tmp/test-writer-XXXXXX";
	char name[64], content[64] = "";
	struct transport *writer;
	FILE *file;

	CHECK(mkdtemp(path) != NULL);
	(void)snprintf(name, sizeof(name), "%s/flows", path);
	writer = open_writer(&transport_file, name);
	settle(writer, 0, 1);
	transport_writer.file(writer, 1, 1000);
	CHECK_EQ(send_text(writer, "one\n").sent, 1);
	CHECK_EQ(send_text(writer, "two\n").sent, 1);
	transport_writer.file(writer, 2, 2000);
	for (int i = 0; i < WAIT_MS && session_of(writer).number == 1; i++) {
		(void)send_text(writer, "three\n");
		(void)transport_writer.poll(writer, 0);
		(void)poll(NULL, 0, 1);
	}
	settle(writer, 100, 2);
	CHECK_EQ(send_text(writer, "three\n").sent, 1);
	settle(writer, 200, 2);
	file = fopen(name, "r");
	CHECK(file != NULL);
	CHECK_EQ(fread(content, 1, sizeof(content) - 1, file), 6);
	CHECK_TEXT(content, "three\n");
	(void)fclose(file);
	transport_writer.close(writer);
	(void)snprintf(content, sizeof(content), "rm -r %s", path);
	CHECK_EQ(system(content), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_written_in_order_and_confirmed),
		cmocka_unit_test(a_write_that_hangs_holds_up_nobody_and_says_so),
		cmocka_unit_test(the_end_does_not_wait_for_ever_for_a_write_that_hangs),
		cmocka_unit_test(
			what_counts_as_unconfirmed_when_nobody_waits_any_longer_is_not_written),
		cmocka_unit_test(a_write_that_fails_is_reported_and_tried_again),
		cmocka_unit_test(messages_of_another_file_wait_until_the_last_one_is_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
