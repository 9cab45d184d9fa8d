/* test_application_table.c - ports to applications, and the numbers that these get. */
#include "application_table.h"
#include "check.h"

#include <stdio.h>

enum { TCP = 6, UDP = 17, ICMP = 1, SCTP = 132 };

static const char *name_of(const struct application_table *table, uint8_t protocol, uint16_t source,
			   uint16_t destination)
{
	const struct application *found =
		application_table_find(table, protocol, source, destination);

	return found ? found->name : "-";
}

static uint32_t id_of(const struct application_table *table, uint8_t protocol, uint16_t port)
{
	const struct application *found = application_table_find(table, protocol, 0, port);

	return found ? (uint32_t)found->id[0] << 16 | (uint32_t)found->id[1] << 8 | found->id[2]
		     : 0;
}

TEST(the_destination_port_counts_else_the_source_port)
{
	struct application_table *table = application_table_create();

	CHECK_EQ(application_table_add(table, APPLICATION_tcp, 443, 443, "https"), 0);
	CHECK_EQ(application_table_add(table, APPLICATION_all, 53, 53, "dns"), 0);
	CHECK_TEXT(name_of(table, TCP, 40000, 443), "https");
	CHECK_TEXT(name_of(table, TCP, 443, 40000), "https");
	CHECK_TEXT(name_of(table, TCP, 443, 53), "dns");
	CHECK_TEXT(name_of(table, UDP, 1, 443), "-");
	CHECK_TEXT(name_of(table, SCTP, 1, 53), "dns");
	CHECK_TEXT(name_of(table, ICMP, 0, 53), "-"); /* a type and a code */
	CHECK_TEXT(name_of(table, TCP, 1, 2), "-");
	application_table_destroy(table);
	application_table_destroy(NULL);
}

TEST(a_number_is_that_of_the_first_port)
{
	struct application_table *table = application_table_create();

	CHECK_EQ(application_table_add(table, APPLICATION_tcp, 6000, 6063, "x11"), 0);
	CHECK_EQ(application_table_add(table, APPLICATION_all, 0, 0, "zero"), 0);
	CHECK_EQ(application_table_add(table, APPLICATION_udp, 65535, 65535, "last"), 0);
	CHECK_EQ(id_of(table, TCP, 6000), 3 << 16 | 6000);
	CHECK_EQ(id_of(table, TCP, 6063), 3 << 16 | 6000);
	CHECK_TEXT(name_of(table, TCP, 1, 6064), "-");
	CHECK_EQ(id_of(table, TCP, 0), 3 << 16);
	CHECK_EQ(id_of(table, UDP, 65535), 3 << 16 | 65535);
	CHECK_EQ(application_table_count(table), 3);
	application_table_destroy(table);
}

TEST(protocols_that_differ_have_different_numbers)
{
	struct application_table *table = application_table_create();

	CHECK_EQ(application_table_add(table, APPLICATION_tcp, 443, 443, "https"), 0);
	CHECK_EQ(application_table_add(table, APPLICATION_sctp, 443, 443, "https"), 0);
	CHECK_EQ(application_table_add(table, APPLICATION_udp, 443, 443, "quic"), 0);
	CHECK_EQ(application_table_add(table, APPLICATION_udp, 443, 443, "quic"), 0);
	CHECK_EQ(application_table_count(table), 2);
	CHECK_EQ(id_of(table, SCTP, 443), 3 << 16 | 443);
	CHECK_EQ(id_of(table, UDP, 443), 6 << 16 | 65535);
	/* The number that was given away is not given to a port that comes later. */
	CHECK_EQ(application_table_add(table, APPLICATION_udp, 65535, 65535, "last"), 0);
	CHECK_EQ(id_of(table, UDP, 65535), 6 << 16 | 65534);
	CHECK_EQ(application_table_add(table, APPLICATION_tcp, 443, 443, "web"), 0);
	CHECK_TEXT(name_of(table, TCP, 1, 443), "web"); /* the later one */
	application_table_destroy(table);
}

TEST(every_port_can_have_its_own_name)
{
	struct application_table *table = application_table_create();
	char name[16];

	for (uint32_t port = 0; port < 65535; port++) {
		(void)snprintf(name, sizeof(name), "p%u", port);
		CHECK_EQ(application_table_add(table, APPLICATION_tcp, (uint16_t)port,
					       (uint16_t)port, name),
			 0);
	}
	CHECK_EQ(application_table_count(table), APPLICATION_COUNT_MAX);
	CHECK(application_table_add(table, APPLICATION_tcp, 65535, 65535, "more") < 0);
	CHECK(application_table_add(table, APPLICATION_udp, 7, 7, "other") < 0);
	CHECK_TEXT(name_of(table, TCP, 0, 65534), "p65534");
	for (size_t i = 0; i < 65535; i += 1111)
		CHECK_EQ(application_table_index(table, application_table_at(table, i)), i);
	application_table_destroy(table);
}

static uint32_t number_of(const struct application *application)
{
	return (uint32_t)application->id[0] << 16 | (uint32_t)application->id[1] << 8 |
	       application->id[2];
}

TEST(names_without_a_port_have_room_and_a_number_that_follows_from_them)
{
	struct application_table *table = application_table_create();
	struct application_table *other = application_table_create();
	const struct application *https, *nginx, *again;

	CHECK_EQ(application_table_add(table, APPLICATION_tcp, 443, 443, "https"), 0);
	CHECK(application_table_name(table, "none was kept") == NULL);
	CHECK_EQ(application_table_reserve(table, 2), 0);
	CHECK_EQ(application_table_most(table), 3);
	https = application_table_find(table, TCP, 0, 443);
	nginx = application_table_name(table, "nginx.service");
	CHECK_TEXT(nginx->name, "nginx.service");
	CHECK_EQ(number_of(nginx) >> 16, 6);
	CHECK_EQ(application_table_index(table, nginx), 1);
	CHECK(application_table_name(table, "ssh.service") != NULL);
	CHECK(application_table_name(table, "no more") == NULL);
	CHECK(application_table_find(table, TCP, 0, 443) == https);
	CHECK_EQ(application_table_count(table), 3);

	/* Another agent, or this one tomorrow. */
	CHECK_EQ(application_table_reserve(other, 2), 0);
	again = application_table_name(other, "nginx.service");
	CHECK_EQ(number_of(again), number_of(nginx));
	CHECK(number_of(application_table_name(other, "nginx.service")) != number_of(nginx));
	application_table_destroy(table);
	application_table_destroy(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			names_without_a_port_have_room_and_a_number_that_follows_from_them),
		cmocka_unit_test(the_destination_port_counts_else_the_source_port),
		cmocka_unit_test(a_number_is_that_of_the_first_port),
		cmocka_unit_test(protocols_that_differ_have_different_numbers),
		cmocka_unit_test(every_port_can_have_its_own_name),
	};

	return RUN_TESTS(tests);
}
