/* test_interfaces.c - what the kernel's link messages make of the list of interfaces. */
#include "check.h"
#include "interfaces.h"

#include <endian.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define KEEP_MS 1000

static struct interfaces interfaces;
static struct interface_rules rules;
static char events_text[4096]; /* what the events said, in short */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
	const size_t length = strlen(events_text);
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(events_text + length, sizeof(events_text) - length, format, arguments);
	va_end(arguments);
}

static void named(void *context, const struct interface_name *name)
{
	(void)context;
	note("%u=%s", name->index, name->name);
	if (strcmp(name->name, name->description) != 0)
		note("(%s)", name->description);
	note(" ");
}

static void forgotten(void *context, uint32_t number)
{
	(void)context;
	note("-%u ", number);
}

static void clash(void *context, uint32_t number, const char *name, const char *other)
{
	(void)context;
	note("clash %u %s %s ", number, name, other);
}

static void full(void *context)
{
	(void)context;
	note("full ");
}

static void begin(const char *rules_text)
{
	const struct interfaces_events events = { named, forgotten, clash, full, NULL };
	struct error_text error;

	interface_rules_clear(&rules);
	if (rules_text)
		CHECK_EQ(interface_rules_parse(&rules, rules_text, &error), 0);
	interfaces_init(&interfaces, &events, &rules, KEEP_MS);
	events_text[0] = '\0';
}

static void end(void)
{
	interfaces_clear(&interfaces);
	interface_rules_clear(&rules);
}

#define CHECK_EVENTS(text)                     \
	do {                                   \
		CHECK_TEXT(events_text, text); \
		events_text[0] = '\0';         \
	} while (0)

/* Messages are put here, one after the other. */
static uint8_t datagram[8192];
static size_t datagram_size;

static void put(const void *bytes, size_t size)
{
	memcpy(datagram + datagram_size, bytes, size);
	datagram_size += size;
	while (datagram_size % 4)
		datagram[datagram_size++] = 0;
}

static void put_header(uint16_t type, uint16_t flags, uint32_t sequence, size_t body_size)
{
	const struct nlmsghdr header = {
		.nlmsg_len = (uint32_t)(sizeof(header) + body_size),
		.nlmsg_type = type,
		.nlmsg_flags = flags,
		.nlmsg_seq = sequence,
	};

	put(&header, sizeof(header));
}

static void put_attribute(uint16_t type, const void *value, size_t size)
{
	const struct nlattr attribute = { (uint16_t)(sizeof(attribute) + size), type };

	put(&attribute, sizeof(attribute));
	put(value, size);
}

static void put_link(uint16_t type, uint16_t flags, uint32_t sequence, uint8_t family, int index,
		     const char *name, const char *alias, uint32_t mtu)
{
	const struct ifinfomsg link = { .ifi_family = family, .ifi_index = index };
	const size_t start = datagram_size;
	uint32_t length;

	put_header(type, flags, sequence, 0);
	put(&link, sizeof(link));
	if (name)
		put_attribute(IFLA_IFNAME, name, strlen(name) + 1);
	put_attribute(IFLA_MTU, &mtu, sizeof(mtu));
	if (alias)
		put_attribute(IFLA_IFALIAS, alias, strlen(alias) + 1);
	length = (uint32_t)(datagram_size - start);
	memcpy(datagram + start, &length, sizeof(length));
}

static void put_done(uint16_t flags, uint32_t sequence, int32_t error)
{
	put_header(NLMSG_DONE, flags, sequence, sizeof(error));
	put(&error, sizeof(error));
}

/* Parse a block of exactly the datagram's size. */
static enum interfaces_result parse_at(int64_t now_ms)
{
	uint8_t *bytes = malloc(datagram_size ? datagram_size : 1);
	enum interfaces_result result;

	CHECK(bytes != NULL);
	memcpy(bytes, datagram, datagram_size);
	result = interfaces_parse(&interfaces, bytes, datagram_size, now_ms);
	free(bytes);
	datagram_size = 0;
	return result;
}

