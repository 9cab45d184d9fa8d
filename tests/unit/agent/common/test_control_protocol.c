/* test_control_protocol.c - framing of the control socket. */
#include "check.h"
#include "control_protocol.h"
#include "json_text.h"

#include <errno.h>
#include <stdlib.h>

/* Parse a request in a block of exactly its size. */
static int parse(const char *text, size_t size, struct control_request *request,
		 struct error_text *error)
{
	uint8_t *block = malloc(size ? size : 1);
	int result;

	assert_non_null(block);
	memcpy(block, text, size);
	result = control_request_parse(block, size, request, error);
	free(block);
	return result;
}

static int parse_text(const char *text, struct control_request *request)
{
	struct error_text error = { .text = "" };
	int result = parse(text, strlen(text), request, &error);

	CHECK_EQ(error.text[0] != '\0', result != 0);
	return result;
}

TEST(request_with_filter_is_taken)
{
	struct control_request request;

	CHECK_EQ(parse_text(
			 "{\"v\":1,\"cmd\":\"show-flows\",\"filter\":[\"proto=tcp\",\"dport=443\"],"
			 "\"unknown\":{\"a\":[1,2]}}",
			 &request),
		 0);
	CHECK_TEXT(request.command, "show-flows");
	CHECK_EQ(request.filter_count, 2);
	CHECK_TEXT(request.filter[0], "proto=tcp");
	CHECK_TEXT(request.filter[1], "dport=443");
	control_request_clear(&request);
}

TEST(request_without_filter_is_taken)
{
	struct control_request request;

	CHECK_EQ(parse_text("{\"cmd\":\"flush\",\"v\":1}", &request), 0);
	CHECK_EQ(request.filter_count, 0);
	control_request_clear(&request);
}

TEST(faults_of_requests_are_distinguished)
{
	static const struct {
		const char *text;
		int result;
	} cases[] = {
		{ "", -EINVAL },
		{ "flush", -EINVAL },
		{ "[]", -EINVAL },
		{ "{\"v\":1}", -EINVAL },
		{ "{\"v\":1,\"cmd\":7}", -EINVAL },
		{ "{\"v\":1,\"cmd\":\"\"}", -EINVAL },
		{ "{\"v\":1,\"cmd\":\"a234567890123456789012345678901\"}", 0 },
		{ "{\"v\":1,\"cmd\":\"a2345678901234567890123456789012\"}", -EINVAL },
		{ "{\"v\":1,\"cmd\":\"x\",\"cmd\":\"y\"}", -EINVAL },
		{ "{\"v\":1,\"cmd\":\"x\"} {}", -EINVAL },
		{ "{\"v\":1,\"cmd\":\"x\",\"filter\":\"a\"}", -EINVAL },
		{ "{\"v\":1,\"cmd\":\"x\",\"filter\":[1]}", -EINVAL },
		{ "{\"v\":2,\"cmd\":\"x\"}", -EPROTONOSUPPORT },
		{ "{\"v\":\"1\",\"cmd\":\"x\"}", -EPROTONOSUPPORT },
		{ "{\"cmd\":\"x\"}", -EPROTONOSUPPORT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct control_request request;

		CHECK_EQ(parse_text(cases[i].text, &request), cases[i].result);
		control_request_clear(&request); /* harmless after a fault */
	}
}

TEST(request_ends_below_64_kib)
{
	static char text[CONTROL_REQUEST_SIZE + 1];
	static const char head[] = "{\"v\":1,\"cmd\":\"x\"}";
	struct control_request request;
	struct error_text error;

	memset(text, ' ', sizeof(text));
	memcpy(text, head, sizeof(head) - 1);
	CHECK_EQ(parse(text, CONTROL_REQUEST_SIZE - 1, &request, &error), 0);
	control_request_clear(&request);
	CHECK_EQ(parse(text, CONTROL_REQUEST_SIZE, &request, &error), -EMSGSIZE);
}

TEST(filter_has_a_bound)
{
	char text[1000] = "{\"v\":1,\"cmd\":\"x\",\"filter\":[\"a\"";
	struct control_request request;

	for (int i = 1; i < CONTROL_FILTER_WORDS; i++)
		strcat(text, ",\"a\"");
	strcat(text, "]}");
	CHECK_EQ(parse_text(text, &request), 0);
	CHECK_EQ(request.filter_count, CONTROL_FILTER_WORDS);
	control_request_clear(&request);
	strcpy(strchr(text, ']'), ",\"a\"]}");
	CHECK_EQ(parse_text(text, &request), -EINVAL);
}

TEST(formatted_request_parses_to_the_same)
{
	static const char *const words[] = { "src=10.0.0.0/8", "bytes>1M", "\"quoted\"\n" };
	char *line = control_question_format(&(struct control_question){
		.command = "show-flows", .filter = words, .filter_count = 3 });
	struct control_request request;
	struct error_text error;

	assert_non_null(line);
	CHECK(strchr(line, '\n') == line + strlen(line) - 1);
	CHECK_EQ(parse(line, strlen(line) - 1, &request, &error), 0);
	CHECK_TEXT(request.command, "show-flows");
	CHECK_EQ(request.filter_count, 3);
	for (int i = 0; i < 3; i++)
		CHECK_TEXT(request.filter[i], words[i]);
	control_request_clear(&request);
	free(line);
}

/* First line of an output, as JSON. */
static json_t *first_line(const struct control_output *output)
{
	return json_loadb(
		output->bytes,
		(size_t)((char *)memchr(output->bytes, '\n', output->size) - output->bytes), 0,
		NULL);
}

TEST(rows_end_and_errors_are_lines)
{
	struct control_output output = { .bytes = NULL };

	CHECK_EQ(control_output_row(&output, json_pack("{s:i}", "a", 1)), 0);
	CHECK_EQ(control_output_row(&output, json_pack("{s:s}", "end", "true")), 0);
	CHECK_EQ(control_output_end(&output), 0);
	CHECK_EQ(output.size, strlen("{\"a\":1}\n{\"end\":\"true\"}\n{\"end\":true,\"rows\":2}\n"));
	CHECK_BYTES(output.bytes, "{\"a\":1}\n{\"end\":\"true\"}\n{\"end\":true,\"rows\":2}\n",
		    output.size);
	CHECK_EQ(output.rows, 0);
	CHECK_EQ(control_output_row(&output, NULL), -ENOMEM);
	control_output_clear(&output);
}

TEST(errors_keep_code_text_and_hint)
{
	static const int codes[] = { -EACCES,   -EINVAL, -ETIMEDOUT, -ENOSYS,
				     -EMSGSIZE, -EBUSY,  -ENOMEM,    -EPROTONOSUPPORT };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct control_output output = { .bytes = NULL };
		struct error_text error = { .text = "what", .hint = "do" };
		struct error_text got = { .text = "" };
		int code = 0;
		json_t *line;

		CHECK_EQ(control_output_error(&output, codes[i], &error), 0);
		line = first_line(&output);
		CHECK_EQ(control_line_kind(line, &code, &got), CONTROL_ERROR);
		CHECK_EQ(code, codes[i]);
		CHECK_TEXT(got.text, "what");
		CHECK_TEXT(got.hint, "do");
		json_decref(line);
		control_output_clear(&output);
	}
	CHECK_TEXT(control_error_code(-EACCES), "not-permitted");
	CHECK_TEXT(control_error_code(-ENODEV), "failed");
}

