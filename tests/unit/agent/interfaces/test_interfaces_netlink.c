/* test_interfaces_netlink.c - the list of the kernel that runs the test, without privileges. */
#include "check.h"
#include "interfaces_netlink.h"
#include "time_now.h"

#include <net/if.h>

#define PATIENCE_MS 10000

static const struct interface_rules rules;
static struct interfaces interfaces;
static uint32_t loopback_reported;

static void named(void *context, const struct interface_name *name)
{
	(void)context;
	if (strcmp(name->name, "lo") == 0)
		loopback_reported = name->index;
}

static struct interfaces_netlink *open_all(void)
{
	const struct interfaces_events events = { .named = named };
	struct error_text error;
	struct interfaces_netlink *netlink;

	interfaces_init(&interfaces, &events, &rules, 1000);
	netlink = interfaces_netlink_open(&interfaces, &error);
	CHECK(netlink != NULL);
	interfaces_netlink_read_all(netlink, PATIENCE_MS);
	return netlink;
}

TEST(the_kernel_knows_the_loopback)
{
	static struct interface_mtus mtus;
	struct interfaces_netlink *netlink;

	if (is_byte_order_emulated())
		skip();
	netlink = open_all();
	CHECK_EQ(interfaces.dump_sequence, 0);
	CHECK_EQ(loopback_reported, if_nametoindex("lo"));
	interface_mtus_init(&mtus, 1500);
	interfaces_publish_mtus(&interfaces, &mtus);
	CHECK(interface_mtus_find(&mtus, loopback_reported) >= 16436);
	interfaces_netlink_close(netlink);
	interfaces_clear(&interfaces);
}

TEST(a_dump_that_has_no_end_is_begun_anew)
{
	struct interfaces_netlink *netlink = open_all();
	const int before = interfaces_netlink_descriptor(netlink);
	const int64_t later_ms = time_now_ms(CLOCK_MONOTONIC) + 60000;

	interfaces.dump_sequence = 99; /* of which the kernel knows nothing */
	(void)interfaces_netlink_read(netlink, later_ms);
	CHECK(interfaces_netlink_descriptor(netlink) != before);
	CHECK(interfaces.dump_sequence != 99);
	interfaces_netlink_read_all(netlink, PATIENCE_MS);
	CHECK_EQ(interfaces.dump_sequence, 0);
	interfaces_netlink_close(netlink);
	interfaces_clear(&interfaces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_knows_the_loopback),
		cmocka_unit_test(a_dump_that_has_no_end_is_begun_anew),
	};

	return RUN_TESTS(tests);
}
