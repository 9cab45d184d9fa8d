/* test_log.c - levels, prefixes, repeat limit, and a standard error that nobody reads. */
#include "log.h"
#include "log_limit.h"

#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Standard error goes to a pipe or a socket from here until captured() gives what came. */
struct capture {
	int saved, ends[2];
};

static void capture_descriptors(struct capture *capture)
{
	(void)fflush(stderr);
	capture->saved = dup(2);
	CHECK(dup2(capture->ends[1], 2) == 2);
	(void)close(capture->ends[1]);
	CHECK(fcntl(capture->ends[0], F_SETFL, O_NONBLOCK) == 0);
}

static void capture_pipe(struct capture *capture)
{
	CHECK(pipe(capture->ends) == 0);
	capture_descriptors(capture);
}

static size_t captured(struct capture *capture, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while ((got = read(capture->ends[0], text + length, size - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	return length;
}

static void capture_end(struct capture *capture)
{
	CHECK(dup2(capture->saved, 2) == 2);
	(void)close(capture->saved);
	(void)close(capture->ends[0]);
}

/* By its link count, at the next line, or when somebody looks. */
TEST(a_log_file_that_is_removed_is_made_again)
{
	char path[] = "/tmp/test_log.XXXXXX";
	const int file = mkstemp(path);
	const int saved = dup(2);
	struct stat status;
	char text[200];
	FILE *again;

	CHECK(file >= 0 && saved >= 0);
	CHECK(dup2(file, 2) == 2);
	log_open("flowagent", LOG_LEVEL_info);
	log_follow_file();
	log_info("before");
	CHECK_EQ(unlink(path), 0);
	log_look_at_file();
	CHECK_EQ(stat(path, &status), 0);
	CHECK_EQ(unlink(path), 0);
	log_info("after");
	again = fopen(path, "r");
	assert_non_null(again);
	assert_non_null(fgets(text, sizeof(text), again));
	(void)fclose(again);
	CHECK_EQ(strcmp(text, "flowagent: after\n"), 0);
	CHECK(dup2(saved, 2) == 2);
	log_follow_file();
	(void)close(saved);
	(void)close(file);
	(void)unlink(path);
}

TEST(level_names_are_read_back)
{
	enum log_level level;

	for (int i = LOG_LEVEL_error; i <= LOG_LEVEL_debug; i++) {
		CHECK_EQ(log_level_parse(log_level_name((enum log_level)i), &level), 0);
		CHECK_EQ(level, i);
	}
	CHECK_EQ(log_level_parse("loud", &level), -EINVAL);
	CHECK_EQ(log_level_parse("", &level), -EINVAL);
}

TEST(one_a_minute_passes_and_says_what_was_held_back)
{
	static struct log_limit limit;
	uint64_t held = 99;

	CHECK(log_limit_pass(&limit, "lost", "nflog:40", 1000, &held));
	CHECK_EQ(held, 0);
	CHECK(!log_limit_pass(&limit, "lost", "nflog:40", 1000, &held));
	CHECK(!log_limit_pass(&limit, "lost", "nflog:40", 60999, &held));
	CHECK(log_limit_pass(&limit, "lost", "nflog:41", 60999, &held));  /* another object */
	CHECK(log_limit_pass(&limit, "found", "nflog:40", 60999, &held)); /* another event */
	CHECK(log_limit_pass(&limit, "lost", "nflog:40", 61000, &held));
	CHECK_EQ(held, 2);
	CHECK(log_limit_pass(&limit, "lost", "nflog:40", 121000, &held));
	CHECK_EQ(held, 0);
	CHECK(log_limit_pass(&limit, "lost", NULL, 121000, &held));
	CHECK(!log_limit_pass(&limit, "lost", "", 121000, &held));
}

TEST(a_full_limit_forgets_what_was_not_heard_of_for_longest)
{
	static struct log_limit limit;
	char object[32];
	uint64_t held;

	for (int i = 0; i < LOG_LIMIT_ENTRIES; i++) {
		(void)snprintf(object, sizeof(object), "object %d", i);
		CHECK(log_limit_pass(&limit, "event", object, i, &held));
	}
	CHECK(!log_limit_pass(&limit, "event", "object 0", 500, &held)); /* heard of again */
	CHECK(log_limit_pass(&limit, "event", "new", 501, &held));
	CHECK(!log_limit_pass(&limit, "event", "object 0", 502, &held));
	CHECK(log_limit_pass(&limit, "event", "object 1", 503, &held)); /* was forgotten */
}

TEST(what_is_held_back_comes_out_when_its_minute_is_over_or_at_the_end)
{
	static struct log_limit limit;
	const struct log_limit_entry *entry;
	uint64_t held;

	memset(&limit, 0, sizeof(limit));
	CHECK(log_limit_pass(&limit, "up", "one", 1000, &held));
	for (int i = 1; i <= 3; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "%d were lost", i * 10);
		CHECK(!log_limit_pass(&limit, "up", "one", 1000 + i, &held));
		log_limit_keep(&limit, "up", "one", LOG_LEVEL_notice, NULL, text);
	}
	CHECK(log_limit_pass(&limit, "down", "two", 2000, &held));
	CHECK(!log_limit_pass(&limit, "down", "two", 2001, &held));
	log_limit_keep(&limit, "down", "two", LOG_LEVEL_warning, NULL, "two is down");
	CHECK(log_limit_due(&limit, 60999, false, &held) == NULL);
	entry = log_limit_due(&limit, 61000, false, &held);
	CHECK(entry != NULL);
	CHECK_EQ(held, 3);
	CHECK_TEXT(entry->text, "30 were lost");
	CHECK_EQ(entry->level, LOG_LEVEL_notice);
	CHECK(log_limit_due(&limit, 61000, false, &held) == NULL);
	/* It counts as shown now. */
	CHECK(!log_limit_pass(&limit, "up", "one", 61001, &held));
	log_limit_keep(&limit, "up", "one", LOG_LEVEL_notice, NULL, "40 were lost");
	/* At the end, in the order in which they came. */
	entry = log_limit_due(&limit, 61002, true, &held);
	CHECK_TEXT(entry->text, "two is down");
	entry = log_limit_due(&limit, 61002, true, &held);
	CHECK_TEXT(entry->text, "40 were lost");
	CHECK_EQ(held, 1);
	CHECK(log_limit_due(&limit, 61002, true, &held) == NULL);
}

/* What holds something back is forgotten last: it has not been reported yet. */
TEST(a_full_limit_forgets_what_holds_nothing_back)
{
	static struct log_limit limit;
	uint64_t held;

	memset(&limit, 0, sizeof(limit));
	CHECK(log_limit_pass(&limit, "kept", NULL, 0, &held));
	CHECK(!log_limit_pass(&limit, "kept", NULL, 1, &held));
	log_limit_keep(&limit, "kept", NULL, LOG_LEVEL_warning, NULL, "text");
	for (int i = 0; i < 2 * LOG_LIMIT_ENTRIES; i++) {
		char object[16];

		(void)snprintf(object, sizeof(object), "%d", i);
		CHECK(log_limit_pass(&limit, "other", object, 2 + i, &held));
	}
	CHECK_TEXT(log_limit_due(&limit, 1000, true, &held)->text, "text");
}

TEST(lines_that_were_held_back_are_put_out_with_how_many_more_there_were)
{
	struct capture capture;
	char text[1000];

	capture_pipe(&capture);
	for (int i = 1; i <= 3; i++)
		log_event(LOG_LEVEL_warning, "outage", "one", "%d records were lost", i);
	log_held_back(false);
	log_held_back(true);
	log_held_back(true);
	(void)captured(&capture, text, sizeof(text));
	capture_end(&capture);
	CHECK_TEXT(text, "flowagent: 1 records were lost\n"
			 "flowagent: 3 records were lost (1 more like this was held back)\n");
}

TEST(lines_carry_the_program_and_obey_the_level)
{
	struct capture capture;
	char text[4096];

	capture_pipe(&capture);
	(void)unsetenv("JOURNAL_STREAM");
	log_open("flowagent", LOG_LEVEL_notice);
	log_info("not wanted");
	log_notice("group %d\x1b[31m\n<0>forged", 40);
	log_set_level(LOG_LEVEL_debug);
	log_debug("wanted now");
	(void)captured(&capture, text, sizeof(text));
	capture_end(&capture);
	CHECK_TEXT(text, "flowagent: group 40?[31m?<0>forged\nflowagent: wanted now\n");
}

TEST(names_from_outside_cannot_command_the_terminal)
{
	struct error_text error;
	struct capture capture;
	char text[4096];

	capture_pipe(&capture);
	(void)unsetenv("JOURNAL_STREAM");
	log_open("flowagent", LOG_LEVEL_notice);
	log_notice("interface \xc2\x9b"
		   "2J\x9d"
		   "eth\xc3\xa4");
	error_text_set(&error, "certificate of \xe2\x80\xae"
			       "evil\xc2\x85");
	error_text_hint(&error, "a\033[1m");
	log_error_text(&error);
	(void)captured(&capture, text, sizeof(text));
	capture_end(&capture);
	CHECK_TEXT(text, "flowagent: interface ??2J?eth\xc3\xa4\n"
			 "flowagent: certificate of ???evil??\nflowagent: hint: a?[1m\n");
}

TEST(the_journal_gets_priorities)
{
	struct capture capture;
	struct stat status;
	char variable[64];
	char text[4096];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, capture.ends) == 0);
	capture_descriptors(&capture);
	CHECK(fstat(2, &status) == 0);
	(void)snprintf(variable, sizeof(variable), "%ju:%ju", (uintmax_t)status.st_dev,
		       (uintmax_t)status.st_ino);
	(void)setenv("JOURNAL_STREAM", variable, 1);
	log_open("flowagent", LOG_LEVEL_info);
	log_error("an error");
	log_info("news");
	(void)setenv("JOURNAL_STREAM", "1:1", 1);
	log_open("flowagent", LOG_LEVEL_info);
	log_info("another stream");
	(void)unsetenv("JOURNAL_STREAM");
	log_open("flowagent", LOG_LEVEL_info);
	(void)captured(&capture, text, sizeof(text));
	capture_end(&capture);
	CHECK_TEXT(text, "<3>an error\n<6>news\nflowagent: another stream\n");
}