TEST(rows_are_not_taken_for_final_lines)
{
	static const char *const rows[] = { "{\"end\":\"2026-11-22T19:17:00.114Z\"}",
					    "{\"end\":false}", "{\"error\":\"text\"}", "{}" };
	int code = 0;
	struct error_text error;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *line = json_loads(rows[i], 0, NULL);

		CHECK_EQ(control_line_kind(line, &code, &error), CONTROL_ROW);
		json_decref(line);
	}
}

TEST(unknown_error_codes_fail)
{
	json_t *line = json_loads("{\"error\":{\"code\":\"new-one\"}}", 0, NULL);
	struct error_text error;
	int code = 0;

	CHECK_EQ(control_line_kind(line, &code, &error), CONTROL_ERROR);
	CHECK_EQ(code, -EIO);
	CHECK(error.text[0] != '\0');
	json_decref(line);
}

TEST(text_that_is_not_utf8_becomes_json)
{
	json_t *value = json_text("caf\xe9.pcap");

	CHECK_TEXT(json_string_value(value), "caf?.pcap");
	json_decref(value);
	value = json_text("caf\xc3\xa9");
	CHECK_TEXT(json_string_value(value), "caf\xc3\xa9");
	json_decref(value);
	value = json_text("\xc3\xa9\xff");
	CHECK_TEXT(json_string_value(value), "\xc3\xa9?");
	json_decref(value);
	value = json_text(NULL);
	CHECK(json_is_null(value));
}

/* Both ways in which JSON is written, and what they say is the same. */
TEST(what_is_not_printable_is_escaped)
{
	static const char text[] = "a\xc2\x9b\xe2\x80\xae\xc3\xa9\"\\\n\xff";
	char line[6 * sizeof(text) + 2];
	json_t *written;
	json_t *value = json_text(text);
	char *dumped = json_dumps(value, JSON_TEXT_FLAGS | JSON_ENCODE_ANY);

	*json_text_write(line, text) = '\0';
	CHECK_TEXT(line, "\"a\\u009b\\u202e\xc3\xa9\\\"\\\\\\u000a?\"");
	written = json_loads(line, JSON_DECODE_ANY, NULL);
	CHECK(json_equal(written, value));
	CHECK_TEXT(dumped, "\"a\\u009B\\u202E\\u00E9\\\"\\\\\\n?\"");
	free(dumped);
	json_decref(written);
	json_decref(value);
}

TEST(times_are_rfc_3339)
{
	char text[JSON_TIME_SIZE];

	CHECK_TEXT(json_time_format(1795375020114, text), "2026-11-22T19:17:00.114Z");
	CHECK_TEXT(json_time_format(0, text), "1970-01-01T00:00:00.000Z");
	CHECK_TEXT(json_time_format(-1, text), "1969-12-31T23:59:59.999Z");
	CHECK_TEXT(json_time_format(253402300799999, text), "9999-12-31T23:59:59.999Z");
	CHECK_TEXT(json_time_format(253402300800000, text), "-");
	CHECK_TEXT(json_time_format(INT64_MAX, text), "-");
	CHECK_TEXT(json_time_format(INT64_MIN, text), "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_with_filter_is_taken),
		cmocka_unit_test(request_without_filter_is_taken),
		cmocka_unit_test(faults_of_requests_are_distinguished),
		cmocka_unit_test(request_ends_below_64_kib),
		cmocka_unit_test(filter_has_a_bound),
		cmocka_unit_test(formatted_request_parses_to_the_same),
		cmocka_unit_test(rows_end_and_errors_are_lines),
		cmocka_unit_test(errors_keep_code_text_and_hint),
		cmocka_unit_test(rows_are_not_taken_for_final_lines),
		cmocka_unit_test(unknown_error_codes_fail),
		cmocka_unit_test(text_that_is_not_utf8_becomes_json),
		cmocka_unit_test(what_is_not_printable_is_escaped),
		cmocka_unit_test(times_are_rfc_3339),
	};

	return RUN_TESTS(tests);
}
