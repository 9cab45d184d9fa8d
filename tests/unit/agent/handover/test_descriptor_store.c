/* test_descriptor_store.c - the messages that a service manager gets, and what comes back from it.
 */
#include "descriptor_store.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char directory[] = "/tmp/test-store-XXXXXX";
static int manager; /* where the messages arrive */

/* Again, after 'manager' was closed. */
static void listen_again(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", directory);
	(void)unlink(address.sun_path);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
}

static void listen_as_manager(void)
{
	CHECK(mkdtemp(directory) != NULL);
	listen_again();
}

/* The next message; 'descriptors' gets how many came with it, which are closed. "" if there is
 * none. */
static const char *next_message(size_t *descriptors)
{
	static char text[256];
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec vector = { text, sizeof(text) - 1 };
	struct msghdr message = { .msg_iov = &vector,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	const ssize_t size = recvmsg(manager, &message, MSG_CMSG_CLOEXEC);

	*descriptors = 0;
	text[size < 0 ? 0 : size] = '\0';
	for (struct cmsghdr *head = size < 0 ? NULL : CMSG_FIRSTHDR(&message); head;
	     head = CMSG_NXTHDR(&message, head)) {
		int descriptor;

		if (head->cmsg_type != SCM_RIGHTS)
			continue;
		*descriptors += (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(&descriptor, CMSG_DATA(head), sizeof(descriptor));
		(void)close(descriptor);
	}
	return text;
}

static void check_message(const char *expected, size_t expected_descriptors)
{
	size_t descriptors;

	CHECK_TEXT(next_message(&descriptors), expected);
	CHECK_EQ(descriptors, expected_descriptors);
}

TEST(a_descriptor_is_sent_once_and_replaced_by_another)
{
	struct descriptor_store *store = descriptor_store_open();
	const int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int other = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	const int again = dup(one);

	CHECK(descriptor_store_is_there(store));
	CHECK_EQ(descriptor_store_put(store, "a", one), 0);
	check_message("FDSTORE=1\nFDPOLL=0\nFDNAME=a", 1);
	CHECK_EQ(descriptor_store_put(store, "a", again), 0);
	check_message("", 0);
	CHECK_EQ(descriptor_store_put(store, "a", other), 0);
	check_message("FDSTOREREMOVE=1\nFDNAME=a", 0);
	check_message("FDSTORE=1\nFDPOLL=0\nFDNAME=a", 1);
	descriptor_store_remove(store, "b");
	check_message("", 0);
	descriptor_store_remove_all(store);
	check_message("FDSTOREREMOVE=1\nFDNAME=a", 0);
	descriptor_store_close(store);
	(void)close(one);
	(void)close(other);
	(void)close(again);
}

/* While nobody takes its messages: what it still has must not be put twice under one name, or the
 * next agent takes the older one. */
TEST(what_the_manager_could_not_forget_stays_in_the_list)
{
	struct descriptor_store *store = descriptor_store_open();
	const int one = open("/dev/null", O_RDONLY | O_CLOEXEC);
	const int other = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	CHECK_EQ(descriptor_store_put(store, "a", one), 0);
	CHECK_EQ(descriptor_store_put(store, "b", one), 0);
	check_message("FDSTORE=1\nFDPOLL=0\nFDNAME=a", 1);
	check_message("FDSTORE=1\nFDPOLL=0\nFDNAME=b", 1);
	(void)close(manager);
	CHECK(descriptor_store_remove(store, "a") < 0);
	CHECK(descriptor_store_put(store, "a", other) < 0);
	descriptor_store_remove_all(store);
	listen_again();
	check_message("", 0);
	CHECK_EQ(descriptor_store_put(store, "a", other), 0);
	check_message("FDSTOREREMOVE=1\nFDNAME=a", 0);
	check_message("FDSTORE=1\nFDPOLL=0\nFDNAME=a", 1);
	CHECK_EQ(descriptor_store_remove(store, "b"), 0);
	check_message("FDSTOREREMOVE=1\nFDNAME=b", 0);
	descriptor_store_close(store);
	(void)close(one);
	(void)close(other);
}

TEST(the_limit_of_the_manager_holds)
{
	struct descriptor_store *store;

	CHECK_EQ(setenv("FDSTORE", "2", 1), 0);
	store = descriptor_store_open();
	CHECK_EQ(descriptor_store_put(store, "a", 0), 0);
	CHECK_EQ(descriptor_store_put(store, "b", manager), 0);
	check_message("FDSTORE=1\nFDPOLL=0\nFDNAME=a", 1);
	check_message("FDSTORE=1\nFDPOLL=0\nFDNAME=b", 1);
	CHECK_EQ(descriptor_store_put(store, "c", 0), -ENOSPC);
	check_message("", 0);
	descriptor_store_close(store);

	CHECK_EQ(setenv("FDSTORE", "0", 1), 0);
	store = descriptor_store_open();
	CHECK(!descriptor_store_is_there(store));
	CHECK_EQ(descriptor_store_put(store, "a", 0), -ENOTCONN);
	descriptor_store_close(store);
	CHECK_EQ(unsetenv("FDSTORE"), 0);
}

TEST(without_a_manager_nothing_is_kept)
{
	char *path = strdup(getenv("NOTIFY_SOCKET"));
	struct descriptor_store *store;

	CHECK_EQ(unsetenv("NOTIFY_SOCKET"), 0);
	store = descriptor_store_open();
	CHECK(!descriptor_store_is_there(store));
	CHECK(!descriptor_store_is_there(NULL));
	CHECK_EQ(descriptor_store_put(store, "a", 0), -ENOTCONN);
	CHECK_EQ(descriptor_store_take(store, "a"), -1);
	CHECK_EQ(descriptor_store_take(NULL, "a"), -1);
	CHECK_EQ(descriptor_store_flush(store), 0);
	descriptor_store_remove_all(store);
	descriptor_store_close(store);
	CHECK_EQ(setenv("NOTIFY_SOCKET", path, 1), 0);
	free(path);
}

/* As systemd does: from descriptor 3 on. */
static void pass(const char *names, size_t count)
{
	char text[32];

	for (size_t i = 0; i < count; i++)
		CHECK_EQ(dup2(i % 2 ? 1 : 2, 3 + (int)i), 3 + (int)i);
	(void)snprintf(text, sizeof(text), "%d", (int)getpid());
	CHECK_EQ(setenv("LISTEN_PID", text, 1), 0);
	(void)snprintf(text, sizeof(text), "%zu", count);
	CHECK_EQ(setenv("LISTEN_FDS", text, 1), 0);
	CHECK_EQ(setenv("LISTEN_FDNAMES", names, 1), 0);
}

/* What is passed lies where cmocka and the manager's socket may be: so these are moved away. */
static void make_way(void)
{
	const int moved = fcntl(manager, F_DUPFD_CLOEXEC, 20);

	CHECK(moved >= 20);
	(void)close(manager);
	manager = moved;
}

TEST(what_was_passed_is_taken_once_or_forgotten)
{
	struct descriptor_store *store;

	make_way();
	pass("a:b:a", 3);
	store = descriptor_store_open();
	CHECK(getenv("LISTEN_FDS") == NULL);
	CHECK_EQ(descriptor_store_take(store, "a"), 3);
	CHECK_EQ(descriptor_store_take(store, "a"), -1);
	CHECK_EQ(fcntl(5, F_GETFD), -1); /* the second of that name */
	CHECK_EQ(fcntl(3, F_GETFD), FD_CLOEXEC);
	/* It is there already, whatever its number is. */
	CHECK_EQ(descriptor_store_put(store, "a", 2), 0);
	check_message("", 0);
	descriptor_store_remove_untaken(store);
	check_message("FDSTOREREMOVE=1\nFDNAME=b", 0);
	check_message("", 0);
	CHECK_EQ(fcntl(4, F_GETFD), -1);
	descriptor_store_close(store);
	CHECK_EQ(fcntl(3, F_GETFD), FD_CLOEXEC);
	(void)close(3);
}

TEST(what_nobody_takes_is_closed_here_and_stays_there)
{
	struct descriptor_store *store;

	pass("a", 1);
	store = descriptor_store_open();
	CHECK_EQ(descriptor_store_look(store, "a"), 3);
	CHECK_EQ(descriptor_store_look(store, "a"), 3);
	CHECK_EQ(descriptor_store_look(store, "b"), -1);
	descriptor_store_close(store);
	CHECK_EQ(fcntl(3, F_GETFD), -1);
	check_message("", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_descriptor_is_sent_once_and_replaced_by_another),
		cmocka_unit_test(what_the_manager_could_not_forget_stays_in_the_list),
		cmocka_unit_test(the_limit_of_the_manager_holds),
		cmocka_unit_test(without_a_manager_nothing_is_kept),
		cmocka_unit_test(what_was_passed_is_taken_once_or_forgotten),
		cmocka_unit_test(what_nobody_takes_is_closed_here_and_stays_there),
	};
	char path[64];
	int result;

	listen_as_manager();
	result = RUN_TESTS(tests);
	(void)snprintf(path, sizeof(path), "%s/notify", directory);
	(void)unlink(path);
	(void)rmdir(directory);
	return result;
}