/* One datagram that the journal's socket got, or "". */
static const char *received(int journal, char *text, size_t size)
{
	const ssize_t got = recv(journal, text, size - 1, MSG_DONTWAIT);

	text[got > 0 ? got : 0] = '\0';
	return text;
}

/* Standard error as systemd sets it up; the journal's socket as well. */
static int open_journal(struct capture *capture, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int journal = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct stat status;
	char variable[64];

	(void)strcpy(address.sun_path, path);
	CHECK_EQ(bind(journal, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, capture->ends) == 0);
	capture_descriptors(capture);
	CHECK(fstat(2, &status) == 0);
	(void)snprintf(variable, sizeof(variable), "%ju:%ju", (uintmax_t)status.st_dev,
		       (uintmax_t)status.st_ino);
	(void)setenv("JOURNAL_STREAM", variable, 1);
	log_open("flowagent", LOG_LEVEL_info);
	log_use_journal(path);
	return journal;
}

#define HEAD "PRIORITY=4\nSYSLOG_IDENTIFIER=flowagent\nSYSLOG_FACILITY=3\n"

TEST(the_journal_gets_fields)
{
	struct capture capture;
	char directory[] = "/tmp/test_log.XXXXXX";
	char path[64];
	char text[4096];
	int journal;

	CHECK(mkdtemp(directory) != NULL);
	(void)snprintf(path, sizeof(path), "%s/socket", directory);
	journal = open_journal(&capture, path);
	log_warning("no name");
	CHECK_TEXT(received(journal, text, sizeof(text)), "MESSAGE=no name\n" HEAD);
	log_problem(LOG_LEVEL_warning, "down", "refused", "host:1\n", "lines\nare one");
	CHECK_TEXT(received(journal, text, sizeof(text)),
		   "MESSAGE=lines?are one\n" HEAD
		   "MESSAGE_ID=346073527f99497c87ba83b0733b8f4b\nFLOWAGENT_EVENT=down\n"
		   "FLOWAGENT_COLLECTOR=host:1?\nFLOWAGENT_REASON=refused\n");
	for (int i = 0; i < 3; i++)
		log_problem(LOG_LEVEL_warning, "rules", "rules-gone", "nflog:40", "gone");
	CHECK(strstr(received(journal, text, sizeof(text)), "FLOWAGENT_SOURCE=nflog:40\n") != NULL);
	CHECK_TEXT(received(journal, text, sizeof(text)), "");
	log_held_back(true);
	CHECK(strstr(received(journal, text, sizeof(text)),
		     "FLOWAGENT_EVENT=rules-gone\nFLOWAGENT_SOURCE=nflog:40\n"
		     "FLOWAGENT_SUPPRESSED=1\n") != NULL);
	log_problem_over("down", "host:1\n");
	log_problem_over("rules", "nflog:40");
	(void)close(journal); /* what it does not take goes the other way */
	log_warning("alone");
	(void)captured(&capture, text, sizeof(text));
	capture_end(&capture);
	CHECK_TEXT(text, "<4>alone\n");
	(void)unsetenv("JOURNAL_STREAM");
	log_open("flowagent", LOG_LEVEL_info);
	(void)unlink(path);
	(void)rmdir(directory);
}