static void new_link(int index, const char *name, int64_t now_ms)
{
	put_link(RTM_NEWLINK, 0, 0, AF_UNSPEC, index, name, NULL, 1500);
	CHECK_EQ(parse_at(now_ms), INTERFACES_ok);
}

static void delete_link(int index, int64_t now_ms)
{
	put_link(RTM_DELLINK, 0, 0, AF_UNSPEC, index, "any", NULL, 1500);
	CHECK_EQ(parse_at(now_ms), INTERFACES_ok);
}

TEST(names_come_change_and_go)
{
	begin(NULL);
	new_link(2, "eth0", 0);
	new_link(1, "lo", 0);
	CHECK_EVENTS("2=eth0 1=lo ");
	new_link(2, "eth0", 0);
	CHECK_EVENTS("");
	new_link(2, "wan0", 0);
	CHECK_EVENTS("2=wan0 ");
	put_link(RTM_NEWLINK, 0, 0, AF_UNSPEC, 2, "wan0", "uplink", 1500);
	CHECK_EQ(parse_at(0), INTERFACES_ok);
	CHECK_EVENTS("2=wan0(uplink) ");
	new_link(2, "wan0", 0);
	CHECK_EVENTS("2=wan0 ");
	end();
}

TEST(one_that_has_gone_keeps_its_name_for_its_flows)
{
	begin(NULL);
	new_link(2, "eth0", 0);
	new_link(3, "eth1", 0);
	CHECK_EVENTS("2=eth0 3=eth1 ");
	delete_link(2, 100);
	delete_link(2, 500); /* twice is once */
	delete_link(9, 500);
	interfaces_forget(&interfaces, 100 + KEEP_MS - 1);
	CHECK_EVENTS("");
	interfaces_forget(&interfaces, 100 + KEEP_MS);
	CHECK_EVENTS("-2 ");
	interfaces_forget(&interfaces, 1000000);
	CHECK_EVENTS("");
	end();
}

TEST(an_index_that_is_used_again_has_the_new_name_at_once)
{
	begin(NULL);
	new_link(2, "eth0", 0);
	delete_link(2, 100);
	events_text[0] = '\0';
	new_link(2, "veth7", 200);
	CHECK_EVENTS("2=veth7 ");
	interfaces_forget(&interfaces, 100000);
	CHECK_EVENTS("");
	delete_link(2, 200000);
	new_link(2, "veth7", 200100); /* the same again is reported: harmless */
	interfaces_forget(&interfaces, 1000000);
	CHECK_EVENTS("2=veth7 ");
	end();
}

TEST(messages_of_bridges_and_addresses_are_of_no_interest)
{
	begin(NULL);
	new_link(2, "eth0", 0);
	put_link(RTM_DELLINK, 0, 0, AF_BRIDGE, 2, "eth0", NULL, 1500);
	put_link(RTM_NEWLINK, 0, 0, AF_INET6, 2, "other", NULL, 1500);
	put_header(RTM_NEWADDR, 0, 0, 0);
	CHECK_EQ(parse_at(0), INTERFACES_ok);
	CHECK_EVENTS("2=eth0 ");
	CHECK_EQ(interfaces.entries[0].gone_ms, INTERFACE_IS_PRESENT);
	end();
}

TEST(what_a_complete_dump_does_not_name_has_gone)
{
	begin(NULL);
	new_link(2, "eth0", 0);
	new_link(3, "eth1", 0);
	new_link(4, "eth2", 0);
	interfaces_dump_begin(&interfaces, 7);
	put_link(RTM_NEWLINK, NLM_F_MULTI, 7, AF_UNSPEC, 3, "eth1", NULL, 1500);
	CHECK_EQ(parse_at(10), INTERFACES_ok);
	new_link(5, "eth3", 10);     /* a notification meanwhile */
	put_done(NLM_F_MULTI, 6, 0); /* of an older dump */
	CHECK_EQ(parse_at(10), INTERFACES_ok);
	CHECK_EQ(interfaces.dump_sequence, 7);
	events_text[0] = '\0';
	put_done(NLM_F_MULTI, 7, 0);
	CHECK_EQ(parse_at(10), INTERFACES_dump_done);
	CHECK_EQ(interfaces.dump_sequence, 0);
	interfaces_forget(&interfaces, 10 + KEEP_MS);
	CHECK_EVENTS("-4 -2 ");
	end();
}

