/* test_listener.c - what real exporters send, and what may be wrong with it.
 *
 * The recordings of tests/fuzz/corpus/fuzz_listen are of 58 packets and 32,792 bytes in 18 flows, 2
 * of them IPv6; each datagram stands after its length. */
#include "check.h"
#include "listen_elements.h"
#include "listener.h"

#include <stdio.h>

#define NOW          1700000000000 /* of the messages made here */
#define RECORDS_SIZE 8192

/* What came out. */
struct heard {
	uint64_t flows, options, packets, bytes;
	uint32_t sampling; /* of the last flow */
	struct listen_record last;
	char text[LISTEN_TEXT_SIZE]; /* of the last finding */
	unsigned int printed[LISTEN_FINDING_COUNT];
};

static struct heard heard;
static struct listener *listener;
static const struct listen_source exporter = { .ip_version = 4,
					       .port = 40000,
					       .address = { 192, 0, 2, 1 } };

static uint64_t number_of(const struct listen_record *record, uint16_t element)
{
	const struct listen_field *field = listen_field_find(record, element);

	return field ? listen_field_number(field) : 0;
}

static void on_record(void *context, const struct listen_stream *stream,
		      const struct listen_header *header, const struct listen_record *record,
		      uint32_t sampling)
{
	(void)context;
	(void)stream;
	(void)header;
	if (record->is_options) {
		heard.options++;
		return;
	}
	heard.flows++;
	heard.packets += number_of(record, 2);
	heard.bytes += number_of(record, 1);
	heard.sampling = sampling;
	heard.last = *record;
}

static void on_finding(void *context, const struct listen_stream *stream,
		       enum listen_finding finding, const char *text)
{
	(void)context;
	(void)stream;
	heard.printed[finding]++;
	(void)snprintf(heard.text, sizeof(heard.text), "%s", text);
}

static int begin(void **state)
{
	static const struct listen_sink sink = { NULL, on_record, on_finding };

	(void)state;
	memset(&heard, 0, sizeof(heard));
	listener = listener_create(&sink);
	return listener ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	listener_destroy(listener);
	return 0;
}

static void again(void)
{
	(void)end(NULL);
	(void)begin(NULL);
}

/* Give bytes in a block of exactly their size. */
static void take_from(const struct listen_source *source, const uint8_t *bytes, size_t size)
{
	uint8_t *block = malloc(size ? size : 1);

	assert_non_null(block);
	memcpy(block, bytes, size);
	listener_take(listener, source, block, size, NOW);
	free(block);
}

/* Bytes as a text of hexadecimal digits and blanks. */
static size_t bytes_of(const char *text, uint8_t *bytes)
{
	size_t size = 0;

	while (*text) {
		char digits[3] = { text[0], text[0] ? text[1] : '\0', '\0' };

		if (*text == ' ') {
			text++;
			continue;
		}
		bytes[size++] = (uint8_t)strtoul(digits, NULL, 16);
		text += 2;
	}
	return size;
}

static void take(const char *text)
{
	uint8_t bytes[RECORDS_SIZE];

	take_from(&exporter, bytes, bytes_of(text, bytes));
}

static uint64_t faults(void)
{
	uint64_t count = 0;

	for (size_t i = 0; i < LISTEN_FINDING_COUNT; i++)
		if (listen_finding_is_fault((enum listen_finding)i))
			count += listener_found(listener, (enum listen_finding)i);
	return count;
}

/* Give the datagrams of a recording, each cut to at most 'most' bytes. */
static void play(const char *name, size_t most)
{
	char path[512];
	uint8_t bytes[RECORDS_SIZE];
	size_t size, at = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), SOURCE_DIRECTORY "/tests/fuzz/corpus/fuzz_listen/%s",
		       name);
	file = fopen(path, "rb");
	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	(void)fclose(file);
	while (at + 2 < size) {
		const size_t length = (size_t)bytes[at] << 8 | bytes[at + 1];

		take_from(&exporter, bytes + at + 2, length < most ? length : most);
		at += 2 + length;
	}
}

