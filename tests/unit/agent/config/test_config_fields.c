/* test_config_fields.c - which fields a collector's records have: fields=. */
#include "configured.h"

#include "config_options.h"

/* Blanks and commas become +, so that it may stand after a comma again. */
TEST(fields_in_a_section)
{
	static const char file[] =
		"[agent]\n"
		"collector = h1,fields=\"1,2, 8\"\n"
		"[collector \"a\"]\n"
		"address = h2\n"
		"fields =  default  -tcpControlBits+ipVersion - 58,7 , 11 ; why\n"
		"[collector \"b\"]\n"
		"address = h3\n"
		"fields = - vlanId\n";
	struct error_text error;
	struct config config;

	CHECK_EQ(parse_bytes(&config, file, strlen(file), &error), 0);
	CHECK_TEXT(config.collectors[0].fields, "1+2+8");
	CHECK_TEXT(config.collectors[1].fields, "default-tcpControlBits+ipVersion-58+7+11");
	CHECK_TEXT(config.collectors[2].fields, "-vlanId");
	for (size_t i = 0; i < 3; i++) {
		const struct config_collector *collector = &config.collectors[i];
		struct template_fields again;

		CHECK_EQ(template_fields_parse(collector->fields, &again, &error), 0);
		CHECK_EQ(again.base, collector->field_set.base);
		CHECK_EQ(again.added, collector->field_set.added);
		CHECK_EQ(again.removed, collector->field_set.removed);
	}
	config_clear(&config);
	check_file_error("[collector \"x\"]\naddress = h\nfields = 1 2 vlanI\n",
			 "f.conf:3: fields: value \"1 2 vlanI\": unknown field \"vlanI\" (did you "
			 "mean \"vlanId\"?)");
}

TEST(fields_of_a_collector)
{
	struct error_text error;
	struct config config;

	CHECK_EQ(parse(&config, "-n h -n i,fields=-vlanId+60 -n j,fields=1+2+8,version=10", &error),
		 CONFIG_run);
	CHECK(!config.collectors[0].fields);
	CHECK(template_fields_is_default(&config.collectors[0].field_set));
	CHECK_TEXT(config.collectors[1].fields, "-vlanId+60");
	CHECK_EQ(config.collectors[1].field_set.base, TEMPLATE_BASE_default);
	CHECK_EQ(config.collectors[2].field_set.base, TEMPLATE_BASE_none);
	check_value(&config, "collector",
		    "h:2055,version=9,transport=udp "
		    "i:2055,version=9,transport=udp,fields=-vlanId+60 "
		    "j:4739,version=10,transport=udp,fields=1+2+8",
		    "command line");
	config_clear(&config);
	check_error("-n h,fields=vlanI", CONFIG_invalid,
		    "--collector \"h,fields=vlanI\": fields: unknown field \"vlanI\" (did you mean "
		    "\"vlanId\"?)");
	check_error("-n h,uptime=on,version=10", CONFIG_invalid,
		    "collector h:4739: uptime=on is for NetFlow v9, not for version=10");
	check_error("-n h,fields=-vlanId,version=5", CONFIG_invalid,
		    "collector h:2055: records of NetFlow v5 always have the same fields");
	check_error("-n h,fields=1", CONFIG_invalid,
		    "collector h:2055: fields: packetDeltaCount is missing: collectors would not "
		    "count these flows");
	/* The flow key may come later. */
	check_error("-n h,fields=1+2+7 --flow-key addresses", CONFIG_invalid,
		    "collector h:2055: fields: sourceTransportPort is of a part that the flow key "
		    "leaves out");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_in_a_section),
		cmocka_unit_test(fields_of_a_collector),
	};

	return RUN_TESTS(tests);
}
