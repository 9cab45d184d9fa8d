/* test_capture_source.c - counters of a source that one agent leaves and another one takes over, or
 * cannot. */
#include "capture_source.h"

#include "check.h"

#include <errno.h>
#include <unistd.h>

/* A program in the kernel, which has counted by itself before this agent came. */
struct capture {
	struct capture_statistics program;
	struct capture_counts base;
	bool is_noted;
};

static struct capture program;
static int adopt_error; /* of adopt(): negative errno, 0: it works */
static struct capture_statistics waiting;

static int open_program(const struct source_config *config, struct capture **capture,
			struct error_text *error)
{
	(void)config;
	(void)error;
	program = (struct capture){ .is_noted = false };
	*capture = &program;
	return 0;
}

static int adopt_program(const struct source_config *config, const struct capture_kept *kept,
			 struct capture **capture, struct error_text *error)
{
	(void)config;
	(void)close(kept->descriptor);
	error_text_set(error, "cannot be continued");
	*capture = &program;
	return adopt_error;
}

static void keep_program(const struct capture *capture, struct capture_kept *kept)
{
	*kept = (struct capture_kept){ .more = { 0 - capture->base.seen,
						 0 - capture->base.foreign } };
}

static void left_of_program(const struct capture *opened, const struct capture_kept *kept,
			    struct capture_statistics *statistics)
{
	(void)opened;
	CHECK(kept->descriptor >= 0);
	*statistics = waiting;
}

static void statistics_of_program(struct capture *capture, struct capture_statistics *statistics)
{
	*statistics = capture->program;
	statistics->packets_seen -= capture->base.seen;
	statistics->packets_foreign -= capture->base.foreign;
}

static void hold_program(struct capture *capture, bool is_held)
{
	(void)capture;
	(void)is_held;
}

static void note_program(struct capture *capture, bool is_noted, void *memory)
{
	(void)memory;
	capture->is_noted = is_noted;
}

static void position_of_program(const struct capture *capture, struct capture_position *position)
{
	*position = (struct capture_position){ .more = { 0 - capture->base.seen, 0 } };
}

static bool resume_program(struct capture *capture, const struct capture_position *position)
{
	(void)capture;
	return position->offset == 8;
}

static void close_program(struct capture *capture)
{
	(void)capture;
}

static const struct capture_type type = {
	.is_live = true,
	.open = open_program,
	.adopt = adopt_program,
	.hold = hold_program,
	.keep = keep_program,
	.left = left_of_program,
	.can_resume = true,
	.use_memory = note_program,
	.position = position_of_program,
	.resume = resume_program,
	.statistics = statistics_of_program,
	.close = close_program,
};
static char name[] = "fake";
static const struct source_config config = { .type = &type, .name = name };

/* What an agent has left that had counted 100 and 10, when the program said 90 and 9. */
static struct capture_kept kept_by_another(void)
{
	return (struct capture_kept){
		.descriptor = dup(0),
		.counted = { 100, 10 },
		.more = { 10, 1 },
	};
}

static void open_source(struct capture_source *source, const struct capture_kept *kept)
{
	struct error_text error;

	CHECK_EQ(capture_source_open(source, &config, kept, &error), 0);
}

static void check_counts(struct capture_source *source, uint64_t seen, uint64_t foreign,
			 uint64_t lost)
{
	struct capture_statistics statistics;

	capture_source_statistics(source, &statistics);
	CHECK_EQ(statistics.packets_seen, seen);
	CHECK_EQ(statistics.packets_foreign, foreign);
	CHECK_EQ(statistics.packets_lost, lost);
}

TEST(counters_of_a_program_go_on)
{
	struct capture_kept kept = kept_by_another();
	struct capture_source source;

	adopt_error = 0;
	program = (struct capture){
		.program = { .packets_seen = 95, .packets_foreign = 9 },
		.base = { 93, 9 }, /* two of them wait */
	};
	open_source(&source, &kept);
	check_counts(&source, 2, 0, 0); /* if the counters of that agent do not count any more */
	capture_source_continue(&source, 7);
	check_counts(&source, 105, 10, 7);
	program.program.packets_seen += 5;
	check_counts(&source, 110, 10, 7);

	/* And on to the next one. */
	CHECK(capture_source_rest(&source, true));
	CHECK(capture_source_keep(&source, &kept));
	CHECK_EQ(kept.counted.seen, 110);
	CHECK_EQ(kept.more.seen, 10);
	CHECK_EQ(kept.counted.foreign, 10);
	CHECK_EQ(kept.more.foreign, 1);
	capture_source_close(&source);
}

TEST(what_waits_where_it_cannot_be_read_is_lost)
{
	struct capture_kept kept = kept_by_another();
	struct capture_source source;

	adopt_error = -ESTALE;
	waiting = (struct capture_statistics){ .packets_lost = 4,
					       .packets_seen = 98,
					       .packets_foreign = 9 };
	open_source(&source, &kept);
	check_counts(&source, 4, 0, 4); /* seen = lost, and nothing else */
	capture_source_continue(&source, 7);
	check_counts(&source, 108, 10, 11);
	program.program.packets_seen = 3; /* by the new one */
	check_counts(&source, 111, 10, 11);
	capture_source_had_read(&source, 1); /* and killed then */
	check_counts(&source, 111, 10, 10);
	capture_source_had_read(&source, 100);
	check_counts(&source, 111, 10, 7);
	capture_source_close(&source);
}

TEST(one_that_was_away_keeps_its_numbers)
{
	struct capture_kept kept = kept_by_another();
	struct capture_source source;

	(void)close(kept.descriptor);
	kept.descriptor = -1;
	open_source(&source, &kept);
	capture_source_continue(&source, 0);
	program.program.packets_seen = 3;
	check_counts(&source, 103, 10, 0);
	capture_source_close(&source);
}

TEST(a_position_is_noted_until_nobody_asks)
{
	struct capture_position position = { .offset = 8 };
	struct capture_source source;

	open_source(&source, NULL);
	CHECK(!capture_source_resume(&source, &position));
	capture_source_use_memory(&source, true, NULL);
	CHECK(program.is_noted);
	CHECK(capture_source_resume(&source, &position));
	position.offset = 16;
	CHECK(!capture_source_resume(&source, &position));
	capture_source_position(&source, &position);
	CHECK(!position.is_sequence_unknown);
	capture_source_use_memory(&source, false, NULL);
	CHECK(!program.is_noted);
	capture_source_position(&source, &position);
	CHECK(position.is_sequence_unknown);
	capture_source_close(&source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_of_a_program_go_on),
		cmocka_unit_test(what_waits_where_it_cannot_be_read_is_lost),
		cmocka_unit_test(one_that_was_away_keeps_its_numbers),
		cmocka_unit_test(a_position_is_noted_until_nobody_asks),
	};

	return RUN_TESTS(tests);
}
