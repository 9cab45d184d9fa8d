/* test_pipeline_stored.c - a source that comes and goes, and the store's entry for it. */
#include "pipeline_stored.h"

#include "check.h"
#include "log.h"
#include "pipeline_parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct capture {
	int descriptor;
};

static int descriptor_of(const struct capture *capture)
{
	return capture->descriptor;
}

static int adopt(const struct source_config *config, const struct capture_kept *kept,
		 struct capture **capture, struct error_text *error)
{
	(void)config;
	(void)kept;
	(void)capture;
	(void)error;
	return 0;
}

static char directory[] = "/tmp/test-stored-XXXXXX";
static int manager; /* where the messages arrive */

static void listen_as_manager(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	CHECK(mkdtemp(directory) != NULL);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", directory);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK_EQ(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_EQ(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
	CHECK_EQ(setenv("FDSTORE", "8", 1), 0);
}

static void stop_listening(void)
{
	char path[sizeof(directory) + 8];

	(void)close(manager);
	(void)snprintf(path, sizeof(path), "%s/notify", directory);
	(void)unlink(path);
	(void)rmdir(directory);
}

static void check_message(const char *expected)
{
	char text[256];
	const ssize_t size = recv(manager, text, sizeof(text) - 1, 0);

	text[size < 0 ? 0 : size] = '\0';
	CHECK_TEXT(text, expected);
}

/* No descriptor is free: all up to the highest that may be are open. Returns the limit before. */
static struct rlimit take_descriptors(void)
{
	const int lowest = dup(0);
	struct rlimit before, none;

	CHECK(lowest >= 0);
	CHECK_EQ(close(lowest), 0);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)lowest;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	return before;
}

static bool is_problem(void)
{
	struct problems problems;

	log_problems(&problems);
	return problems.count != 0;
}

TEST(a_source_that_cannot_be_copied_stays_until_it_can)
{
	static const struct capture_type type = { .descriptor = descriptor_of, .adopt = adopt };
	struct capture one = { .descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC) };
	struct capture other = { .descriptor = open("/dev/zero", O_RDONLY | O_CLOEXEC) };
	struct worker worker = { .name = "a", .type = &type, .source = { .type = &type } };
	struct worker *workers[] = { &worker };
	struct pipeline pipeline = { .workers = workers, .worker_count = 1 };
	struct rlimit before;

	listen_as_manager();
	pipeline.handover.store = descriptor_store_open();
	worker.source.capture = &one;
	atomic_fetch_add(&worker.source.changes, 1);
	pipeline_stored_look(&pipeline);
	check_message("FDSTORE=1\nFDPOLL=0\nFDNAME=a");
	CHECK(!is_problem());

	/* It has gone and come back. */
	worker.source.capture = &other;
	atomic_fetch_add(&worker.source.changes, 2);
	before = take_descriptors();
	pipeline_stored_look(&pipeline);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	check_message("");
	CHECK(is_problem());
	pipeline_stored_look(&pipeline);
	check_message("FDSTOREREMOVE=1\nFDNAME=a");
	check_message("FDSTORE=1\nFDPOLL=0\nFDNAME=a");
	CHECK(!is_problem());

	/* It is away. */
	worker.source.capture = NULL;
	atomic_fetch_add(&worker.source.changes, 1);
	pipeline_stored_look(&pipeline);
	check_message("FDSTOREREMOVE=1\nFDNAME=a");
	pipeline_stored_look(&pipeline);
	check_message("");
	CHECK(!is_problem());
	descriptor_store_close(pipeline.handover.store);
	stop_listening();
	(void)close(one.descriptor);
	(void)close(other.descriptor);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_that_cannot_be_copied_stays_until_it_can),
	};

	return RUN_TESTS(tests);
}