TEST(error_texts_come_with_their_hint)
{
	struct error_text error;
	struct capture capture;
	char text[4096];

	capture_pipe(&capture);
	error_text_set(&error, "group 40 is taken");
	log_error_text(&error);
	error_text_hint(&error, "choose another");
	log_error_text(&error);
	(void)captured(&capture, text, sizeof(text));
	capture_end(&capture);
	CHECK_TEXT(text, "flowagent: group 40 is taken\nflowagent: group 40 is taken\n"
			 "flowagent: hint: choose another\n");
}

TEST(the_last_problem_is_kept_even_if_it_is_not_shown)
{
	struct capture capture;
	struct problems problems;
	char text[4096];

	capture_pipe(&capture);
	log_warning("first");
	log_event(LOG_LEVEL_warning, "event", "object", "second");
	log_event(LOG_LEVEL_warning, "event", "object", "third, held back");
	log_notice("no problem");
	log_problems(&problems);
	CHECK(problems.last.since_ms > 1000000000000);
	CHECK_TEXT(problems.last.text, "third, held back");
	CHECK_EQ(problems.count, 0);
	(void)captured(&capture, text, sizeof(text));
	capture_end(&capture);
	CHECK_TEXT(text, "flowagent: first\nflowagent: second\nflowagent: no problem\n");
}

