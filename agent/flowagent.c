/* flowagent.c - main of the daemon: open what needs privileges, drop them, run the event loop,
 * finish in order.
 *
 * Place: calls every room of agent/ but agentctl/ and asn/; the event loop is the control thread.
 */
#include "config_life.h"
#include "config_load.h"
#include "config_memory.h"
#include "control_server.h"
#include "counters_log.h"
#include "defaults.h"
#include "descriptor_store.h"
#include "event_loop.h"
#include "fprobe_ulog.h"
#include "fault_text.h"
#include "kept_config.h"
#include "ledger_log.h"
#include "log.h"
#include "pipeline.h"
#include "privileges.h"
#include "reload.h"
#include "rules_watch.h"
#include "signals.h"
#include "standard_streams.h"
#include "status_line.h"
#include "successor.h"
#include "summary.h"
#include "time_now.h"
#include "watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define STATUS_INTERVAL_US 5000000u
#define LOG_INTERVAL_US    1000000u
/* After the second signal: how long threads have to count what is lost. None waits for a network;
 * one that takes longer hangs in a write to a disk. */
#define ABANDON_US    5000000u
#define LOOPLESS_MS   100 /* between two looks at signals without an event loop */
#define WATCHDOG_TURN 10  /* of those, between two reports to the watchdog */

enum { EXIT_DONE = 0, EXIT_RUNTIME = 1, EXIT_USAGE = 2 };

struct daemon {
	int argc;
	char *const *argv;
	struct config config;
	struct fprobe_ulog fprobe_ulog; /* under that name */
	struct descriptor_store *store; /* owned */
	struct pipeline *pipeline;      /* owned */
	struct control_server *control; /* owned; NULL without socket */
	int control_descriptor;         /* until control takes it */
	int predecessor;               /* socket of the agent whose place this one takes; 0: none */
	FILE *summary;                 /* owned until written; NULL: none wanted */
	sd_event *loop;                /* owned */
	sd_event_source *status_timer; /* owned */
	sd_event_source *log_timer;    /* owned */
	sd_event_source *hang_timer;   /* owned; NULL before the second signal */
	struct watchdog *watchdog;     /* owned; NULL: none */
	struct rules_watch *rules;     /* owned; NULL: none */
	struct reload *reload;         /* owned */
	struct signals_events signals;
	uint64_t packets_before; /* for the rate in the status line */
	struct ledger_log ledger_log;
	uint64_t records_lost; /* at the end, by all collectors together */
	bool is_stopping;
	bool hands_over;   /* to the next agent, which the service manager starts */
	bool is_replaced;  /* all is another agent's already */
	bool has_finished; /* all is sent or lost */
	bool has_hung;     /* a thread did not get there */
};

static bool is_live(const struct config *config)
{
	return config->sources[0].type->is_live;
}