TEST(recordings_are_read_whole)
{
	static const struct {
		const char *name;
		uint64_t flows, packets, bytes;
	} rows[] = {
		{ "softflowd_5", 16, 52, 27032 },      { "softflowd_9", 18, 58, 32792 },
		{ "softflowd_10", 18, 58, 32792 },     { "nfprobe_5", 16, 52, 27032 },
		{ "nfprobe_9", 18, 58, 32792 },        { "nfprobe_10", 18, 58, 32792 },
		{ "flowagent_5", 16, 52, 27032 },      { "flowagent_9", 18, 58, 32792 },
		{ "flowagent_uptime", 18, 58, 32792 }, { "flowagent_10", 18, 58, 32792 },
		{ "softflowd_1", 16, 52, 27032 },      { "flowagent_1", 16, 52, 27032 },
		{ "flowagent_7", 16, 52, 27032 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		again();
		play(rows[i].name, SIZE_MAX);
		if (heard.flows != rows[i].flows || heard.packets != rows[i].packets ||
		    heard.bytes != rows[i].bytes || faults() > 0)
			fail_msg("%s: %llu flows, %llu packets, %llu bytes, %llu faults, last: %s",
				 rows[i].name, (unsigned long long)heard.flows,
				 (unsigned long long)heard.packets, (unsigned long long)heard.bytes,
				 (unsigned long long)faults(), heard.text);
		CHECK_EQ(listener_stream(listener, 0)->missing, 0);
	}
}

TEST(biflow_has_reverse_fields)
{
	char name[LISTEN_NAME_SIZE];

	play("flowagent_biflow", SIZE_MAX);
	CHECK_EQ(heard.flows, 9);
	CHECK_EQ(faults(), 0);
	CHECK_EQ(listen_element_name(29305, 1, name), LISTEN_UNSIGNED);
	CHECK_TEXT(name, "reverseOctetDeltaCount");
}

/* Only the count of a v9 header tells of a cut between two sets. */
TEST(cut_datagrams_are_noticed_and_harmless)
{
	static const char *const names[] = { "softflowd_1",  "softflowd_5",      "softflowd_9",
					     "softflowd_10", "flowagent_biflow", "flowagent_7" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t most = 0; most < 784; most += 1 + most / 64) {
			again();
			play(names[i], most);
			CHECK(heard.flows < 18);
			CHECK(faults() > 0 || listener_found(listener, LISTEN_count_differs) > 0);
		}
	}
}

/* NetFlow v9, source id 7. The template 256 has octets (1) and packets (2), 4 bytes each. */
#define V9(count, uptime, seconds, sequence) "0009 " count uptime seconds sequence " 00000007 "
#define V9_NOW(count, sequence)              V9(count, " 000f4240", " 6553f100 ", sequence)
#define TEMPLATE                             "0000 0010 0100 0002 0001 0004 0002 0004 "
#define DATA                                 "0100 000c 00000064 00000003 "

TEST(sequence_of_v9_counts_datagrams)
{
	take(V9_NOW("0002", "00000005") TEMPLATE DATA);
	take(V9_NOW("0001", "00000006") DATA);
	CHECK_EQ(faults(), 0);
	CHECK_EQ(heard.packets, 6);
	take(V9_NOW("0001", "0000000a") DATA);
	CHECK_EQ(listener_found(listener, LISTEN_sequence_gap), 1);
	CHECK_TEXT(heard.text, "sequence 10 instead of 7: 3 datagrams are missing");
	CHECK_EQ(listener_stream(listener, 0)->missing, 3);
	take(V9_NOW("0001", "00000008") DATA);
	CHECK_EQ(listener_found(listener, LISTEN_sequence_late), 1);
	take(V9_NOW("0001", "0000000b") DATA);
	CHECK_EQ(listener_found(listener, LISTEN_sequence_gap), 1);
	CHECK_EQ(heard.flows, 5);
}

/* A flow of 3 packets and 100 bytes from 192.0.2.1:53 to 198.51.100.2:40000, up to the ports. */
#define FIXED_NOW(version, count) version count " 000f4240 6553f100 00000000 "
#define FIXED_BEGINNING \
	"c0000201 c6336402 0a000001 0003 0004 00000003 00000064 000f3e58 000f4240 0035 9c40 "

