/* test_capture_sources.c - the list of packet sources: each row's type says all that the
 * configuration and the worker ask. */
#include "check.h"

#include "capture_sources.h"

#include <errno.h>
#include <stdlib.h>

static const struct {
	const char *option;
	const struct capture_type *type;
	const char *flags;
} rows[] = {
#define CAPTURE_SOURCE(option, type, name, letter, argument, completion, unit, minimum, maximum, \
		       flags, reload, help)                                                      \
	{ name, &capture_##type, #flags },
#include "capture_sources.def"
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

TEST(every_type_says_what_the_configuration_asks)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const struct capture_type *type = rows[i].type;

		CHECK(type->noun && type->prefix && type->parse && type->open);
		/* capture_source.c waits for live sources and no others. Each may repeat. */
		CHECK_EQ(type->is_live, (type->keys & CAPTURE_KEY_WAIT) != 0);
		CHECK(strstr(rows[i].flags, "LIST") != NULL);
		for (size_t other = 0; other < i; other++)
			CHECK(!type->section || !rows[other].type->section ||
			      strcmp(type->prefix, rows[other].type->prefix) != 0);
	}
}

static void check_parse(const struct capture_type *type, const char *text, size_t index,
			const char *name)
{
	struct source_config source = { .type = type };
	struct error_text error;

	CHECK_EQ(type->parse(text, index, &source, &error), name != NULL);
	if (name)
		CHECK_TEXT(source.name, name);
	free(source.name);
}

TEST(a_text_stands_for_the_sources_it_names)
{
	check_parse(&capture_nflog, "40", 0, "nflog:40");
	check_parse(&capture_nflog, "40", 1, NULL);
	check_parse(&capture_nflog, "65532-65535", 3, "nflog:65535");
	check_parse(&capture_nflog, "65532-65535", 4, NULL);
	check_parse(&capture_interface, "eth0", 0, "eth0");
	check_parse(&capture_interface, "eth0", 1, NULL);
	check_parse(&capture_bpf, "eth0", 0, "bpf:eth0");
	check_parse(&capture_bpf, "eth0", 1, NULL);
	check_parse(&capture_file, "a,b.pcap", 0, "a,b.pcap");
	check_parse(&capture_file, "a,b.pcap", 1, NULL);
}

TEST(only_interfaces_are_promiscuous)
{
	char any[] = "any", eth0[] = "eth0", group[] = "nflog:40";
	struct source_config source = { .name = any, .promiscuous = SOURCE_SWITCH_on };
	struct error_text error;

	CHECK_EQ(capture_interface.check(&source, &error), -EINVAL);
	source.name = eth0;
	CHECK_EQ(capture_interface.check(&source, &error), 0);
	source.name = group;
	CHECK_EQ(capture_nflog.check(&source, &error), -EINVAL);
	source.promiscuous = SOURCE_SWITCH_off;
	CHECK_EQ(capture_nflog.check(&source, &error), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_says_what_the_configuration_asks),
		cmocka_unit_test(a_text_stands_for_the_sources_it_names),
		cmocka_unit_test(only_interfaces_are_promiscuous),
	};

	return RUN_TESTS(tests);
}
