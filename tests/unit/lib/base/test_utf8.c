/* test_utf8.c - which bytes are characters. */
#include "check.h"
#include "utf8.h"

#include <string.h>

static size_t size_of(const char *text)
{
	return utf8_character_size((const uint8_t *)text, strlen(text));
}

TEST(characters_of_one_to_four_bytes)
{
	CHECK_EQ(utf8_character_size((const uint8_t *)"", 1), 1); /* NUL */
	CHECK_EQ(size_of("~a"), 1);
	CHECK_EQ(size_of("\xc2\x80"), 2);
	CHECK_EQ(size_of("\xed\x9f\xbf"), 3);
	CHECK_EQ(size_of("\xef\xbf\xbd"), 3);
	CHECK_EQ(size_of("\xf0\x90\x80\x80"), 4);
	CHECK_EQ(size_of("\xf4\x8f\xbf\xbf"), 4);
}

TEST(bytes_that_are_no_character)
{
	static const char *const wrong[] = {
		"\x80",             /* a second byte without a first */
		"\xc1\xbf",         /* overlong */
		"\xe0\x9f\xbf",     /* overlong */
		"\xf0\x8f\xbf\xbf", /* overlong */
		"\xed\xa0\x80",     /* half of a surrogate pair */
		"\xf4\x90\x80\x80", /* beyond U+10FFFF */
		"\xf5\x80\x80\x80",
		"\xff",
		"\xe2\x82", /* cut off */
		"\xe2(\x80",
		"\xe2\x82(",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK_EQ(size_of(wrong[i]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_of_one_to_four_bytes),
		cmocka_unit_test(bytes_that_are_no_character),
	};

	return RUN_TESTS(tests);
}