/* Give a message with one record, and look at that while its bytes are there. */
static void check_fixed(const char *message, uint8_t flags)
{
	uint8_t bytes[RECORDS_SIZE];
	unix_ms start, end;
	const struct listen_header header = { .uptime_ms = 1000000,
					      .exported_ms = NOW,
					      .has_uptime = true };

	listener_take(listener, &exporter, bytes, bytes_of(message, bytes), NOW);
	CHECK_EQ(faults(), 0);
	CHECK_EQ(heard.flows, 1);
	CHECK_EQ(number_of(&heard.last, 8), 0xc0000201);
	CHECK_EQ(number_of(&heard.last, 12), 0xc6336402);
	CHECK_EQ(number_of(&heard.last, 15), 0x0a000001);
	CHECK_EQ(number_of(&heard.last, 10), 3);
	CHECK_EQ(number_of(&heard.last, 14), 4);
	CHECK_EQ(heard.packets, 3);
	CHECK_EQ(heard.bytes, 100);
	CHECK(listen_times(&header, &heard.last, &start, &end));
	CHECK_EQ(start, NOW - 1000);
	CHECK_EQ(end, NOW);
	CHECK_EQ(number_of(&heard.last, 7), 53);
	CHECK_EQ(number_of(&heard.last, 11), 40000);
	CHECK_EQ(number_of(&heard.last, 4), 6);
	CHECK_EQ(number_of(&heard.last, 5), 0x28);
	CHECK_EQ(number_of(&heard.last, 6), flags);
	if (listener_stream(listener, 0)->version == 7) {
		CHECK_EQ(number_of(&heard.last, 16), 65000);
		CHECK_EQ(number_of(&heard.last, 17), 65001);
		CHECK_EQ(number_of(&heard.last, 9), 24);
		CHECK_EQ(number_of(&heard.last, 13), 16);
	}
	CHECK_EQ(heard.sampling, 0);
}

TEST(version_1_has_no_sequence)
{
	struct listen_source other = exporter;
	uint8_t bytes[RECORDS_SIZE];
	const char *const message =
		FIXED_NOW("0001", "0001") FIXED_BEGINNING "0000 06 28 1b 000000 00000000";

	check_fixed(message, 0x1b);
	take(message);
	take(FIXED_NOW("0001", "0002") FIXED_BEGINNING "0000 06 28 1b 000000 00000000");
	CHECK_EQ(heard.flows, 3);
	CHECK_EQ(faults(), 1);
	CHECK_TEXT(heard.text, "2 records announced, 1 there");
	other.port++;
	take_from(&other, bytes, bytes_of(message, bytes));
	CHECK_EQ(listener_found(listener, LISTEN_restart), 1);
	CHECK_TEXT(heard.text, "port 40000 of this address sent before");
	take("0001 0001 000f4240 6553f100 0000");
	CHECK_EQ(listener_found(listener, LISTEN_message_cut), 2);
}

TEST(version_7_has_longer_records)
{
	check_fixed(FIXED_NOW("0007", "0001") "00000009 00000000" FIXED_BEGINNING
					      "00 12 06 28 fde8 fde9 18 10 0000 0a0000fe",
		    0x12);
	take(FIXED_NOW("0007", "0001") "0000000c 00000000" FIXED_BEGINNING
				       "00 12 06 28 fde8 fde9 18 10 0000 0a0000fe");
	CHECK_EQ(listener_found(listener, LISTEN_sequence_gap), 1);
	CHECK_TEXT(heard.text, "sequence 12 instead of 10: 2 records are missing");
}

TEST(sequence_wraps)
{
	take(V9_NOW("0002", "ffffffff") TEMPLATE DATA);
	take(V9_NOW("0001", "00000000") DATA);
	CHECK_EQ(faults(), 0);
}

TEST(restart_is_no_gap)
{
	take(V9_NOW("0002", "00000005") TEMPLATE DATA);
	/* its uptime has gone back */
	take(V9("0001", " 00000010", " 6553f100 ", "00000009") DATA);
	CHECK_EQ(listener_found(listener, LISTEN_restart), 1);
	/* its number has, a second later */
	take(V9("0001", " 00000020", " 6553f101 ", "00000000") DATA);
	CHECK_EQ(listener_found(listener, LISTEN_restart), 2);
	CHECK_EQ(faults(), 0);
}

