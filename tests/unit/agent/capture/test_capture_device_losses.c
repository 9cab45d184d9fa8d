/* test_capture_device_losses.c - counters of a driver that go on, begin anew, and go away. */
#include "capture_device_losses.h"

#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static char directory[] = "/tmp/test-losses-XXXXXX";

static const char *path_of(const char *counter)
{
	static char path[64];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, counter);
	return path;
}

static void set(const char *counter, uint64_t value)
{
	FILE *file = fopen(path_of(counter), "w");

	CHECK(file != NULL);
	CHECK(fprintf(file, "%" PRIu64 "\n", value) > 0);
	CHECK_EQ(fclose(file), 0);
}

static void forget(const char *counter)
{
	CHECK_EQ(unlink(path_of(counter)), 0);
}

TEST(frames_are_lost_from_the_first_look_on)
{
	struct capture_device_losses losses = { 0 };

	CHECK(mkdtemp(directory) != NULL);
	set("rx_missed_errors", 1000);
	set("rx_fifo_errors", 20);
	CHECK_EQ(capture_device_losses_since(&losses, directory), 0);
	CHECK_EQ(capture_device_losses_since(&losses, directory), 0);
	set("rx_missed_errors", 1003);
	set("rx_fifo_errors", 21);
	CHECK_EQ(capture_device_losses_since(&losses, directory), 4);

	/* Begun anew: the other one goes on. */
	set("rx_missed_errors", 2);
	set("rx_fifo_errors", 22);
	CHECK_EQ(capture_device_losses_since(&losses, directory), 1);
	set("rx_missed_errors", 12);
	CHECK_EQ(capture_device_losses_since(&losses, directory), 10);

	/* Not to be read for a while, or not a number: nothing is counted twice. */
	forget("rx_missed_errors");
	CHECK_EQ(capture_device_losses_since(&losses, directory), 0);
	CHECK_EQ(fclose(fopen(path_of("rx_missed_errors"), "w")), 0);
	CHECK_EQ(capture_device_losses_since(&losses, directory), 0);
	set("rx_missed_errors", 13);
	CHECK_EQ(capture_device_losses_since(&losses, directory), 1);

	forget("rx_missed_errors");
	forget("rx_fifo_errors");
	CHECK_EQ(rmdir(directory), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_lost_from_the_first_look_on),
	};

	return RUN_TESTS(tests);
}
