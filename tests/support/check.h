/* check.h - cmocka with the two words that unit tests use: TEST(name) and CHECK_EQ(a, b). */
#ifndef CHECK_H
#define CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TEST(name)                          static void name(void **state __attribute__((unused)))
#define CHECK(condition)                    assert_true(condition)
#define CHECK_EQ(actual, expected)          assert_int_equal((long long)(actual), (long long)(expected))
#define CHECK_BYTES(actual, expected, size) assert_memory_equal(actual, expected, size)
#define CHECK_TEXT(actual, expected)        assert_string_equal(actual, expected)

/* tests/cross: qemu runs this program of another machine. */
static inline bool is_emulated(void)
{
	return getenv("FLOWAGENT_EMULATED") != NULL;
}

/* And that has another byte order: qemu hands netlink attributes and control messages on as they
 * are. */
static inline bool is_byte_order_emulated(void)
{
	return is_emulated() && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
}

#define RUN_TESTS(tests) cmocka_run_group_tests(tests, NULL, NULL)

#endif