TEST(other_port_is_compared_with_the_one_before)
{
	struct listen_source other = exporter;
	uint8_t bytes[RECORDS_SIZE];

	other.port = 40001;
	take(V9_NOW("0002", "00000005") TEMPLATE DATA);
	take_from(&other, bytes, bytes_of(V9_NOW("0002", "00000006") TEMPLATE DATA, bytes));
	CHECK_EQ(listener_found(listener, LISTEN_restart), 1);
	CHECK_TEXT(heard.text, "port 40000 of this address sent as domain 7 before; this one "
			       "starts at sequence 6 and continues the sequence");
	CHECK_EQ(faults(), 0);
	take(V9_NOW("0001", "00000006") DATA);
	CHECK_EQ(listener_found(listener, LISTEN_two_exporters), 1);
}

TEST(records_without_a_template_are_counted)
{
	take(V9_NOW("0001", "00000000") DATA);
	take(V9_NOW("0001", "00000001") DATA);
	CHECK_EQ(listener_found(listener, LISTEN_template_missing), 2);
	CHECK_EQ(heard.printed[LISTEN_template_missing], 1); /* once a second */
	CHECK_EQ(listener_stream(listener, 0)->sets_skipped, 2);
	take(V9_NOW("0002", "00000002") TEMPLATE DATA);
	CHECK_EQ(heard.flows, 1);
	CHECK_EQ(listener_found(listener, LISTEN_sequence_gap), 0);
}

TEST(template_that_changes_is_noted)
{
	take(V9_NOW("0002", "00000000") TEMPLATE DATA);
	take(V9_NOW("0001", "00000001") TEMPLATE);
	CHECK_EQ(listener_found(listener, LISTEN_template_changed), 0);
	take(V9_NOW("0001", "00000002") "0000 0010 0100 0002 0001 0004 0002 0008 ");
	CHECK_EQ(listener_found(listener, LISTEN_template_changed), 1);
}

TEST(count_of_the_header_is_compared)
{
	take(V9_NOW("0001", "00000000") TEMPLATE DATA);
	CHECK_EQ(listener_found(listener, LISTEN_count_low), 1);
	take(V9_NOW("0002", "00000001") DATA);
	CHECK_EQ(listener_found(listener, LISTEN_count_differs), 1);
}

TEST(templates_that_cannot_be_are_refused)
{
	take(V9_NOW("0001", "00000000") "0000 000c 0005 0001 0001 0004 "); /* id 5 */
	take(V9_NOW("0001", "00000001") "0000 000c 0100 0001 0001 0000 "); /* no octet */
	take(V9_NOW("0001", "00000002") "0000 000c 0100 0002 0001 0004 "); /* cut */
	take(V9_NOW("0001", "00000003") "0000 000c 0100 ffff 0001 0004 "); /* too many */
	CHECK_EQ(listener_found(listener, LISTEN_template_malformed), 4);
	take(V9_NOW("0001", "00000004") "0000 0003 ");
	take(V9_NOW("0001", "00000005") "0002 0008 00000000 ");
	CHECK_EQ(listener_found(listener, LISTEN_set_malformed), 2);
}

TEST(templates_are_bounded)
{
	uint8_t bytes[20 + 4 + 4 + 4 * 500] = { 0 };

	(void)bytes_of(V9_NOW("0001", "00000000") "0000 07d8 0100 01f4 ", bytes);
	for (size_t i = 0; i < 500; i++)
		memcpy(bytes + 28 + 4 * i, "\0\1\0\4", 4);
	for (unsigned int i = 0; i < 40; i++) {
		bytes[15] = (uint8_t)i;
		bytes[25] = (uint8_t)i; /* of the id */
		take_from(&exporter, bytes, sizeof(bytes));
	}
	CHECK_EQ(listener_stream(listener, 0)->templates.field_count, 32 * 500);
	CHECK_EQ(listener_found(listener, LISTEN_template_refused), 8);
}

#define IPFIX(length, sequence) "000a " length " 6553f100 " sequence " 00000007 "

