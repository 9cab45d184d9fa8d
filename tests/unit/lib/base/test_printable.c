/* test_printable.c - what reaches log and terminal can do nothing there. */
#include "printable.h"

#include "check.h"

static void expect(const char *text, const char *expected)
{
	char copy[100];

	strcpy(copy, text);
	printable_make(copy);
	CHECK_TEXT(copy, expected);
}

TEST(letters_of_any_language_stay)
{
	expect("eth0 \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
	       "eth0 \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	expect("", "");
	expect("\xc2\xa0", "\xc2\xa0"); /* the first after C1 */
}

TEST(commands_to_the_terminal_go)
{
	expect("a\033[2Jb\n\x7f", "a?[2Jb??");
	expect("a\xc2\x9b"
	       "2Jb",
	       "a??2Jb");                   /* C1: CSI */
	expect("\xc2\x80\xc2\x9f", "????"); /* C1: first, last */
	expect("\x9b"
	       "2J",
	       "?2J"); /* a terminal of Latin-1 takes the byte alone */
	expect("\xe2\x80\xae"
	       "cba",
	       "???cba"); /* right-to-left override */
	expect("a\xe2\x80\xa8"
	       "b",
	       "a???b"); /* line separator */
}

TEST(what_is_no_text_goes)
{
	expect("\xff\xc3", "??");
	expect("a\xe2\x82", "a??"); /* cut off */
	expect("\xc0\x8a", "??");   /* a line break, written too long */
	expect("\xed\xa0\x80", "???");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_of_any_language_stay),
		cmocka_unit_test(commands_to_the_terminal_go),
		cmocka_unit_test(what_is_no_text_goes),
	};

	return RUN_TESTS(tests);
}