TEST(a_problem_lasts_until_it_is_over)
{
	const struct error_text error = { .text = "eth0 failed", .hint = "look at it" };
	struct capture capture;
	struct problems problems;
	char text[4096];

	capture_pipe(&capture);
	log_problem(LOG_LEVEL_warning, "away", "source-away", "ppp0", "ppp0 is away");
	log_problem(LOG_LEVEL_error, "down", "refused", "c1", "c1 is %s", "down");
	log_problem_text("failed", "eth0", &error);
	log_problem_over("down", "c1");
	log_problem_over("down", "c2"); /* was never down */
	log_problems(&problems);
	CHECK_EQ(problems.count, 2);
	CHECK_TEXT(problems.lasting[0].text, "ppp0 is away");
	CHECK_TEXT(problems.lasting[1].text, "eth0 failed");
	CHECK_TEXT(problems.last.text, "c1 is down");
	CHECK(problems.last.over_ms >= problems.last.since_ms);
	log_problem_over("away", "ppp0");
	log_problem_over("failed", "eth0");
	(void)captured(&capture, text, sizeof(text));
	capture_end(&capture);
	CHECK_TEXT(text, "flowagent: ppp0 is away\nflowagent: c1 is down\n"
			 "flowagent: eth0 failed\nflowagent: hint: look at it\n");
}

