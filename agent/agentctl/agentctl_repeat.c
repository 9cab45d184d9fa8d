/* agentctl_repeat.c - --watch: each turn is written into a memory file first, so that a screen
 * changes at once and is cut where the terminal ends.
 *
 * Invariant: standard output is the caller's again after each turn, whatever the command did. */
#include "agentctl_repeat.h"

#include "fault_text.h"
#include "time_now.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define SCREEN_CLEAR "\033[H\033[2J\033[3J"
#define LINES        24 /* of a terminal that does not say */

/* The signal, which only ends the wait. */
static volatile sig_atomic_t is_interrupted;

static void note_interrupt(int signal)
{
	(void)signal;
	is_interrupted = 1;
}

/* What one turn has printed, and how it ended. */
struct turn {
	char *text; /* owned, not ended */
	size_t size;
	enum agentctl_exit result;
};

/* Read what a memory file has into the turn. Returns 0 or a negative errno. */
static int take_output(struct turn *turn, int file)
{
	const off_t size = lseek(file, 0, SEEK_END);
	ssize_t got = 0;

	turn->text = size < 0 ? NULL : malloc((size_t)size + 1);
	if (!turn->text)
		return -ENOMEM;
	while (turn->size < (size_t)size &&
	       (got = pread(file, turn->text + turn->size, (size_t)size - turn->size,
			    (off_t)turn->size)) > 0)
		turn->size += (size_t)got;
	return got < 0 ? -errno : 0;
}

/* Run the command once. Returns 0 or a negative errno: then the turn has no text. */
static int run_turn(const struct agentctl_command *command, const struct agentctl_options *options,
		    struct turn *turn)
{
	const int file = memfd_create("agentctl", MFD_CLOEXEC);
	const int output = dup(STDOUT_FILENO);
	int result = -errno;

	*turn = (struct turn){ .text = NULL };
	if (file >= 0 && output >= 0 && dup2(file, STDOUT_FILENO) >= 0) {
		turn->result = command->run(command, options);
		result = fflush(stdout) ? -errno : take_output(turn, file);
		(void)dup2(output, STDOUT_FILENO);
	}
	if (file >= 0)
		(void)close(file);
	if (output >= 0)
		(void)close(output);
	return result;
}

/* Bytes of the lines that a terminal has room for, but one. */
static size_t visible_size(const struct turn *turn)
{
	struct winsize window = { .ws_row = 0 };
	size_t lines = LINES;
	const char *end = turn->text;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_row > 0)
		lines = window.ws_row;
	while (--lines && end) {
		const size_t left = turn->size - (size_t)(end - turn->text);

		end = memchr(end, '\n', left);
		end = end ? end + 1 : NULL;
	}
	return end ? (size_t)(end - turn->text) : turn->size;
}

/* The lines of a turn, each a row, as one array. */
static void print_array(struct turn *turn)
{
	(void)putchar('[');
	for (size_t i = 0; i + 1 < turn->size; i++)
		if (turn->text[i] == '\n')
			turn->text[i] = ',';
	if (turn->size)
		(void)fwrite(turn->text, 1, turn->size - 1, stdout);
	(void)puts("]");
}

static void print_turn(struct turn *turn, const struct agentctl_options *options, bool is_first)
{
	size_t size = turn->size;

	if (options->format == AGENTCTL_JSON) {
		print_array(turn);
		return;
	}
	if (isatty(STDOUT_FILENO)) {
		(void)fputs(SCREEN_CLEAR, stdout);
		size = visible_size(turn);
	} else if (!is_first) {
		(void)putchar('\n');
	}
	(void)fwrite(turn->text, 1, size, stdout);
}

/* Until the time has come, or the signal has. */
static void wait_until(int64_t next_ms)
{
	sigset_t blocked, before;

	/* Blocked until ppoll() waits: none is missed between the look and the wait. */
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &blocked, &before);
	while (!is_interrupted) {
		const int64_t left_ms = next_ms - time_now_ms(CLOCK_MONOTONIC);

		if (left_ms <= 0)
			break;
		(void)ppoll(NULL, 0,
			    &(struct timespec){ .tv_sec = left_ms / 1000,
						.tv_nsec = left_ms % 1000 * 1000000 },
			    &before);
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
}

enum agentctl_exit agentctl_repeat(const struct agentctl_command *command,
				   const struct agentctl_options *options)
{
	/* A second one ends what does not answer. */
	const struct sigaction action = { .sa_handler = note_interrupt,
					  .sa_flags = (int)SA_RESETHAND };
	struct agentctl_options quiet = *options;
	struct error_text error = { .text = "" };
	struct turn turn = { .result = AGENTCTL_DONE };

	quiet.is_quiet = true; /* how many rows there were would come anew each time */
	is_interrupted = 0;
	(void)sigaction(SIGINT, &action, NULL);
	for (bool is_first = true; !is_interrupted; is_first = false) {
		const int64_t begin_ms = time_now_ms(CLOCK_MONOTONIC);
		const int result = run_turn(command, &quiet, &turn);

		if (result) {
			error_text_set(&error, "cannot keep what %s %s prints: %s", command->verb,
				       command->noun, fault_text(-result));
			agentctl_print_error(&error);
			turn.result = AGENTCTL_FAILED;
		} else if (turn.size || !turn.result) {
			print_turn(&turn, options, is_first);
		}
		free(turn.text);
		if (turn.result || fflush(stdout) || ferror(stdout))
			return turn.result;
		wait_until(begin_ms + options->watch_ms);
	}
	return AGENTCTL_DONE;
}