TEST(sequence_of_ipfix_counts_records)
{
	take(IPFIX("0034", "00000000") "0002 0010 012c 0002 0001 0004 0002 0004 "
				       "012c 0014 00000064 00000003 00000064 00000003 ");
	take(IPFIX("001c", "00000002") "012c 000c 00000064 00000003 ");
	CHECK_EQ(faults(), 0);
	CHECK_EQ(heard.flows, 3);
	take(IPFIX("001c", "00000005") "012c 000c 00000064 00000003 ");
	CHECK_EQ(listener_found(listener, LISTEN_sequence_gap), 1);
	CHECK_TEXT(heard.text, "sequence 5 instead of 3: 2 records are missing");
	/* records without a template cannot be counted: the next number is not known */
	take(IPFIX("001c", "00000006") "012d 000c 00000064 00000003 ");
	take(IPFIX("001c", "00000009") "012c 000c 00000064 00000003 ");
	CHECK_EQ(listener_found(listener, LISTEN_sequence_gap), 1);
}

TEST(values_of_variable_length_and_of_enterprises)
{
	char name[LISTEN_NAME_SIZE];

	/* interfaceName, and element 1 of enterprise 8741: 3 octets by one length, 2 by another */
	take(IPFIX("002c", "00000000") "0002 0014 012c 0002 0052 ffff 8001 ffff 00002225 "
				       "012c 0008 00 02 6162 ");
	CHECK_EQ(heard.flows, 1);
	CHECK_EQ(heard.last.fields[0].size, 0);
	CHECK_EQ(heard.last.fields[1].size, 2);
	take(IPFIX("0020", "00000001") "012c 0010 03 657468 ff 0002 6162 010105 ");
	CHECK_EQ(heard.flows, 2);
	CHECK_EQ(heard.last.fields[0].size, 3);
	CHECK_EQ(heard.last.fields[1].size, 2);
	CHECK_EQ(listener_found(listener, LISTEN_record_cut), 1); /* the last value says 5 octets */
	CHECK_EQ(listen_element_name(8741, 1, name), LISTEN_OCTETS);
	CHECK_TEXT(name, "enterprise_8741_element_1");
}

TEST(withdrawn_templates_are_gone)
{
	take(IPFIX("0020", "00000000") "0002 0010 012c 0002 0001 0004 0002 0004 ");
	take(IPFIX("0018", "00000000") "0002 0008 012c 0000 ");
	take(IPFIX("001c", "00000000") "012c 000c 00000064 00000003 ");
	CHECK_EQ(listener_found(listener, LISTEN_template_missing), 1);
}

TEST(rates_of_all_forms)
{
	/* 34 and 35, scope System: one in 100 */
	take(V9_NOW("0004", "00000000") TEMPLATE
	     "0001 0018 0101 0004 0008 0001 0004 0022 0004 0023 0001 0000 "
	     "0101 0010 00000000 00000064 02 000000 " DATA);
	CHECK_EQ(heard.sampling, 100);
	/* sampler 3 (48, 49, 50), one in 8; sampler 4 was not announced */
	take(V9_NOW(
		"0006",
		"00000001") "0001 001c 0102 0004 000c 0001 0004 0030 0001 0031 0001 0032 0004 0000 "
			    "0102 0010 00000000 03 02 00000008 0000 "
			    "0000 0010 0103 0002 0030 0001 0002 0004 "
			    "0103 000c 03 00000001 000000 ");
	CHECK_EQ(heard.sampling, 8);
	take(V9_NOW("0001", "00000002") "0103 000c 04 00000001 000000 ");
	CHECK_EQ(heard.sampling, 0);
	CHECK_EQ(listener_found(listener, LISTEN_sampler_unknown), 1);
	CHECK_TEXT(heard.text, "records of sampler 4, whose rate was not announced");
}

TEST(rates_of_selectors)
{
	/* 302 with 305 and 306: one in 10; with 311: 0.25 */
	take(IPFIX("0054",
		   "00000000") "0003 0018 012c 0003 0001 012e 0008 0131 0004 0132 0004 0000 "
			       "012c 0014 0000000000000001 00000001 00000009 "
			       "0002 000c 012d 0001 012e 0008 "
			       "012d 000c 0000000000000001 ");
	CHECK_EQ(faults(), 0);
	CHECK_EQ(heard.sampling, 10);
	take(IPFIX("0044", "00000002") "0003 0014 012e 0002 0001 012e 0008 0137 0008 0000 "
				       "012e 0014 0000000000000002 3fd0000000000000 "
				       "012d 000c 0000000000000002 ");
	CHECK_EQ(heard.sampling, 4);
}