TEST(an_interrupted_dump_says_nothing_of_what_it_lacks)
{
	begin(NULL);
	new_link(2, "eth0", 0);
	for (int i = 0; i < 4; i++) {
		interfaces_dump_begin(&interfaces, 7);
		switch (i) {
		case 0: /* reported with a part of it */
			put_link(RTM_NEWLINK, NLM_F_MULTI | NLM_F_DUMP_INTR, 7, AF_UNSPEC, 3,
				 "eth1", NULL, 1500);
			put_done(NLM_F_MULTI, 7, 0);
			break;
		case 1: put_done(NLM_F_MULTI | NLM_F_DUMP_INTR, 7, 0); break;
		case 2: put_done(NLM_F_MULTI, 7, -105); break;
		default:
			put_header(NLMSG_ERROR, 0, 7, 20);
			put((const uint8_t[20]){ 0xf0, 0xff, 0xff, 0xff }, 20);
		}
		CHECK_EQ(parse_at(0), INTERFACES_dump_incomplete);
		CHECK_EQ(interfaces.dump_sequence, 0);
	}
	interfaces_forget(&interfaces, 1000000);
	CHECK_EVENTS("2=eth0 3=eth1 ");
	end();
}

TEST(rules_give_numbers_and_move_them_with_the_name)
{
	begin("eth:100,wg0=7");
	new_link(2, "eth3", 0);
	new_link(3, "wg0", 0);
	new_link(4, "lo", 0);
	CHECK_EVENTS("103=eth3 7=wg0 4=lo ");
	CHECK_EQ(interfaces_number(&interfaces, 2), 103);
	CHECK_EQ(interfaces_number(&interfaces, 3), 7);
	CHECK_EQ(interfaces_number(&interfaces, 4), 4);
	CHECK_EQ(interfaces_number(&interfaces, 5), 5);
	CHECK_EQ(interfaces_number(&interfaces, 0), 0);
	new_link(2, "eth4", 0);
	CHECK_EVENTS("-103 104=eth4 ");
	end();
}

TEST(a_recreated_interface_keeps_its_number)
{
	begin("wg0=7");
	new_link(3, "wg0", 0);
	delete_link(3, 100);
	new_link(9, "wg0", 200);
	CHECK_EVENTS("7=wg0 7=wg0 7=wg0 "); /* no clash: the first has gone */
	CHECK_EQ(interfaces_number(&interfaces, 3), 7);
	CHECK_EQ(interfaces_number(&interfaces, 9), 7);
	interfaces_forget(&interfaces, 100000);
	CHECK_EVENTS("7=wg0 ");
	delete_link(9, 100000);
	interfaces_forget(&interfaces, 200000);
	CHECK_EVENTS("7=wg0 -7 ");
	end();
}

TEST(two_with_one_number_are_reported_and_the_first_gives_the_name)
{
	begin("eth0=7");
	new_link(2, "eth0", 0);
	new_link(7, "lo", 0);
	CHECK_EVENTS("7=eth0 7=eth0 clash 7 eth0 lo ");
	delete_link(2, 100);
	CHECK_EVENTS("7=lo "); /* whose flows still come */
	end();
	begin("a=7,b=7,c=7");
	new_link(4, "c", 0);
	new_link(3, "b", 0);
	CHECK_EVENTS("7=c 7=b clash 7 b c ");
	new_link(2, "a", 0);
	delete_link(2, 0);
	CHECK_EVENTS("7=a clash 7 a c 7=b clash 7 b c ");
	end();
}

