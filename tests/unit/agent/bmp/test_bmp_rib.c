/* test_bmp_rib.c - the RIB against a plain array under seeded random calls; its bounds. */
#include "bmp_rib.h"

#include "check.h"

#include <errno.h>

enum { SOURCES = 5, PREFIXES = 12, PATHS = 2, CALLS = 60000 };

/* What the plain array knows: origin, 0 is no route; and whether it is stale. */
static struct {
	uint32_t origin;
	bool is_stale;
} model[SOURCES][PREFIXES][PATHS];

static uint64_t seed = 88172645463325252u;

static uint32_t draw(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 33) % limit;
}

static enum bgp_family family_of(uint32_t number)
{
	return number % 2 ? BGP_FAMILY_ipv6 : BGP_FAMILY_ipv4;
}

static struct prefix prefix_of(uint32_t number)
{
	return (struct prefix){ .ip_version = number % 2 ? 6 : 4,
				.length = 24,
				.address = { 10, (uint8_t)number } };
}

static void forget(uint32_t source, enum bgp_family family, bool stale_only)
{
	for (uint32_t prefix = 0; prefix < PREFIXES; prefix++)
		for (uint32_t path = 0; path < PATHS; path++)
			if (family_of(prefix) == family &&
			    (!stale_only || model[source][prefix][path].is_stale))
				model[source][prefix][path].origin = 0;
}

static void announce(struct bmp_rib *rib, uint16_t *sources)
{
	const uint32_t source = draw(SOURCES), number = draw(PREFIXES), path = draw(PATHS);
	const struct bmp_attributes attributes = { .origin = 1 + draw(40) };
	const struct prefix prefix = prefix_of(number);

	CHECK_EQ(bmp_rib_announce(rib, sources[source], &prefix, path, &attributes), 0);
	model[source][number][path].origin = attributes.origin;
	model[source][number][path].is_stale = false;
}

static void withdraw(struct bmp_rib *rib, uint16_t *sources)
{
	const uint32_t source = draw(SOURCES), number = draw(PREFIXES), path = draw(PATHS);
	const struct prefix prefix = prefix_of(number);

	CHECK_EQ(bmp_rib_withdraw(rib, sources[source], &prefix, path),
		 model[source][number][path].origin != 0);
	model[source][number][path].origin = 0;
}

static void change_source(struct bmp_rib *rib, uint16_t *sources)
{
	const uint32_t source = draw(SOURCES);
	const enum bgp_family family = family_of(draw(2));

	switch (draw(4)) {
	case 0:
		bmp_rib_source_remove(rib, sources[source]);
		sources[source] = bmp_rib_source_add(rib);
		CHECK(sources[source] != BMP_NO_SOURCE);
		forget(source, BGP_FAMILY_ipv4, false);
		forget(source, BGP_FAMILY_ipv6, false);
		break;
	case 1:
		bmp_rib_drop_stale(rib, sources[source], family);
		forget(source, family, true);
		break;
	default:
		bmp_rib_make_stale(rib, sources[source]);
		for (uint32_t prefix = 0; prefix < PREFIXES; prefix++)
			for (uint32_t path = 0; path < PATHS; path++)
				model[source][prefix][path].is_stale = true;
		break;
	}
}

struct visit {
	const uint16_t *sources;
	size_t routes;
};

static int check_prefix(void *context, const struct prefix *prefix, const struct bmp_route *routes,
			size_t count)
{
	struct visit *visit = context;

	for (size_t i = 0; i < count; i++) {
		uint32_t source = 0;
		bool is_found = false;

		while (visit->sources[source] != routes[i].source)
			source++;
		for (uint32_t path = 0; path < PATHS; path++)
			is_found |= model[source][prefix->address[1]][path].origin ==
				    routes[i].attributes->origin;
		CHECK(is_found);
	}
	visit->routes += count;
	return 0;
}

static void check_all(struct bmp_rib *rib, const uint16_t *sources)
{
	struct visit visit = { .sources = sources };
	size_t expected = 0;

	for (uint32_t source = 0; source < SOURCES; source++) {
		size_t counts[BGP_FAMILY_COUNT] = { 0 }, stale[BGP_FAMILY_COUNT] = { 0 };

		for (uint32_t prefix = 0; prefix < PREFIXES; prefix++)
			for (uint32_t path = 0; path < PATHS; path++)
				if (model[source][prefix][path].origin) {
					counts[family_of(prefix)]++;
					stale[family_of(prefix)] +=
						model[source][prefix][path].is_stale;
				}
		for (int family = 0; family < BGP_FAMILY_COUNT; family++) {
			CHECK_EQ(bmp_rib_routes(rib, sources[source], family), counts[family]);
			CHECK_EQ(bmp_rib_stale_routes(rib, sources[source], family), stale[family]);
			expected += counts[family];
		}
	}
	CHECK_EQ(bmp_rib_each(rib, check_prefix, &visit), 0);
	CHECK_EQ(visit.routes, expected);
}

