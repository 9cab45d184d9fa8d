/* test_flow_expiry.c - which timeout applies and when it is over. */
#include "flow_expiry.h"

#include "check.h"

static const struct expiry_policy policy = {
	.active_ms = 60000,
	.idle_ms = { [EXPIRY_tcp] = 15000,
		     [EXPIRY_tcp_rst] = 2000,
		     [EXPIRY_tcp_fin] = 3000,
		     [EXPIRY_udp] = 16000,
		     [EXPIRY_icmp] = 17000,
		     [EXPIRY_general] = 18000 },
};

TEST(protocol_and_flags_give_the_class)
{
	CHECK_EQ(expiry_class_of(6, 0x02), EXPIRY_tcp);
	CHECK_EQ(expiry_class_of(6, 0x11), EXPIRY_tcp_fin);
	CHECK_EQ(expiry_class_of(6, 0x04), EXPIRY_tcp_rst);
	CHECK_EQ(expiry_class_of(6, 0x05), EXPIRY_tcp_rst);
	CHECK_EQ(expiry_class_of(17, 0x05), EXPIRY_udp);
	CHECK_EQ(expiry_class_of(1, 0), EXPIRY_icmp);
	CHECK_EQ(expiry_class_of(58, 0), EXPIRY_icmp);
	CHECK_EQ(expiry_class_of(47, 0), EXPIRY_general);
}

TEST(flow_leaves_at_its_timeout_and_not_before)
{
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_tcp, 14999, 14999), FLOW_END_none);
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_tcp, 15000, 15000), FLOW_END_idleTimeout);
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_tcp, 59999, 0), FLOW_END_none);
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_tcp, 60000, 0), FLOW_END_activeTimeout);
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_udp, 15999, 15999), FLOW_END_none);
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_general, 18000, 18000), FLOW_END_idleTimeout);
}

TEST(ended_flow_leaves_after_its_linger_time)
{
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_tcp_rst, 5000, 1999), FLOW_END_none);
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_tcp_rst, 5000, 2000),
		 FLOW_END_endOfFlowDetected);
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_tcp_fin, 5000, 3000),
		 FLOW_END_endOfFlowDetected);
}

TEST(a_flow_that_is_asked_for_leaves_at_once)
{
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_forced, 0, 0), FLOW_END_forcedEnd);
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_forced, 90000, 20000), FLOW_END_forcedEnd);
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_dropped, 0, 0), FLOW_END_dropped);
}

TEST(of_two_timeouts_the_first_that_was_over_counts)
{
	/* Idle for 15 s since 20 s ago, active for 60 s since 10 s ago. */
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_tcp, 70000, 35000), FLOW_END_idleTimeout);
	/* Active for 60 s since 10 s ago, idle for 15 s since 1 s ago. */
	CHECK_EQ(flow_expiry_reason(&policy, EXPIRY_tcp, 70000, 16000), FLOW_END_activeTimeout);
}

static void check_pair(struct expiry_direction first, struct expiry_direction second,
		       enum flow_end_reason first_reason, enum flow_end_reason second_reason)
{
	const struct expiry_direction directions[2] = { first, second };
	const struct expiry_direction swapped[2] = { second, first };
	enum flow_end_reason reasons[2];

	CHECK_EQ(flow_expiry_pair(&policy, directions, reasons), first_reason != FLOW_END_none);
	CHECK_EQ(reasons[0], first_reason);
	CHECK_EQ(reasons[1], second_reason);
	CHECK_EQ(flow_expiry_pair(&policy, swapped, reasons), first_reason != FLOW_END_none);
	CHECK_EQ(reasons[0], second_reason);
	CHECK_EQ(reasons[1], first_reason);
}

#define DIRECTION(class, age_ms, idle_ms) ((struct expiry_direction){ class, age_ms, idle_ms })