TEST(mtus_are_published_when_they_change)
{
	static struct interface_mtus mtus;

	begin(NULL);
	interface_mtus_init(&mtus, 1500);
	put_link(RTM_NEWLINK, 0, 0, AF_UNSPEC, 1, "lo", NULL, 65536);
	put_link(RTM_NEWLINK, 0, 0, AF_UNSPEC, 2, "eth0", NULL, 1500);
	put_link(RTM_NEWLINK, 0, 0, AF_UNSPEC, 3, "wg0", NULL, 1420);
	CHECK_EQ(parse_at(0), INTERFACES_ok);
	interfaces_publish_mtus(&interfaces, &mtus);
	CHECK_EQ(interface_mtus_find(&mtus, 1), 65536);
	CHECK_EQ(interface_mtus_find(&mtus, 2), 1500);
	CHECK_EQ(interface_mtus_find(&mtus, 3), 1420);
	CHECK_EQ(interface_mtus_least(&mtus), 1420);
	put_link(RTM_NEWLINK, 0, 0, AF_UNSPEC, 3, "wg0", NULL, 1500);
	CHECK_EQ(parse_at(0), INTERFACES_ok);
	CHECK_EQ(interface_mtus_find(&mtus, 3), 1420);
	interfaces_publish_mtus(&interfaces, &mtus);
	CHECK_EQ(interface_mtus_find(&mtus, 3), 1500);
	CHECK_EQ(interface_mtus_least(&mtus), 1500);
	/* Packets of one that has gone are still looked at. */
	delete_link(1, 0);
	interfaces_publish_mtus(&interfaces, &mtus);
	CHECK_EQ(interface_mtus_find(&mtus, 1), 65536);
	interfaces_forget(&interfaces, KEEP_MS);
	interfaces_publish_mtus(&interfaces, &mtus);
	CHECK_EQ(interface_mtus_find(&mtus, 1), 1500);
	end();
}

TEST(long_texts_are_cut_between_characters)
{
	begin(NULL);
	put_link(RTM_NEWLINK, 0, 0, AF_UNSPEC, 2, "0123456789abcdefgh", NULL, 1500);
	put_link(RTM_NEWLINK, 0, 0, AF_UNSPEC, 3, "eth0", "123456789012345678901234567890\xc3\xbc",
		 1500);
	put_link(RTM_NEWLINK, 0, 0, AF_UNSPEC, 4, "eth1", "12345678901234567890123456789\xc3\xbc!",
		 1500);
	CHECK_EQ(parse_at(0), INTERFACES_ok);
	CHECK_EVENTS("2=0123456789abcde 3=eth0(123456789012345678901234567890) "
		     "4=eth1(12345678901234567890123456789\xc3\xbc) ");
	end();
}

TEST(what_makes_no_sense_changes_nothing)
{
	const struct ifinfomsg link = { .ifi_index = 2 };

	begin(NULL);
	put_header(RTM_NEWLINK, 0, 0, 4); /* too short */
	put("1234", 4);
	CHECK_EQ(parse_at(0), INTERFACES_malformed);
	put_link(RTM_NEWLINK, 0, 0, AF_UNSPEC, 2, NULL, NULL, 1500); /* without a name */
	CHECK_EQ(parse_at(0), INTERFACES_malformed);
	put_link(RTM_NEWLINK, 0, 0, AF_UNSPEC, 0, "zero", NULL, 1500);
	CHECK_EQ(parse_at(0), INTERFACES_ok);
	put_header(RTM_NEWLINK, 0, 0, sizeof(link) + 8);
	put(&link, sizeof(link));
	put((const uint8_t[]){ 9, 0, 3, 0, 'e', 't', 'h', 0 }, 8); /* beyond its message */
	CHECK_EQ(parse_at(0), INTERFACES_malformed);
	put_header(RTM_NEWLINK, 0, 0, sizeof(link) + 8);
	put(&link, sizeof(link));
	put((const uint8_t[]){ 3, 0, 3, 0, 'e', 't', 'h', 0 }, 8); /* shorter than its header */
	CHECK_EQ(parse_at(0), INTERFACES_malformed);
	put_header(RTM_NEWLINK, 0, 0, 100); /* beyond its datagram */
	put(&link, sizeof(link));
	CHECK_EQ(parse_at(0), INTERFACES_malformed);
	put("1234567", 8);
	CHECK_EQ(parse_at(0), INTERFACES_malformed);
	CHECK_EQ(parse_at(0), INTERFACES_ok); /* nothing */
	CHECK_EVENTS("");
	end();
}