TEST(a_full_pipe_loses_lines_and_says_so_later)
{
	static char text[200000];
	struct capture capture;
	size_t length;

	capture_pipe(&capture);
	for (int i = 0; i < 3000; i++) /* a pipe holds 64 KiB */
		log_info("line %04d ..................................................", i);
	length = captured(&capture, text, sizeof(text));
	CHECK(length > 30000 && length <= 65536);
	log_info("through");
	(void)captured(&capture, text, sizeof(text));
	capture_end(&capture);
	CHECK(strstr(text, " lines could not be written before this one\nflowagent: through\n"));
}

TEST(one_line_that_is_lost_is_one_line)
{
	static char text[200000];
	struct capture capture;
	int waiting = 0, before;

	capture_pipe(&capture);
	do { /* until one adds nothing: that one was lost */
		before = waiting;
		log_info("line ..................................................");
		CHECK_EQ(ioctl(capture.ends[0], FIONREAD, &waiting), 0);
	} while (waiting != before);
	(void)captured(&capture, text, sizeof(text));
	log_info("through");
	(void)captured(&capture, text, sizeof(text));
	capture_end(&capture);
	CHECK(strstr(text, "flowagent: 1 line could not be written before this one\n"));
}

TEST(long_texts_are_cut_and_end_in_a_line_break)
{
	struct capture capture;
	char text[4096];
	char word[3000];

	(void)memset(word, 'x', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	capture_pipe(&capture);
	log_info("%s", word);
	CHECK_EQ(captured(&capture, text, sizeof(text)), 11 + 1000 + 1);
	capture_end(&capture);
	CHECK(text[11 + 1000] == '\n');
}

static void *write_lines(void *context)
{
	for (int i = 0; i < 200; i++)
		log_info("%s", (const char *)context);
	return NULL;
}

TEST(lines_of_several_threads_do_not_mix)
{
	static char text[100000];
	static char words[2][32] = { "aaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbb" };
	struct capture capture;
	pthread_t threads[2];
	int lines = 0;

	capture_pipe(&capture);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&threads[i], NULL, write_lines, words[i]) == 0);
	for (int i = 0; i < 2; i++)
		(void)pthread_join(threads[i], NULL);
	(void)captured(&capture, text, sizeof(text));
	capture_end(&capture);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++)
		CHECK(!strcmp(line, "flowagent: aaaaaaaaaaaaaaaaaaaa") ||
		      !strcmp(line, "flowagent: bbbbbbbbbbbbbbbbbbbb"));
	CHECK_EQ(lines, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_file_that_is_removed_is_made_again),
		cmocka_unit_test(level_names_are_read_back),
		cmocka_unit_test(one_a_minute_passes_and_says_what_was_held_back),
		cmocka_unit_test(a_full_limit_forgets_what_was_not_heard_of_for_longest),
		cmocka_unit_test(what_is_held_back_comes_out_when_its_minute_is_over_or_at_the_end),
		cmocka_unit_test(a_full_limit_forgets_what_holds_nothing_back),
		cmocka_unit_test(
			lines_that_were_held_back_are_put_out_with_how_many_more_there_were),
		cmocka_unit_test(lines_carry_the_program_and_obey_the_level),
		cmocka_unit_test(names_from_outside_cannot_command_the_terminal),
		cmocka_unit_test(the_journal_gets_priorities),
		cmocka_unit_test(the_journal_gets_fields),
		cmocka_unit_test(error_texts_come_with_their_hint),
		cmocka_unit_test(the_last_problem_is_kept_even_if_it_is_not_shown),
		cmocka_unit_test(a_problem_lasts_until_it_is_over),
		cmocka_unit_test(a_full_pipe_loses_lines_and_says_so_later),
		cmocka_unit_test(one_line_that_is_lost_is_one_line),
		cmocka_unit_test(long_texts_are_cut_and_end_in_a_line_break),
		cmocka_unit_test(lines_of_several_threads_do_not_mix),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return RUN_TESTS(tests);
}
