/* test_silence_log.c - a source that is silent is a problem, once, and until a packet comes. */
#include "silence_log.h"

#include "check.h"
#include "log.h"

#define START 5000

static struct source_status source;
static const struct pipeline_snapshot snapshot = { .sources = &source, .source_count = 1 };

static size_t problems_at(struct silence_log *silence, int64_t now_ms)
{
	struct problems problems;

	silence_log_look(silence, &snapshot, now_ms);
	log_problems(&problems);
	return problems.count;
}

static struct silence_log begin(void)
{
	struct silence_log silence = { .started_ms = 0 };

	source =
		(struct source_status){ .name = "nflog:40", .is_live = true, .last_packet_ms = -1 };
	CHECK_EQ(problems_at(&silence, START), 0);
	return silence;
}

TEST(a_source_that_never_brings_a_packet)
{
	struct silence_log silence = begin();
	struct problems problems;

	CHECK_EQ(problems_at(&silence, START + SILENCE_LIMIT_MS - 1), 0);
	CHECK_EQ(problems_at(&silence, START + SILENCE_LIMIT_MS), 1);
	log_problems(&problems);
	CHECK_TEXT(problems.lasting[0].text, "nflog:40: no packet has come for 10 minutes; "
					     "\"agentctl doctor\" looks for the cause");
	CHECK_EQ(problems_at(&silence, START + 2 * SILENCE_LIMIT_MS), 1);
	source.last_packet_ms = START + 2 * SILENCE_LIMIT_MS;
	CHECK_EQ(problems_at(&silence, START + 2 * SILENCE_LIMIT_MS + 5000), 0);
}

TEST(a_source_that_falls_silent_again)
{
	struct silence_log silence = begin();
	const int64_t last_ms = START + SILENCE_LIMIT_MS / 2;

	source.last_packet_ms = last_ms;
	CHECK_EQ(problems_at(&silence, START + SILENCE_LIMIT_MS), 0);
	CHECK_EQ(problems_at(&silence, last_ms + SILENCE_LIMIT_MS - 1), 0);
	CHECK_EQ(problems_at(&silence, last_ms + SILENCE_LIMIT_MS + 1), 1);
	source.is_away = true; /* which is a problem of its own */
	CHECK_EQ(problems_at(&silence, last_ms + SILENCE_LIMIT_MS + 2), 0);
}

TEST(a_file_may_be_silent)
{
	struct silence_log silence = begin();

	source.is_live = false;
	CHECK_EQ(problems_at(&silence, START + SILENCE_LIMIT_MS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_that_never_brings_a_packet),
		cmocka_unit_test(a_source_that_falls_silent_again),
		cmocka_unit_test(a_file_may_be_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
