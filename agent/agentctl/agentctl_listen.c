/* agentctl_listen.c - the command `listen`: until enough came, the time is over, or Ctrl-C. */
#include "agentctl_listen.h"

#include "agentctl_listen_rows.h"
#include "agentctl_listen_sockets.h"
#include "time_now.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define DATAGRAMS_AT_ONCE 64
#define SOCKETS           (2 + LISTEN_SESSIONS)

/* A descriptor that becomes readable by Ctrl-C and by a service manager's end. */
static int open_signals(void)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* How long to wait: -1 for ever. */
static int wait_ms(int64_t deadline_ms)
{
	const int64_t left_ms = deadline_ms - time_now_ms(CLOCK_MONOTONIC);

	if (deadline_ms < 0)
		return -1;
	if (left_ms <= 0)
		return 0;
	return left_ms > 60000 ? 60000 : (int)left_ms;
}

/* Whether an end was reached that is not the caller's. */
static bool is_enough(const struct agentctl_listen_view *view)
{
	return view->failure || ferror(stdout) || (view->wanted && view->flows >= view->wanted);
}

/* Read and print until the end. Returns whether the time was over. */
static bool run(struct agentctl_listen_sockets *sockets, struct listener *listener,
		struct agentctl_listen_view *view, int signals, int64_t deadline_ms)
{
	struct pollfd polled[SOCKETS + 1];

	for (;;) {
		int ready;

		memcpy(polled, sockets->polled, sizeof(sockets->polled));
		polled[SOCKETS] = (struct pollfd){ .fd = signals, .events = POLLIN };
		ready = poll(polled, SOCKETS + 1, wait_ms(deadline_ms));
		if (ready < 0 && errno != EINTR)
			return false;
		for (size_t i = 0; i < SOCKETS; i++)
			sockets->polled[i].revents = ready > 0 ? polled[i].revents : 0;
		view->now = time_now_ms(CLOCK_REALTIME);
		agentctl_listen_read(sockets, listener, DATAGRAMS_AT_ONCE);
		(void)agentctl_table_finish(view->table); /* what there is, at once */
		(void)fflush(stdout);
		if (is_enough(view))
			return false;
		if (ready > 0 && polled[SOCKETS].revents)
			return false;
		if (deadline_ms >= 0 && time_now_ms(CLOCK_MONOTONIC) >= deadline_ms)
			return true;
	}
}

static enum agentctl_exit judge(const struct listener *listener,
				const struct agentctl_listen_view *view, bool is_over)
{
	struct error_text error = { .text = "" };

	if (view->failure == -ENOMEM)
		error_text_set(&error, "out of memory");
	else if (is_over && view->flows == 0)
		error_text_set(&error, "no flow came");
	else if (is_over && view->flows < view->wanted)
		error_text_set(&error, "fewer flows came than --count asks for");
	agentctl_print_error(&error);
	if (view->failure)
		return AGENTCTL_FAILED;
	for (size_t i = 0; i < LISTEN_FINDING_COUNT; i++)
		if (listen_finding_is_fault((enum listen_finding)i) &&
		    listener_found(listener, (enum listen_finding)i))
			return AGENTCTL_FAILED;
	return error.text[0] ? AGENTCTL_TIMED_OUT : AGENTCTL_DONE;
}

static enum agentctl_exit serve(struct agentctl_listen_sockets *sockets,
				struct agentctl_listen_view *view, struct listener *listener)
{
	const int64_t for_ms = view->options->for_ms;
	const int signals = open_signals();
	bool is_over;

	if (signals < 0)
		return AGENTCTL_FAILED;
	is_over = run(sockets, listener, view, signals,
		      for_ms < 0 ? -1 : time_now_ms(CLOCK_MONOTONIC) + for_ms);
	(void)close(signals);
	listener_finish(listener, time_now_ms(CLOCK_REALTIME));
	agentctl_listen_summary(view, listener);
	return judge(listener, view, is_over);
}

enum agentctl_exit agentctl_listen(const struct agentctl_command *command,
				   const struct agentctl_options *options)
{
	struct agentctl_listen_view view = { .options = options, .wanted = options->count };
	const struct listen_sink sink = { &view, agentctl_listen_record, agentctl_listen_finding };
	struct agentctl_listen_sockets sockets;
	struct error_text error = { .text = "" };
	char place[LISTENER_TEXT_SIZE];
	struct listener *listener = NULL;
	enum agentctl_exit result = AGENTCTL_FAILED;
	int fault;

	if (options->word_count > 1) {
		error_text_set(&error, "\"%s\": expected one ADDRESS:PORT", options->words[1]);
		agentctl_print_error(&error);
		return AGENTCTL_USAGE;
	}
	fault = agentctl_listen_open(&sockets, options->word_count ? options->words[0] : NULL,
				     place, &error);
	if (fault) {
		agentctl_print_error(&error);
		if (fault == -EINVAL)
			return AGENTCTL_USAGE;
		return fault == -EACCES ? AGENTCTL_NOT_PERMITTED : AGENTCTL_FAILED;
	}
	view.table = agentctl_table_create(command->columns, options, &error);
	listener = view.table ? listener_create(&sink) : NULL;
	if (listener) {
		agentctl_say(options, "listening on %s, UDP and TCP\n", place);
		result = serve(&sockets, &view, listener);
	} else {
		agentctl_print_error(&error);
		result = error.text[0] ? AGENTCTL_USAGE : AGENTCTL_FAILED;
	}
	listener_destroy(listener);
	agentctl_table_destroy(view.table);
	agentctl_listen_close(&sockets);
	return result;
}
