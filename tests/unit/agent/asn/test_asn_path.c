/* test_asn_path.c - origins out of literal path attributes. */
#include "asn_path.h"

#include "check.h"

#define FOUND(as_size, expected, ...)                                             \
	do {                                                                      \
		static const uint8_t bytes[] = { __VA_ARGS__ };                   \
		uint32_t origin = 0;                                              \
		CHECK_EQ(asn_path_origin(bytes, sizeof(bytes), as_size, &origin), \
			 ASN_ORIGIN_found);                                       \
		CHECK_EQ(origin, expected);                                       \
	} while (0)

#define NOT_FOUND(as_size, status, ...)                                                    \
	do {                                                                               \
		static const uint8_t bytes[] = { __VA_ARGS__ };                            \
		uint32_t origin = 0;                                                       \
		CHECK_EQ(asn_path_origin(bytes, sizeof(bytes), as_size, &origin), status); \
	} while (0)

/* Attributes: flags, type, length. Segments: type, count. */
#define ORIGIN_IGP 0x40, 1, 1, 0
#define NEXT_HOP   0x40, 3, 4, 192, 0, 2, 1

TEST(the_last_as_of_a_sequence)
{
	FOUND(2, 3, ORIGIN_IGP, 0x40, 2, 8, 2, 3, 0, 1, 0, 2, 0, 3, NEXT_HOP);
	FOUND(4, 0x10003, 0x40, 2, 10, 2, 2, 0, 0, 0, 1, 0, 1, 0, 3);
	/* prepended three times */
	FOUND(2, 9, 0x40, 2, 10, 2, 4, 0, 1, 0, 9, 0, 9, 0, 9);
	/* a long path: two sequences */
	FOUND(2, 5, 0x40, 2, 10, 2, 2, 0, 1, 0, 2, 2, 1, 0, 5);
	/* a length of two bytes */
	FOUND(2, 7, 0x50, 2, 0, 4, 2, 1, 0, 7);
	/* a sequence of none says nothing */
	FOUND(2, 7, 0x40, 2, 6, 2, 1, 0, 7, 2, 0);
}

TEST(a_set_of_one_is_an_origin)
{
	FOUND(2, 4, 0x40, 2, 8, 2, 1, 0, 1, 1, 1, 0, 4);
	FOUND(2, 4, 0x40, 2, 10, 2, 1, 0, 1, 1, 2, 0, 4, 0, 4);
	NOT_FOUND(2, ASN_ORIGIN_set, 0x40, 2, 10, 2, 1, 0, 1, 1, 2, 0, 4, 0, 5);
	/* aggregated on the way, and passed on */
	FOUND(2, 6, 0x40, 2, 10, 1, 2, 0, 4, 0, 5, 2, 1, 0, 6);
}

TEST(confederations_do_not_count)
{
	FOUND(2, 2, 0x40, 2, 12, 3, 1, 0xff, 0, 2, 2, 0, 1, 0, 2, 3, 0);
	FOUND(2, 2, 0x40, 2, 12, 2, 1, 0, 2, 3, 1, 0xff, 1, 4, 1, 0xff, 2);
	NOT_FOUND(2, ASN_ORIGIN_no_path, 0x40, 2, 4, 3, 1, 0xff, 0);
}

static struct asn_path path_of(const uint8_t *path, size_t size, const uint8_t *path4, size_t size4)
{
	return asn_path_read(reader_of(path, size), 2, reader_of(path4, size4));
}

TEST(the_neighbour_is_the_first_as)
{
	static const uint8_t plain[] = { 2, 3, 0, 1, 0, 2, 0, 3, 1, 2, 0, 3, 0, 3 };
	static const uint8_t set_first[] = { 1, 2, 0, 1, 0, 2, 2, 1, 0, 3 };
	static const uint8_t confederation[] = { 3, 1, 0xff, 0, 2, 2, 0, 7, 0, 8 };
	static const uint8_t trans[] = { 2, 2, 0x5b, 0xa0, 0x5b, 0xa0 };
	static const uint8_t all4[] = { 2, 2, 0, 1, 0, 1, 0, 1, 0, 2 };
	static const uint8_t last4[] = { 2, 1, 0, 1, 0, 2 };
	struct asn_path path = path_of(plain, sizeof(plain), NULL, 0);

	CHECK_EQ(path.neighbour, 1);
	CHECK_EQ(path.origin, 3);
	CHECK_EQ(path.length, 4);
	CHECK_EQ(path_of(set_first, sizeof(set_first), NULL, 0).neighbour, 0);
	CHECK_EQ(path_of(confederation, sizeof(confederation), NULL, 0).neighbour, 7);
	path = path_of(trans, sizeof(trans), all4, sizeof(all4));
	CHECK_EQ(path.neighbour, 0x10001);
	CHECK_EQ(path.origin, 0x10002);
	path = path_of(trans, sizeof(trans), last4, sizeof(last4));
	CHECK_EQ(path.neighbour, 0);
	CHECK_EQ(path.origin, 0x10002);
}