TEST(the_list_is_bounded)
{
	begin(NULL);
	for (int i = 1; i <= INTERFACES_MAX; i++) {
		new_link(i, "x", 0);
		events_text[0] = '\0';
	}
	new_link(40000, "one", 0);
	CHECK_EVENTS("full ");
	delete_link(8, 20);
	delete_link(7, 10);
	new_link(40000, "one", 30);
	CHECK_EVENTS("-7 40000=one ");
	new_link(40001, "two", 30);
	CHECK_EVENTS("-8 40001=two ");
	new_link(40002, "three", 30);
	CHECK_EVENTS("full ");
	CHECK_EQ(interfaces.count, INTERFACES_MAX);
	end();
}

static enum interfaces_result parse_file(const char *name, int64_t now_ms)
{
	char path[256];
	FILE *file;
	enum interfaces_result result;
	uint8_t *bytes = malloc(65536);
	size_t size;

	(void)snprintf(path, sizeof(path), "%s/tests/wire/%s", SOURCE_DIRECTORY, name);
	file = fopen(path, "rb");
	CHECK(file && bytes);
	size = fread(bytes, 1, 65536, file);
	(void)fclose(file);
	bytes = realloc(bytes, size);
	result = interfaces_parse(&interfaces, bytes, size, now_ms);
	free(bytes);
	return result;
}

/* tests/wire/rtnetlink.md says what happened. */
TEST(a_recorded_dump_and_what_followed)
{
	if (htole16(1) != 1)
		skip(); /* recorded on a little-endian machine */
	begin(NULL);
	interfaces_dump_begin(&interfaces, 7);
	CHECK_EQ(parse_file("rtnetlink_dump.bin", 0), INTERFACES_dump_done);
	CHECK_EVENTS("1=lo 2=eth0(uplink of the ISP, Z\xc3\xbcrich, Gle) 3=eth1 4=br0 ");
	CHECK_EQ(interfaces.entries[0].mtu, 65536);
	CHECK_EQ(interfaces.entries[2].mtu, 9000);
	CHECK_EQ(parse_file("rtnetlink_changes.bin", 100), INTERFACES_ok);
	CHECK_EVENTS("2=wan0(uplink of the ISP, Z\xc3\xbcrich, Gle) 2=wan0 5=new0 4=again0 ");
	CHECK_EQ(interfaces.entries[1].mtu, 1400);
	interfaces_forget(&interfaces, 100 + KEEP_MS);
	CHECK_EVENTS("-3 -2 ");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_come_change_and_go),
		cmocka_unit_test(one_that_has_gone_keeps_its_name_for_its_flows),
		cmocka_unit_test(an_index_that_is_used_again_has_the_new_name_at_once),
		cmocka_unit_test(messages_of_bridges_and_addresses_are_of_no_interest),
		cmocka_unit_test(what_a_complete_dump_does_not_name_has_gone),
		cmocka_unit_test(an_interrupted_dump_says_nothing_of_what_it_lacks),
		cmocka_unit_test(rules_give_numbers_and_move_them_with_the_name),
		cmocka_unit_test(a_recreated_interface_keeps_its_number),
		cmocka_unit_test(two_with_one_number_are_reported_and_the_first_gives_the_name),
		cmocka_unit_test(mtus_are_published_when_they_change),
		cmocka_unit_test(long_texts_are_cut_between_characters),
		cmocka_unit_test(what_makes_no_sense_changes_nothing),
		cmocka_unit_test(the_list_is_bounded),
		cmocka_unit_test(a_recorded_dump_and_what_followed),
	};

	return RUN_TESTS(tests);
}