TEST(times_that_cannot_be_are_faults)
{
	/* 152, 153 */
	take(V9_NOW("0001", "00000000") "0000 0010 0100 0002 0098 0008 0099 0008 ");
	take(V9_NOW("0001", "00000001") "0100 0014 0000018bcfe56800 0000018bcfe56800 ");
	CHECK_EQ(faults(), 0);
	take(V9_NOW("0001", "00000002") "0100 0014 0000018bcfe56800 0000018bcfe567ff ");
	CHECK_EQ(listener_found(listener, LISTEN_time_order), 1);
	CHECK_TEXT(heard.text, "a flow of template 256 ends 1 ms before it starts");
	take(V9_NOW("0001", "00000003") "0100 0014 0000018bcfe56800 0000018bcfe58000 ");
	CHECK_EQ(listener_found(listener, LISTEN_time_ahead), 1);
}

TEST(what_is_no_netflow_says_so)
{
	take("");
	take("00");
	take("0009 0001");
	CHECK_EQ(listener_found(listener, LISTEN_message_cut), 3);
	take("0002 0002 0003");
	CHECK_EQ(listener_found(listener, LISTEN_version_unknown), 1);
	CHECK_TEXT(heard.text, "version 2 in 6 bytes: expected 1, 5, 7, 9 or 10");
}

TEST(streams_are_bounded)
{
	struct listen_source source = exporter;
	uint8_t bytes[RECORDS_SIZE];
	const size_t size = bytes_of(V9_NOW("0001", "00000000") DATA, bytes);

	for (unsigned int i = 0; i < 1000; i++) {
		source.address[2] = (uint8_t)(i >> 8);
		source.address[3] = (uint8_t)i;
		take_from(&source, bytes, size);
	}
	CHECK(listener_stream(listener, LISTENER_STREAMS - 1) != NULL);
	CHECK(listener_stream(listener, LISTENER_STREAMS) == NULL);
	CHECK_EQ(listener_found(listener, LISTEN_template_missing), 1000);
}

TEST(elements_are_in_order_and_found)
{
	static const uint16_t numbers[] = {
#define LISTEN_ELEMENT(number, name, kind) number,
#include "listen_elements.def"
	};
	char name[LISTEN_NAME_SIZE];

	for (size_t i = 1; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		CHECK(numbers[i - 1] < numbers[i]);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		(void)listen_element_name(0, numbers[i], name);
		CHECK(strncmp(name, "element_", 8) != 0);
	}
	CHECK_EQ(listen_element_name(0, 9999, name), LISTEN_OCTETS);
	CHECK_TEXT(name, "element_9999");
}

#define ONE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ONE(recordings_are_read_whole),
		ONE(biflow_has_reverse_fields),
		ONE(cut_datagrams_are_noticed_and_harmless),
		ONE(sequence_of_v9_counts_datagrams),
		ONE(version_1_has_no_sequence),
		ONE(version_7_has_longer_records),
		ONE(sequence_wraps),
		ONE(restart_is_no_gap),
		ONE(other_port_is_compared_with_the_one_before),
		ONE(records_without_a_template_are_counted),
		ONE(template_that_changes_is_noted),
		ONE(count_of_the_header_is_compared),
		ONE(templates_that_cannot_be_are_refused),
		ONE(templates_are_bounded),
		ONE(sequence_of_ipfix_counts_records),
		ONE(values_of_variable_length_and_of_enterprises),
		ONE(withdrawn_templates_are_gone),
		ONE(rates_of_all_forms),
		ONE(rates_of_selectors),
		ONE(times_that_cannot_be_are_faults),
		ONE(what_is_no_netflow_says_so),
		ONE(streams_are_bounded),
		ONE(elements_are_in_order_and_found),
	};

	return RUN_TESTS(tests);
}
