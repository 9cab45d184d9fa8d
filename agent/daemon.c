/* daemon.c - the event loop of the daemon: what it looks at, and what comes of it. */
#include "daemon.h"

#include "control_server.h"
#include "counters_log.h"
#include "descriptor_store.h"
#include "event_loop.h"
#include "fault_text.h"
#include "log.h"
#include "pipeline.h"
#include "reload.h"
#include "rules_watch.h"
#include "status_line.h"
#include "time_now.h"
#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#define STATUS_INTERVAL_US 5000000u
#define LOG_INTERVAL_US    1000000u
/* After the second signal: how long threads have to count what is lost. None waits for a network;
 * one that takes longer hangs in a write to a disk. */
#define ABANDON_US    5000000u
#define LOOPLESS_MS   100 /* between two looks at signals without an event loop */
#define WATCHDOG_TURN 10  /* of those, between two reports to the watchdog */

void daemon_on_finished(void *context)
{
	struct daemon *daemon = context;

	daemon->has_finished = true;
	(void)sd_event_exit(daemon->loop, 0); /* refused only where no loop runs */
}

static int on_pipeline(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct daemon *daemon = context;

	(void)source;
	(void)descriptor;
	(void)events;
	pipeline_dispatch(daemon->pipeline);
	return 0;
}

static int on_source_news(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct daemon *daemon = context;

	(void)source;
	(void)descriptor;
	(void)events;
	pipeline_source_dispatch(daemon->pipeline);
	return 0;
}

static int on_asn_table(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct daemon *daemon = context;

	(void)source;
	(void)descriptor;
	(void)events;
	pipeline_asn_dispatch(daemon->pipeline);
	return 0;
}

/* A thread does not come back: there are no numbers to report, and no thread to join. */
static int on_hang_timer(sd_event_source *source, uint64_t now_us, void *context)
{
	struct daemon *daemon = context;

	(void)source;
	(void)now_us;
	daemon->has_hung = true;
	return sd_event_exit(daemon->loop, 0);
}

static void begin_stop(struct daemon *daemon)
{
	daemon->is_stopping = true;
	(void)sd_notify(0, "STOPPING=1");
	pipeline_stop(daemon->pipeline);
}

/* The first signal ends in order. The second one waits for nobody any more: what cannot be sent at
 * once is lost, and the summary follows when all of it is counted. */
static void on_stop_signal(void *context, const char *name)
{
	struct daemon *daemon = context;
	int result;

	if (!daemon->is_stopping) {
		log_info("%s: stopping: what is cached will be exported", name);
		begin_stop(daemon);
		return;
	}
	if (daemon->hang_timer)
		return;
	log_notice("%s again: what cannot be sent at once is counted as lost", name);
	pipeline_abandon(daemon->pipeline);
	result = sd_event_add_time_relative(daemon->loop, &daemon->hang_timer, CLOCK_MONOTONIC,
					    ABANDON_US, 0, on_hang_timer, daemon);
	if (result < 0)
		log_warning("no bound for the end: %s", fault_text(-result));
}

/* The service manager restarts the agent (RestartKillSignal= in the unit), and kills it if it does
 * not end: what cannot be handed over is exported. */
static void on_hand_over_signal(void *context, const char *name)
{
	struct daemon *daemon = context;

	if (daemon->is_stopping)
		return;
	if (!getenv("NOTIFY_SOCKET")) {
		log_notice("%s ignored: there is no service manager that keeps the sources for the "
			   "next agent",
			   name);
		return;
	}
	if (!daemon_is_live(daemon)) {
		log_notice("%s: files are not handed over: what is cached will be exported", name);
		begin_stop(daemon);
		return;
	}
	if (!descriptor_store_has_room(daemon->store)) {
		log_warning("%s: the service manager has no room for the state "
			    "(FileDescriptorStoreMax=): what is cached will be exported, and "
			    "packets until the next start are lost",
			    name);
		begin_stop(daemon);
		return;
	}
	log_info("%s: handing over to the next agent: flows stay cached", name);
	daemon->hands_over = true;
	daemon->is_stopping = true;
	(void)sd_notify(0, "STOPPING=1");
	pipeline_stop_and_hold(daemon->pipeline);
}

/* The copy of its socket is closed with the process: then that agent begins. The control socket is
 * its own, too. */
static void on_replaced(void *context, int socket)
{
	struct daemon *daemon = context;

	(void)fcntl(socket, F_DUPFD_CLOEXEC, 0);
	daemon->is_stopping = daemon->is_replaced = true;
	control_server_leave(daemon->control);
	(void)sd_event_exit(daemon->loop, 0);
}

static void on_counters_signal(void *context)
{
	const struct daemon *daemon = context;

	counters_log_now(daemon->pipeline);
}

static void on_reload_signal(void *context)
{
	struct daemon *daemon = context;
	struct config_changes changes;
	struct error_text error;

	(void)reload_files(daemon->reload, &changes, &error); /* it is in the log */
	config_changes_clear(&changes);
}

/* Every second: whether the log's file is still there, and whether all is in that was taken over.
 */
static int on_log_timer(sd_event_source *source, uint64_t now_us, void *context)
{
	const struct daemon *daemon = context;

	log_look_at_file();
	pipeline_forget_taken(daemon->pipeline);
	return sd_event_source_set_time(source, now_us + LOG_INTERVAL_US);
}

