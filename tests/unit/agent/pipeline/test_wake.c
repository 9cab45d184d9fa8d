/* test_wake.c - who is woken by what. */
#include "wake.h"

#include "check.h"

#include <poll.h>

static bool is_readable(const struct wake *wake)
{
	struct pollfd descriptor = { .fd = wake->descriptor, .events = POLLIN };

	return poll(&descriptor, 1, 0) == 1;
}

TEST(an_offer_wakes_only_who_takes_offers)
{
	struct wake wake;

	CHECK_EQ(wake_init(&wake), 0);
	wake_prepare(&wake, false);
	wake_offer(&wake);
	CHECK(!is_readable(&wake));
	wake_signal(&wake);
	CHECK(is_readable(&wake));
	wake_finish(&wake, true);
	CHECK(!is_readable(&wake));

	wake_prepare(&wake, true);
	wake_offer(&wake);
	CHECK(is_readable(&wake));
	wake_finish(&wake, true);
	CHECK(!is_readable(&wake));
	wake_clear(&wake);
}

TEST(who_is_awake_costs_no_system_call)
{
	struct wake wake;

	CHECK_EQ(wake_init(&wake), 0);
	wake_signal(&wake);
	wake_offer(&wake);
	CHECK(!is_readable(&wake));
	wake_prepare(&wake, true);
	wake_signal(&wake);
	wake_signal(&wake); /* is awake by now */
	wake_finish(&wake, true);
	CHECK(!is_readable(&wake));
	wake_clear(&wake);
}

TEST(a_signal_after_poll_ends_the_next_sleep_and_no_other)
{
	struct wake wake;

	CHECK_EQ(wake_init(&wake), 0);
	wake_prepare(&wake, true);
	wake_signal(&wake);
	wake_finish(&wake, false); /* poll() ended before it, for something else */
	wake_prepare(&wake, true);
	CHECK(is_readable(&wake));
	wake_finish(&wake, true);
	wake_prepare(&wake, true);
	CHECK(!is_readable(&wake));
	wake_finish(&wake, false);
	wake_clear(&wake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_offer_wakes_only_who_takes_offers),
		cmocka_unit_test(who_is_awake_costs_no_system_call),
		cmocka_unit_test(a_signal_after_poll_ends_the_next_sleep_and_no_other),
	};

	return RUN_TESTS(tests);
}