TEST(both_directions_must_be_idle)
{
	check_pair(DIRECTION(EXPIRY_tcp, 20000, 14999), DIRECTION(EXPIRY_tcp, 20000, 20000),
		   FLOW_END_none, FLOW_END_none);
	check_pair(DIRECTION(EXPIRY_tcp, 20000, 15000), DIRECTION(EXPIRY_tcp, 20000, 20000),
		   FLOW_END_idleTimeout, FLOW_END_idleTimeout);
	check_pair(DIRECTION(EXPIRY_tcp_fin, 20000, 3000), DIRECTION(EXPIRY_tcp, 20000, 14999),
		   FLOW_END_none, FLOW_END_none);
	check_pair(DIRECTION(EXPIRY_tcp_fin, 20000, 3000), DIRECTION(EXPIRY_tcp, 20000, 15000),
		   FLOW_END_endOfFlowDetected, FLOW_END_idleTimeout);
	check_pair(DIRECTION(EXPIRY_tcp_fin, 20000, 3000), DIRECTION(EXPIRY_tcp_fin, 20000, 2999),
		   FLOW_END_none, FLOW_END_none);
}

TEST(a_reset_of_one_direction_ends_both)
{
	check_pair(DIRECTION(EXPIRY_tcp_rst, 5000, 1999), DIRECTION(EXPIRY_tcp, 5000, 0),
		   FLOW_END_none, FLOW_END_none);
	check_pair(DIRECTION(EXPIRY_tcp_rst, 5000, 2000), DIRECTION(EXPIRY_tcp, 5000, 0),
		   FLOW_END_endOfFlowDetected, FLOW_END_endOfFlowDetected);
	/* Of two it is the first to have lingered. */
	check_pair(DIRECTION(EXPIRY_tcp_rst, 5000, 2000), DIRECTION(EXPIRY_tcp_rst, 5000, 0),
		   FLOW_END_endOfFlowDetected, FLOW_END_endOfFlowDetected);
}

TEST(the_older_direction_has_the_active_timeout)
{
	check_pair(DIRECTION(EXPIRY_tcp, 59999, 0), DIRECTION(EXPIRY_tcp, 59999, 50000),
		   FLOW_END_none, FLOW_END_none);
	check_pair(DIRECTION(EXPIRY_tcp, 60000, 59000), DIRECTION(EXPIRY_tcp, 100, 0),
		   FLOW_END_activeTimeout, FLOW_END_activeTimeout);
	/* Both idle since 20 s, the older beyond its time since 10 s; then the other way round. */
	check_pair(DIRECTION(EXPIRY_tcp, 70000, 35000), DIRECTION(EXPIRY_tcp, 50000, 36000),
		   FLOW_END_idleTimeout, FLOW_END_idleTimeout);
	check_pair(DIRECTION(EXPIRY_tcp, 70000, 16000), DIRECTION(EXPIRY_tcp, 50000, 36000),
		   FLOW_END_activeTimeout, FLOW_END_activeTimeout);
}

TEST(both_directions_leave_when_one_is_asked_for)
{
	check_pair(DIRECTION(EXPIRY_forced, 100, 0), DIRECTION(EXPIRY_tcp, 100, 0),
		   FLOW_END_forcedEnd, FLOW_END_forcedEnd);
	check_pair(DIRECTION(EXPIRY_dropped, 100, 0), DIRECTION(EXPIRY_tcp_rst, 60000, 0),
		   FLOW_END_dropped, FLOW_END_dropped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protocol_and_flags_give_the_class),
		cmocka_unit_test(flow_leaves_at_its_timeout_and_not_before),
		cmocka_unit_test(ended_flow_leaves_after_its_linger_time),
		cmocka_unit_test(a_flow_that_is_asked_for_leaves_at_once),
		cmocka_unit_test(of_two_timeouts_the_first_that_was_over_counts),
		cmocka_unit_test(both_directions_must_be_idle),
		cmocka_unit_test(a_reset_of_one_direction_ends_both),
		cmocka_unit_test(the_older_direction_has_the_active_timeout),
		cmocka_unit_test(both_directions_leave_when_one_is_asked_for),
	};

	return RUN_TESTS(tests);
}