/* What is looked at every few seconds. */
static int on_status_timer(sd_event_source *source, uint64_t now_us, void *context)
{
	struct daemon *daemon = context;
	struct pipeline_snapshot snapshot;

	log_held_back(false);
	rules_watch_look(daemon->rules, time_now_ms(CLOCK_MONOTONIC));
	pipeline_asn_dispatch(daemon->pipeline);
	pipeline_settle(daemon->pipeline);
	if (pipeline_snapshot(daemon->pipeline, &snapshot) < 0)
		return sd_event_source_set_time(source, now_us + STATUS_INTERVAL_US);
	status_line_send(&snapshot, (snapshot.workers.packets_read - daemon->packets_before) /
					    (STATUS_INTERVAL_US / 1000000));
	ledger_log_look(&daemon->ledger_log, &snapshot, daemon->config.max_flows);
	silence_log_look(&daemon->silence_log, &snapshot, time_now_ms(CLOCK_MONOTONIC));
	daemon->packets_before = snapshot.workers.packets_read;
	pipeline_snapshot_clear(&snapshot);
	return sd_event_source_set_time(source, now_us + STATUS_INTERVAL_US);
}

/* The rules that are there from the beginning can be missed later. */
static void start_watching(struct daemon *daemon)
{
	daemon->rules = rules_watch_create(&daemon->config);
	rules_watch_look(daemon->rules, time_now_ms(CLOCK_MONOTONIC));
}

static int add_input(struct daemon *daemon, int descriptor, sd_event_io_handler_t on_input)
{
	return descriptor < 0
		       ? 0
		       : sd_event_add_io(daemon->loop, NULL, descriptor, EPOLLIN, on_input, daemon);
}

/* First after 'interval_us'; what it calls sets the next time. */
static int add_timer(struct daemon *daemon, sd_event_source **timer, uint64_t interval_us,
		     sd_event_time_handler_t on_time)
{
	const int result = sd_event_add_time_relative(daemon->loop, timer, CLOCK_MONOTONIC,
						      interval_us, 0, on_time, daemon);

	return result < 0 ? result : sd_event_source_set_enabled(*timer, SD_EVENT_ON);
}

static int add_events(struct daemon *daemon)
{
	struct pipeline *pipeline = daemon->pipeline;
	int result = sd_event_default(&daemon->loop);

	daemon->signals = (struct signals_events){ on_stop_signal, on_hand_over_signal,
						   on_counters_signal, on_reload_signal, daemon };
	if (result >= 0)
		result = add_input(daemon, pipeline_descriptor(pipeline), on_pipeline);
	if (result >= 0)
		result = add_input(daemon, pipeline_source_descriptor(pipeline), on_source_news);
	if (result >= 0)
		result = add_input(daemon, pipeline_asn_descriptor(pipeline), on_asn_table);
	if (result >= 0)
		result = signals_add(daemon->loop, &daemon->signals);
	if (result >= 0)
		result = add_timer(daemon, &daemon->status_timer, STATUS_INTERVAL_US,
				   on_status_timer);
	if (result >= 0)
		result = add_timer(daemon, &daemon->log_timer, LOG_INTERVAL_US, on_log_timer);
	if (result >= 0)
		result = watchdog_create(daemon->loop, pipeline, &daemon->watchdog);
	return result;
}

static int open_server(struct daemon *daemon, struct error_text *error)
{
	const struct control_context context = {
		.pipeline = daemon->pipeline,
		.config = &daemon->config,
		.admin_group = daemon->config.admin_group,
		.reload = daemon->reload,
		.rules = daemon->rules,
		.hand_over = on_replaced,
		.owner = daemon,
		.started_unix_ms = time_now_ms(CLOCK_REALTIME),
	};

	if (daemon->control_descriptor < 0)
		return 0;
	daemon->control =
		control_server_create(daemon->loop, daemon->control_descriptor, &context, error);
	return daemon->control ? 0 : -EIO;
}

int daemon_start_loop(struct daemon *daemon, struct error_text *error)
{
	int result;

	start_watching(daemon);
	result = add_events(daemon);
	if (result < 0) {
		error_text_set(error, "cannot set up the event loop: %s", fault_text(-result));
		return result;
	}
	return open_server(daemon, error);
}

/* The event loop has failed: end in order without it. A signal that stops is one more than the
 * first here, so it abandons. Returns whether all is sent or lost. */
static bool finish_without_loop(struct daemon *daemon)
{
	struct pollfd finished = { .fd = pipeline_descriptor(daemon->pipeline), .events = POLLIN };
	int64_t until_ms = INT64_MAX;

	begin_stop(daemon);
	for (unsigned int turn = 0; !daemon->has_finished; turn++) {
		const int64_t now_ms = time_now_ms(CLOCK_MONOTONIC);

		if (now_ms >= until_ms)
			return false;
		if (signals_take_stop() && until_ms == INT64_MAX) {
			pipeline_abandon(daemon->pipeline);
			until_ms = now_ms + ABANDON_US / 1000;
		}
		if (turn % WATCHDOG_TURN == WATCHDOG_TURN - 1)
			watchdog_look(daemon->watchdog);
		(void)poll(&finished, 1, LOOPLESS_MS);
		pipeline_dispatch(daemon->pipeline);
	}
	return true;
}

int daemon_run_loop(struct daemon *daemon)
{
	const int result = event_loop_run(daemon->loop);

	if (result >= 0)
		return 0;
	log_error("the event loop has failed: %s; what is cached will be exported, then the agent "
		  "ends",
		  fault_text(-result));
	daemon->has_hung = !finish_without_loop(daemon);
	return result;
}

void daemon_end_loop(struct daemon *daemon)
{
	control_server_destroy(daemon->control);
	watchdog_destroy(daemon->watchdog);
	rules_watch_destroy(daemon->rules);
	(void)sd_event_source_unref(daemon->status_timer);
	(void)sd_event_source_unref(daemon->log_timer);
	(void)sd_event_source_unref(daemon->hang_timer);
	(void)sd_event_unref(daemon->loop);
}
