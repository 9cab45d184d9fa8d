/* agentctl_terminal.c - termios, the alternate screen, and a signalfd.
 *
 * Place: agentctl_top -> here -> the terminal.
 * Invariant: whatever ends the program by a signal that can be caught, the terminal is as before.
 */
#include "agentctl_terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l\033[2J" /* other screen, no cursor, empty */
#define LEAVE "\033[0m\033[?25h\033[?1049l"

struct agentctl_terminal {
	struct termios before;
	sigset_t blocked_before;
	int signals; /* owned */
};

bool agentctl_terminal_is_there(void)
{
	const char *name = getenv("TERM");

	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) && name && *name &&
	       strcmp(name, "dumb") != 0;
}

static void enter(const struct agentctl_terminal *terminal)
{
	struct termios raw = terminal->before;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C and Ctrl-Z stay signals */
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
	(void)fputs(ENTER, stdout);
	(void)fflush(stdout);
}

static void leave(const struct agentctl_terminal *terminal)
{
	(void)fputs(LEAVE, stdout);
	(void)fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal->before);
}

struct agentctl_terminal *agentctl_terminal_open(void)
{
	static const int events[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP };
	struct agentctl_terminal *terminal = calloc(1, sizeof(*terminal));
	sigset_t signals;

	if (!terminal)
		return NULL;
	(void)sigemptyset(&signals);
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		(void)sigaddset(&signals, events[i]);
	terminal->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (terminal->signals < 0 || tcgetattr(STDIN_FILENO, &terminal->before) != 0) {
		if (terminal->signals >= 0)
			(void)close(terminal->signals);
		free(terminal);
		return NULL;
	}
	(void)sigprocmask(SIG_BLOCK, &signals, &terminal->blocked_before);
	enter(terminal);
	return terminal;
}

void agentctl_terminal_close(struct agentctl_terminal *terminal)
{
	if (!terminal)
		return;
	leave(terminal);
	(void)close(terminal->signals);
	(void)sigprocmask(SIG_SETMASK, &terminal->blocked_before, NULL);
	free(terminal);
}

void agentctl_terminal_size(size_t *width, size_t *height)
{
	struct winsize size = { .ws_col = 0 };

	*width = 80;
	*height = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		return;
	if (size.ws_col)
		*width = size.ws_col;
	if (size.ws_row)
		*height = size.ws_row;
}

static enum agentctl_terminal_event take_signal(const struct agentctl_terminal *terminal)
{
	struct signalfd_siginfo signal;

	if (read(terminal->signals, &signal, sizeof(signal)) != (ssize_t)sizeof(signal))
		return TERMINAL_TIME;
	if (signal.ssi_signo == SIGWINCH)
		return TERMINAL_CHANGED;
	if (signal.ssi_signo != SIGTSTP)
		return TERMINAL_END;
	leave(terminal);
	(void)raise(SIGSTOP);
	enter(terminal);
	return TERMINAL_CHANGED;
}

enum agentctl_terminal_event agentctl_terminal_wait(struct agentctl_terminal *terminal,
						    int64_t milliseconds, char keys[static 64],
						    size_t *size)
{
	struct pollfd descriptors[] = { { .fd = terminal->signals, .events = POLLIN },
					{ .fd = STDIN_FILENO, .events = POLLIN } };
	const int wait_ms = milliseconds > INT32_MAX ? INT32_MAX : (int)milliseconds;
	ssize_t got;

	*size = 0;
	if (poll(descriptors, 2, wait_ms) <= 0)
		return TERMINAL_TIME;
	if (descriptors[0].revents)
		return take_signal(terminal);
	got = read(STDIN_FILENO, keys, 64);
	if (got <= 0)
		return got < 0 && errno == EINTR ? TERMINAL_TIME : TERMINAL_END;
	*size = (size_t)got;
	return TERMINAL_KEYS;
}
