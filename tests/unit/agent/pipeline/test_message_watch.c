/* test_message_watch.c - when a rule that hands over packets one by one is noticed. */
#include "message_watch.h"

#include "check.h"

TEST(single_packets_at_a_high_rate_are_reported_once)
{
	struct message_watch watch = { 0 };

	CHECK(!message_watch_update(&watch, 100, 7, 7));
	CHECK(!message_watch_update(&watch, 5099, 6000, 6000)); /* not five seconds yet */
	CHECK(!watch.is_single);
	CHECK(message_watch_update(&watch, 5100, 5007, 5007));
	CHECK(watch.is_single);
	CHECK(!message_watch_update(&watch, 10100, 10007, 10007));
	CHECK(watch.is_single);
	/* The rule was mended, and broken again. */
	CHECK(!message_watch_update(&watch, 15100, 15007, 20007));
	CHECK(!watch.is_single);
	CHECK(!message_watch_update(&watch, 20100, 20007, 25007));
	CHECK(watch.is_single);
}

TEST(a_low_rate_or_full_messages_are_as_they_should_be)
{
	struct message_watch watch = { 0 };

	CHECK(!message_watch_update(&watch, 0, 0, 0));
	CHECK(!message_watch_update(&watch, 5000, 4999, 4999));
	CHECK(!watch.is_single);
	CHECK(!message_watch_update(&watch, 10000, 4999 + 5000, 4999 + 10000));
	CHECK(!watch.is_single);
	CHECK(message_watch_update(&watch, 15000, 4999 + 10000, 4999 + 19999));
	CHECK(watch.is_single);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_packets_at_a_high_rate_are_reported_once),
		cmocka_unit_test(a_low_rate_or_full_messages_are_as_they_should_be),
	};

	return RUN_TESTS(tests);
}
