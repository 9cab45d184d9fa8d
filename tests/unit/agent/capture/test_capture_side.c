/* test_capture_side.c - sent by this host or to it, by addresses. */
#include "check.h"

#include "capture_side.h"

#include <stdlib.h>

static uint8_t own_ips[2][16] = {
	{ [10] = 0xff, 0xff, 192, 0, 2, 1 },
	{ 0x20, 0x01, 0x0d, 0xb8, [15] = 1 },
};
static const struct capture_side_addresses own = {
	.mac = { 2, 0, 0, 0, 0, 0x0a },
	.has_mac = true,
	.ips = own_ips,
	.ip_count = 2,
};

/* The packet is in a block of exactly its size. */
static enum flow_side side(const struct capture_side_addresses *addresses, enum link_type link,
			   const uint8_t *bytes, size_t size)
{
	uint8_t *block = malloc(size ? size : 1);
	enum flow_side result;

	assert_non_null(block);
	memcpy(block, bytes, size);
	result = capture_side_of(addresses, (uint8_t)link, block, size);
	free(block);
	return result;
}

TEST(ethernet_by_the_mac_address_of_the_interface)
{
	static const uint8_t out[14] = { 2, 0, 0, 0, 0, 0x0b, 2, 0, 0, 0, 0, 0x0a, 8, 0 };
	static const uint8_t in[14] = { 2, 0, 0, 0, 0, 0x0a, 2, 0, 0, 0, 0, 0x0b, 8, 0 };
	static const uint8_t multicast[14] = { 0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x0b };
	static const uint8_t own_multicast[14] = { 0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x0a };
	static const uint8_t others[14] = { 2, 0, 0, 0, 0, 0x0c, 2, 0, 0, 0, 0, 0x0b, 8, 0 };
	struct capture_side_addresses changed = own;

	CHECK_EQ(side(&own, LINK_ETHERNET, out, sizeof(out)), SIDE_egress);
	CHECK_EQ(side(&own, LINK_ETHERNET, in, sizeof(in)), SIDE_ingress);
	CHECK_EQ(side(&own, LINK_ETHERNET, multicast, sizeof(multicast)), SIDE_ingress);
	CHECK_EQ(side(&own, LINK_ETHERNET, own_multicast, sizeof(own_multicast)), SIDE_egress);
	CHECK_EQ(side(&own, LINK_ETHERNET, others, sizeof(others)), SIDE_unknown);
	CHECK_EQ(side(&own, LINK_ETHERNET, out, 13), SIDE_unknown);
	changed.has_mac = false;
	CHECK_EQ(side(&changed, LINK_ETHERNET, out, sizeof(out)), SIDE_unknown);
	changed.is_loopback = true;
	CHECK_EQ(side(&changed, LINK_ETHERNET, out, sizeof(out)), SIDE_ingress);
}

TEST(raw_ip_by_the_addresses_of_the_host)
{
	static const uint8_t out4[20] = { 0x45, [12] = 192, 0, 2, 1, 192, 0, 2, 2 };
	static const uint8_t in4[20] = { 0x45, [12] = 192, 0, 2, 2, 192, 0, 2, 1 };
	static const uint8_t out6[40] = { 0x60, [8] = 0x20, 0x01, 0x0d, 0xb8, [23] = 1 };
	static const uint8_t in6[40] = { 0x60, [8] = 0x20, 0x01, 0x0d, 0xb8, [23] = 2 };
	static const uint8_t version5[40] = { 0x50 };

	CHECK_EQ(side(&own, LINK_RAW, out4, sizeof(out4)), SIDE_egress);
	CHECK_EQ(side(&own, LINK_IPV4, in4, sizeof(in4)), SIDE_ingress);
	CHECK_EQ(side(&own, LINK_RAW, out6, sizeof(out6)), SIDE_egress);
	CHECK_EQ(side(&own, LINK_IPV6, in6, sizeof(in6)), SIDE_ingress);
	CHECK_EQ(side(&own, LINK_RAW, version5, sizeof(version5)), SIDE_unknown);
	CHECK_EQ(side(&own, LINK_RAW, out4, 15), SIDE_unknown); /* source cut off */
	CHECK_EQ(side(&own, LINK_RAW, out6, 23), SIDE_unknown);
	CHECK_EQ(side(&own, LINK_RAW, out4, 0), SIDE_unknown);
	CHECK_EQ(side(&own, LINK_LINUX_SLL, out4, sizeof(out4)), SIDE_unknown);
}

TEST(addresses_of_this_host_are_read)
{
	static const uint8_t from_loopback[20] = { 0x45, [12] = 127, 0, 0, 1, 127, 0, 0, 1 };
	static const uint8_t from_elsewhere[20] = { 0x45, [12] = 203, 0, 113, 77 };
	struct capture_side_addresses addresses = { .ip_count = 0 };

	CHECK_EQ(capture_side_read(&addresses, "lo"), 0);
	CHECK_EQ(capture_side_read(&addresses, "lo"), 0); /* again, without a leak */
	if (addresses.ip_count) {                         /* lo is up */
		CHECK(addresses.is_loopback);
		CHECK_EQ(side(&addresses, LINK_RAW, from_loopback, 20), SIDE_egress);
	}
	CHECK_EQ(side(&addresses, LINK_RAW, from_elsewhere, 20), SIDE_ingress);
	capture_side_clear(&addresses);
	CHECK_EQ(addresses.ip_count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ethernet_by_the_mac_address_of_the_interface),
		cmocka_unit_test(raw_ip_by_the_addresses_of_the_host),
		cmocka_unit_test(addresses_of_this_host_are_read),
	};

	return RUN_TESTS(tests);
}