static void on_finished(void *context)
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
	if (!is_live(&daemon->config)) {
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

/* Another configuration was read. */
static int on_config_read(void *context, struct config *next, struct error_text *error)
{
	const struct daemon *daemon = context;

	return fprobe_ulog_keep_addresses(&daemon->fprobe_ulog, &daemon->config, next, error);
}

/* Another configuration holds. */
static void on_config_taken(void *context)
{
	struct daemon *daemon = context;

	rules_watch_renew(daemon->rules);
	kept_config_put(&daemon->config, daemon->store);
	config_memory_warn(&daemon->config);
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
	daemon->packets_before = snapshot.workers.packets_read;
	pipeline_snapshot_clear(&snapshot);
	return sd_event_source_set_time(source, now_us + STATUS_INTERVAL_US);
}

static int open_reload(struct daemon *daemon, struct error_text *error)
{
	daemon->reload = reload_create(&(struct reload_config){
		.argc = daemon->fprobe_ulog.is_active ? 1 : daemon->argc,
		.argv = daemon->argv,
		.is_fixed = daemon->fprobe_ulog.is_active,
		.config = &daemon->config,
		.pipeline = daemon->pipeline,
		.complete = on_config_read,
		.taken = on_config_taken,
		.context = daemon,
	});
	if (!daemon->reload)
		error_text_set(error, "no memory");
	return daemon->reload ? 0 : -ENOMEM;
}

static int open_control(struct daemon *daemon, struct error_text *error)
{
	const char *path = daemon->config.control;
	struct error_text reason;

	daemon->control_descriptor = -1;
	if (daemon->predecessor) {
		daemon->control_descriptor = successor_control(daemon->store, error);
		return daemon->control_descriptor < 0 ? daemon->control_descriptor : 0;
	}
	if (path ? strcmp(path, "none") == 0 : !is_live(&daemon->config))
		return 0;
	daemon->control_descriptor = control_server_bind(path ? path : DEFAULT_CONTROL_SOCKET,
							 daemon->config.user, &reason);
	if (daemon->control_descriptor >= 0)
		return 0;
	if (path) {
		*error = reason;
		return daemon->control_descriptor;
	}
	/* Nobody asked for the default socket: a second agent by hand runs without. */
	log_warning("%s; running without a control socket", reason.text);
	return 0;
}

/* The rules that are there from the beginning can be missed later. */
static void start_watching(struct daemon *daemon)
{
	daemon->rules = rules_watch_create(&daemon->config);
	rules_watch_look(daemon->rules, time_now_ms(CLOCK_MONOTONIC));
}

static int start_loop(struct daemon *daemon, struct error_text *error)
{
	struct control_context context = {
		.pipeline = daemon->pipeline,
		.config = &daemon->config,
		.reload = daemon->reload,
		.hand_over = on_replaced,
		.owner = daemon,
		.started_unix_ms = time_now_ms(CLOCK_REALTIME),
	};
	int result = sd_event_default(&daemon->loop);

	start_watching(daemon);
	context.rules = daemon->rules;
	if (result >= 0)
		result = sd_event_add_io(daemon->loop, NULL, pipeline_descriptor(daemon->pipeline),
					 EPOLLIN, on_pipeline, daemon);
	if (result >= 0)
		result = sd_event_add_io(daemon->loop, NULL,
					 pipeline_source_descriptor(daemon->pipeline), EPOLLIN,
					 on_source_news, daemon);
	if (result >= 0 && pipeline_asn_descriptor(daemon->pipeline) >= 0)
		result = sd_event_add_io(daemon->loop, NULL,
					 pipeline_asn_descriptor(daemon->pipeline), EPOLLIN,
					 on_asn_table, daemon);
	if (result >= 0)
		result = signals_add(daemon->loop, &daemon->signals);
	if (result >= 0)
		result = sd_event_add_time_relative(daemon->loop, &daemon->status_timer,
						    CLOCK_MONOTONIC, STATUS_INTERVAL_US, 0,
						    on_status_timer, daemon);
	if (result >= 0)
		result = sd_event_source_set_enabled(daemon->status_timer, SD_EVENT_ON);
	if (result >= 0)
		result = sd_event_add_time_relative(daemon->loop, &daemon->log_timer,
						    CLOCK_MONOTONIC, LOG_INTERVAL_US,
						    LOG_INTERVAL_US, on_log_timer, daemon);
	if (result >= 0)
		result = sd_event_source_set_enabled(daemon->log_timer, SD_EVENT_ON);
	if (result >= 0)
		result = watchdog_create(daemon->loop, daemon->pipeline, &daemon->watchdog);
	if (result < 0) {
		error_text_set(error, "cannot set up the event loop: %s", fault_text(-result));
		return result;
	}
	if (daemon->control_descriptor < 0)
		return 0;
	daemon->control =
		control_server_create(daemon->loop, daemon->control_descriptor, &context, error);
	return daemon->control ? 0 : -EIO;
}

/* Counters may continue those of an earlier agent: only what is new is a rate, or news. */
static void note_counters(struct daemon *daemon)
{
	struct pipeline_snapshot snapshot;

	if (pipeline_snapshot(daemon->pipeline, &snapshot) < 0)
		return;
	daemon->packets_before = snapshot.workers.packets_read;
	ledger_log_begin(&daemon->ledger_log, &snapshot);
	pipeline_snapshot_clear(&snapshot);
}

/* As the one who started us: privileges_drop() may leave us no right to write there. */
static int open_summary(struct daemon *daemon, struct error_text *error)
{
	if (!daemon->config.summary)
		return 0;
	daemon->summary = summary_open(daemon->config.summary, daemon->config.user, error);
	return daemon->summary ? 0 : -EIO;
}

static int drop_privileges(struct daemon *daemon, struct error_text *error)
{
	fprobe_ulog_claim(&daemon->fprobe_ulog);
	return privileges_drop(&daemon->config, daemon->fprobe_ulog.root, error);
}

/* At the end: whether every packet and record is accounted for, and the summary. */
static int close_ledger(struct daemon *daemon, struct error_text *error)
{
	struct pipeline_snapshot snapshot;
	int result = pipeline_snapshot(daemon->pipeline, &snapshot);

	if (result < 0) {
		error_text_set(error, "no summary: %s", fault_text(-result));
		return result;
	}
	daemon->records_lost =
		ledger_log_end(&daemon->ledger_log, &snapshot, daemon->config.max_flows);
	if (daemon->summary)
		result = summary_write(daemon->summary, daemon->config.summary, &snapshot, error);
	daemon->summary = NULL;
	pipeline_snapshot_clear(&snapshot);
	return result;
}

/* At the end in order: leave what the next agent needs, or let go of it. */
static int leave(struct daemon *daemon, struct error_text *error)
{
	if (daemon->is_replaced)
		return 0;
	if (daemon->hands_over)
		return pipeline_hand_over(daemon->pipeline, error);
	pipeline_leave_nothing(daemon->pipeline);
	descriptor_store_remove_all(daemon->store);
	return 0;
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

/* Until everything is sent or lost. Returns 0, or a negative errno if the event loop has failed. */
static int run_loop(struct daemon *daemon)
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

/* Nothing is joined or freed: a thread that hangs would be waited for, too. */
static void leave_hung(struct daemon *daemon)
{
	char doing[PIPELINE_DOING_SIZE];
	const char *hung;

	(void)pipeline_hung_thread(daemon->pipeline, doing); /* asks; the next one has the answer */
	(void)poll(NULL, 0, LOOPLESS_MS);
	hung = pipeline_hung_thread(daemon->pipeline, doing);
	log_error("%s hangs%s%s: the agent ends without having counted what is lost%s",
		  hung ? hung : "a thread", doing[0] ? ", it is " : "", doing,
		  daemon->summary ? ", and without a summary" : "");
	control_server_destroy(daemon->control);
	_exit(EXIT_RUNTIME);
}

/* All that can fail, while an agent whose place this one takes would continue. */
static int open_all(struct daemon *daemon, struct error_text *error)
{
	const struct pipeline_events events = { .finished = on_finished, .context = daemon };
	int result = 0;

	daemon->pipeline = pipeline_create(&daemon->config, &events, daemon->store, error);
	if (!daemon->pipeline)
		return -EINVAL;
	result = open_reload(daemon, error);
	if (!result)
		result = open_summary(daemon, error);
	if (!result)
		result = open_control(daemon, error);
	if (!result)
		result = drop_privileges(daemon, error);
	if (!result)
		result = start_loop(daemon, error);
	if (!result)
		result = pipeline_start(daemon->pipeline, error);
	return result;
}

/* From opening to the end. Returns the exit status. */
static int run(struct daemon *daemon)
{
	struct error_text error = { 0 };
	struct error_text failure = { 0 };
	int status = EXIT_RUNTIME;
	int result;

	daemon->signals = (struct signals_events){ on_stop_signal, on_hand_over_signal,
						   on_counters_signal, on_reload_signal, daemon };
	if (fprobe_ulog_detach(&daemon->fprobe_ulog, &error) < 0)
		goto out;
	signals_block();
	if (privileges_check(&daemon->config, &error) < 0)
		goto out;
	privileges_begin(&daemon->config);
	daemon->predecessor = successor_begin(&daemon->config, daemon->store, &error);
	if (daemon->predecessor < 0)
		goto out;
	if (open_all(daemon, &error) < 0 || successor_end(daemon->predecessor, &error) < 0)
		goto out;
	daemon->predecessor = 0;
	kept_config_put(&daemon->config, daemon->store);
	pipeline_begin(daemon->pipeline, &daemon->config);
	log_follow_file();
	note_counters(daemon);
	pipeline_log_start(daemon->pipeline, &daemon->config);
	config_memory_warn(&daemon->config);
	(void)sd_notify(0, "READY=1");
	fprobe_ulog_ready(&daemon->fprobe_ulog);
	result = run_loop(daemon);
	if (daemon->has_hung)
		leave_hung(daemon);
	if (close_ledger(daemon, &error) == 0 && leave(daemon, &error) == 0 && result == 0)
		status = EXIT_DONE;
	if (pipeline_has_failed(daemon->pipeline, &failure) ||
	    (!is_live(&daemon->config) && daemon->records_lost))
		status = EXIT_RUNTIME;
out:
	if (error.text[0])
		log_error_text(&error);
	if (daemon->summary && daemon->summary != stdout)
		(void)fclose(daemon->summary);
	fprobe_ulog_end(&daemon->fprobe_ulog);
	if (daemon->predecessor > 0)
		control_server_leave(daemon->control);
	control_server_destroy(daemon->control);
	watchdog_destroy(daemon->watchdog);
	rules_watch_destroy(daemon->rules);
	reload_destroy(daemon->reload);
	pipeline_destroy(daemon->pipeline);
	(void)sd_event_source_unref(daemon->status_timer);
	(void)sd_event_source_unref(daemon->log_timer);
	(void)sd_event_source_unref(daemon->hang_timer);
	(void)sd_event_unref(daemon->loop);
	return status;
}

static enum config_result load(struct daemon *daemon, struct error_text *error)
{
	if (fprobe_ulog_is(daemon->argv[0]))
		return fprobe_ulog_load(&daemon->fprobe_ulog, &daemon->config, daemon->argc,
					daemon->argv, error);
	return kept_config_load(&daemon->config, daemon->argc, daemon->argv, daemon->store, error);
}

int main(int argc, char **argv)
{
	struct daemon daemon = { .argc = argc, .argv = argv, .control_descriptor = -1 };
	struct error_text error = { 0 };
	int status;

	if (standard_streams_hold() < 0)
		return EXIT_RUNTIME;
	log_open(fprobe_ulog_is(argv[0]) ? FPROBE_ULOG_NAME : "flowagent", LOG_LEVEL_info);
	daemon.store = descriptor_store_open();
	switch (load(&daemon, &error)) {
	case CONFIG_run:
		log_use_journal(DEFAULT_JOURNAL_SOCKET);
		log_set_level(daemon.config.log_level);
		status = run(&daemon);
		break;
	case CONFIG_done: status = EXIT_DONE; break;
	case CONFIG_failed:
		log_error_text(&error);
		status = EXIT_RUNTIME;
		break;
	case CONFIG_invalid:
	default:
		log_error_text(&error);
		status = EXIT_USAGE;
		break;
	}
	config_clear(&daemon.config);
	descriptor_store_close(daemon.store);
	return status;
}