TEST(no_path)
{
	uint32_t unchanged;

	CHECK_EQ(asn_path_origin(NULL, 0, 4, &unchanged), ASN_ORIGIN_no_path);
	NOT_FOUND(4, ASN_ORIGIN_no_path, ORIGIN_IGP, NEXT_HOP);
	NOT_FOUND(4, ASN_ORIGIN_no_path, 0x40, 2, 0);
	/* AS4_PATH alone is longer than no path */
	NOT_FOUND(2, ASN_ORIGIN_no_path, 0xc0, 17, 6, 2, 1, 0, 1, 0, 1);
}

/* RFC 6793 section 4.2.3 */
TEST(as4_path_is_the_end)
{
	/* 1 23456 with AS4_PATH 65537 */
	FOUND(2, 65537, 0x40, 2, 6, 2, 2, 0, 1, 0x5b, 0xa0, 0xc0, 17, 6, 2, 1, 0, 1, 0, 1);
	/* longer than AS_PATH: ignored */
	FOUND(2, 1, 0x40, 2, 4, 2, 1, 0, 1, 0xc0, 17, 10, 2, 2, 0, 1, 0, 1, 0, 1, 0, 2);
	/* a set is one long */
	FOUND(2, 65538, 0x40, 2, 8, 2, 1, 0, 1, 1, 1, 0x5b, 0xa0, 0xc0, 17, 12, 2, 1, 0, 0, 0, 1, 1,
	      1, 0, 1, 0, 2);
	/* confederations do not make AS_PATH longer */
	NOT_FOUND(2, ASN_ORIGIN_trans, 0x40, 2, 8, 3, 1, 0, 9, 2, 1, 0x5b, 0xa0, 0xc0, 17, 10, 2, 2,
		  0, 1, 0, 1, 0, 1, 0, 2);
	NOT_FOUND(2, ASN_ORIGIN_trans, 0x40, 2, 4, 2, 1, 0x5b, 0xa0);
	NOT_FOUND(4, ASN_ORIGIN_trans, 0x40, 2, 6, 2, 1, 0, 0, 0x5b, 0xa0);
}

/* Both forms of MP_REACH_NLRI are passed over by their length. */
TEST(attribute_14_in_both_forms)
{
	FOUND(4, 8, 0x80, 14, 17, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x40,
	      2, 6, 2, 1, 0, 0, 0, 8);
	FOUND(4, 8, 0x90, 14, 0, 22, 0, 2, 1, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	      0, 1, 0, 0, 0x40, 2, 6, 2, 1, 0, 0, 0, 8);
}

TEST(damaged_attributes)
{
	NOT_FOUND(4, ASN_ORIGIN_damaged, 0x40);
	NOT_FOUND(4, ASN_ORIGIN_damaged, 0x40, 2);
	NOT_FOUND(4, ASN_ORIGIN_damaged, 0x50, 2, 0);
	NOT_FOUND(4, ASN_ORIGIN_damaged, 0x40, 2, 7, 2, 1, 0, 0, 0, 8);
	/* the attribute is whole, the segment is not */
	NOT_FOUND(4, ASN_ORIGIN_damaged, 0x40, 2, 6, 2, 2, 0, 0, 0, 8);
	NOT_FOUND(4, ASN_ORIGIN_damaged, 0x40, 2, 1, 2);
	NOT_FOUND(4, ASN_ORIGIN_damaged, 0x40, 2, 6, 5, 1, 0, 0, 0, 8);
	NOT_FOUND(2, ASN_ORIGIN_damaged, 0x40, 2, 4, 2, 1, 0x5b, 0xa0, 0xc0, 17, 3, 2, 1, 0);
	/* what follows the path is looked at, too */
	NOT_FOUND(2, ASN_ORIGIN_damaged, 0x40, 2, 4, 2, 1, 0, 7, 0x40, 3, 4, 192, 0, 2);
	/* the flag says two bytes of length, and there is one */
	NOT_FOUND(2, ASN_ORIGIN_damaged, 0x50, 2, 4, 2, 1, 0, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_as_of_a_sequence),
		cmocka_unit_test(a_set_of_one_is_an_origin),
		cmocka_unit_test(confederations_do_not_count),
		cmocka_unit_test(the_neighbour_is_the_first_as),
		cmocka_unit_test(no_path),
		cmocka_unit_test(as4_path_is_the_end),
		cmocka_unit_test(attribute_14_in_both_forms),
		cmocka_unit_test(damaged_attributes),
	};

	return RUN_TESTS(tests);
}
