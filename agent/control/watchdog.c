/* watchdog.c - asks the threads four times in WatchdogSec=. */
#include "watchdog.h"

#include "log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#define LOOKS_IN_TIME 4

struct watchdog {
	struct pipeline *pipeline; /* borrowed */
	sd_event_source *timer;    /* owned */
	uint64_t interval_us;
	const char *hung; /* the thread that hung at the last look; NULL: none */
};

void watchdog_look(struct watchdog *watchdog)
{
	char doing[PIPELINE_DOING_SIZE];
	const char *hung = watchdog ? pipeline_hung_thread(watchdog->pipeline, doing) : NULL;

	if (!watchdog)
		return;
	if (watchdog->hung && watchdog->hung != hung)
		log_problem_over("hangs", watchdog->hung);
	watchdog->hung = hung;
	if (hung)
		log_problem(LOG_LEVEL_error, "hangs", "thread-hangs", hung,
			    "%s does not answer, it is %s: systemd's watchdog gets no report", hung,
			    doing);
	else
		(void)sd_notify(0, "WATCHDOG=1");
}

static int on_timer(sd_event_source *source, uint64_t now_us, void *context)
{
	struct watchdog *watchdog = context;

	assert(watchdog);
	watchdog_look(watchdog);
	return sd_event_source_set_time(source, now_us + watchdog->interval_us);
}

int watchdog_create(sd_event *loop, struct pipeline *pipeline, struct watchdog **created)
{
	struct watchdog *watchdog;
	uint64_t time_us = 0;
	int result = sd_watchdog_enabled(0, &time_us);

	*created = NULL;
	if (result <= 0)
		return result;
	watchdog = calloc(1, sizeof(*watchdog));
	if (!watchdog)
		return -ENOMEM;
	watchdog->pipeline = pipeline;
	watchdog->interval_us = time_us / LOOKS_IN_TIME;
	result = sd_event_add_time_relative(loop, &watchdog->timer, CLOCK_MONOTONIC,
					    watchdog->interval_us, 0, on_timer, watchdog);
	if (result >= 0)
		result = sd_event_source_set_enabled(watchdog->timer, SD_EVENT_ON);
	if (result < 0) {
		watchdog_destroy(watchdog);
		return result;
	}
	*created = watchdog;
	return 0;
}

void watchdog_destroy(struct watchdog *watchdog)
{
	if (!watchdog)
		return;
	(void)sd_event_source_disable_unref(watchdog->timer);
	free(watchdog);
}
