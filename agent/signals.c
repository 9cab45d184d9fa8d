/* signals.c - the table of signals, and how they reach the event loop. */
#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

enum meaning { MEANS_stop, MEANS_hand_over, MEANS_counters, MEANS_reload };

static const struct {
	int number;
	enum meaning meaning;
	const char *name;
} taken[] = {
	{ SIGTERM, MEANS_stop, "SIGTERM" },     { SIGINT, MEANS_stop, "SIGINT" },
	{ SIGQUIT, MEANS_stop, "SIGQUIT" },     { SIGALRM, MEANS_stop, "SIGALRM" },
	{ SIGXCPU, MEANS_stop, "SIGXCPU" }, /* the limit of CPU time: SIGKILL follows */
	{ SIGUSR1, MEANS_counters, "SIGUSR1" }, { SIGUSR2, MEANS_hand_over, "SIGUSR2" },
	{ SIGHUP, MEANS_reload, "SIGHUP" },
};

/* Their default would end the agent. A pipe or file at its end is one more failed write. */
static const int ignored[] = {
	SIGPIPE, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT,
};

#define TAKEN_COUNT (sizeof(taken) / sizeof(taken[0]))

static sigset_t signals_of(enum meaning first, enum meaning last)
{
	sigset_t signals;

	(void)sigemptyset(&signals);
	for (size_t i = 0; i < TAKEN_COUNT; i++)
		if (taken[i].meaning >= first && taken[i].meaning <= last)
			(void)sigaddset(&signals, taken[i].number);
	return signals;
}

void signals_block(void)
{
	const sigset_t signals = signals_of(MEANS_stop, MEANS_reload);

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
		(void)signal(number, SIG_IGN);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	const struct signals_events *events = context;

	(void)source;
	for (size_t i = 0; i < TAKEN_COUNT; i++) {
		if (taken[i].number != (int)info->ssi_signo)
			continue;
		if (taken[i].meaning == MEANS_stop)
			events->stop(events->context, taken[i].name);
		else if (taken[i].meaning == MEANS_hand_over)
			events->hand_over(events->context, taken[i].name);
		else if (taken[i].meaning == MEANS_counters)
			events->counters(events->context);
		else
			events->reload(events->context);
	}
	return 0;
}

int signals_add(sd_event *loop, const struct signals_events *events)
{
	/* The callback does not change them; sd-event knows no const. */
	void *context = (void *)(uintptr_t)events;
	int result = 0;

	for (size_t i = 0; result >= 0 && i < TAKEN_COUNT; i++)
		result = sd_event_add_signal(loop, NULL, taken[i].number, on_signal, context);
	return result < 0 ? result : 0;
}

bool signals_take_stop(void)
{
	const sigset_t signals = signals_of(MEANS_stop, MEANS_stop);
	const struct timespec at_once = { 0 };

	return sigtimedwait(&signals, NULL, &at_once) > 0;
}