TEST(it_knows_what_a_plain_array_knows)
{
	struct bmp_rib *rib = bmp_rib_create(1000);
	uint16_t sources[SOURCES];

	for (uint32_t i = 0; i < SOURCES; i++)
		sources[i] = bmp_rib_source_add(rib);
	for (uint32_t i = 0; i < CALLS; i++) {
		const uint32_t kind = draw(100);

		if (kind < 60)
			announce(rib, sources);
		else if (kind < 85)
			withdraw(rib, sources);
		else if (kind < 95)
			change_source(rib, sources);
		else if (kind < 97)
			bmp_rib_sweep(rib);
		else
			check_all(rib, sources);
	}
	bmp_rib_destroy(rib);
}

TEST(generations_wrap)
{
	struct bmp_rib *rib = bmp_rib_create(1000);
	const uint16_t source = bmp_rib_source_add(rib);
	const struct prefix kept = prefix_of(0), dropped = prefix_of(2);
	const struct bmp_attributes attributes = { .origin = 7 };

	CHECK_EQ(bmp_rib_announce(rib, source, &dropped, 0, &attributes), 0);
	bmp_rib_make_stale(rib, source);
	bmp_rib_drop_stale(rib, source, BGP_FAMILY_ipv4);
	for (uint32_t i = 0; i < 200000; i++) {
		CHECK_EQ(bmp_rib_announce(rib, source, &kept, 0, &attributes), 0);
		bmp_rib_make_stale(rib, source);
		CHECK_EQ(bmp_rib_routes(rib, source, BGP_FAMILY_ipv4), 1);
	}
	bmp_rib_drop_stale(rib, source, BGP_FAMILY_ipv4);
	CHECK_EQ(bmp_rib_routes(rib, source, BGP_FAMILY_ipv4), 0);
	CHECK(!bmp_rib_withdraw(rib, source, &dropped, 0));
	bmp_rib_destroy(rib);
}

static int announce_number(struct bmp_rib *rib, uint16_t source, uint32_t number)
{
	const struct bmp_attributes attributes = { .origin = number, .path_length = number };
	struct prefix prefix = { .ip_version = 4, .length = 32 };

	memcpy(prefix.address, &number, sizeof(number));
	return bmp_rib_announce(rib, source, &prefix, 0, &attributes);
}

TEST(routes_are_bounded)
{
	struct bmp_rib *rib = bmp_rib_create(1000);
	uint16_t source = bmp_rib_source_add(rib);

	for (uint32_t i = 1; i <= 1000; i++)
		CHECK_EQ(announce_number(rib, source, i), 0);
	CHECK_EQ(announce_number(rib, source, 1001), -ENOSPC);
	CHECK_EQ(announce_number(rib, source, 1000), 0);
	CHECK_EQ(bmp_rib_routes(rib, source, BGP_FAMILY_ipv4), 1000);
	/* what is dropped makes room at once */
	bmp_rib_source_remove(rib, source);
	source = bmp_rib_source_add(rib);
	for (uint32_t i = 1; i <= 1000; i++)
		CHECK_EQ(announce_number(rib, source, 5000 + i), 0);
	bmp_rib_destroy(rib);
}

/* Prefixes and attributes that come and go: the pools are made anew. Under a leak it would end. */
TEST(what_came_and_went_is_forgotten)
{
	struct bmp_rib *rib = bmp_rib_create(1000);
	const uint16_t source = bmp_rib_source_add(rib);

	for (uint32_t i = 1; i <= 600000; i++) {
		struct prefix prefix = { .ip_version = 4, .length = 32 };

		memcpy(prefix.address, &i, sizeof(i));
		CHECK_EQ(announce_number(rib, source, i), 0);
		if (i % 1000)
			CHECK(bmp_rib_withdraw(rib, source, &prefix, 0));
		else
			bmp_rib_make_stale(rib, source);
		if (i % 100000 == 0)
			bmp_rib_drop_stale(rib, source, BGP_FAMILY_ipv4);
	}
	CHECK_EQ(bmp_rib_routes(rib, source, BGP_FAMILY_ipv4), 0);
	CHECK_EQ(announce_number(rib, source, 1), 0);
	CHECK_EQ(bmp_rib_routes(rib, source, BGP_FAMILY_ipv4), 1);
	bmp_rib_destroy(rib);
}

TEST(sources_are_bounded)
{
	struct bmp_rib *rib = bmp_rib_create(1000);

	for (uint32_t i = 0; i < BMP_SOURCES_MAX; i++)
		CHECK(bmp_rib_source_add(rib) != BMP_NO_SOURCE);
	CHECK_EQ(bmp_rib_source_add(rib), BMP_NO_SOURCE);
	bmp_rib_source_remove(rib, 77);
	CHECK_EQ(bmp_rib_source_add(rib), 77);
	bmp_rib_destroy(rib);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_knows_what_a_plain_array_knows),
		cmocka_unit_test(generations_wrap),
		cmocka_unit_test(routes_are_bounded),
		cmocka_unit_test(what_came_and_went_is_forgotten),
		cmocka_unit_test(sources_are_bounded),
	};

	return RUN_TESTS(tests);
}
