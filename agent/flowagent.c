/* flowagent.c - main of the daemon: open what needs privileges, drop them, run the event loop,
 * finish in order. */
#include "config.h"
#include "control_server.h"
#include "equalities.h"
#include "log.h"
#include "pipeline.h"
#include "privileges.h"
#include "summary.h"
#include "time_now.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define DEFAULT_CONTROL "/run/flowagent/control.sock"

#define STATUS_INTERVAL_US 5000000u

enum { EXIT_DONE = 0, EXIT_RUNTIME = 1, EXIT_USAGE = 2 };

struct daemon {
	struct config config;
	struct pipeline *pipeline;      /* owned */
	struct control_server *control; /* owned; NULL without socket */
	int control_descriptor;         /* until control takes it */
	FILE *summary;                  /* owned until written; NULL: none wanted */
	sd_event *loop;                 /* owned */
	sd_event_source *status_timer;  /* owned */
	uint64_t packets_before;        /* for the rate in the status line */
	uint64_t lost_before;           /* packets lost in the kernel, as last logged */
	bool is_stopping;
};

static bool is_live(const struct config *config)
{
	return config->sources[0].kind != SOURCE_FILE;
}

static void on_finished(void *context)
{
	struct daemon *daemon = context;

	(void)sd_event_exit(daemon->loop, 0);
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

/* The first SIGTERM or SIGINT ends in order, a second one at once: what is left is then counted as
 * lost in the summary. */
static int on_stop_signal(sd_event_source *source, const struct signalfd_siginfo *info,
			  void *context)
{
	struct daemon *daemon = context;

	(void)source;
	(void)info;
	if (daemon->is_stopping)
		return sd_event_exit(daemon->loop, 0);
	daemon->is_stopping = true;
	(void)sd_notify(0, "STOPPING=1");
	log_info("stopping: what is cached will be exported");
	pipeline_stop(daemon->pipeline);
	return 0;
}

/* Losing the terminal is no reason to lose flows. */
static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	(void)source;
	(void)info;
	(void)context;
	log_notice("hang-up signal ignored: restart the agent to read its configuration again");
	return 0;
}

static void log_kernel_loss(struct daemon *daemon, const struct pipeline_snapshot *snapshot)
{
	const uint64_t lost = snapshot->workers.packets_lost_kernel;

	if (lost == daemon->lost_before)
		return;
	log_event(LOG_LEVEL_warning, "packets-lost", "kernel",
		  "%" PRIu64 " packets have been lost in the kernel's queue since the start", lost);
	daemon->lost_before = lost;
}

/* One line for `systemctl status`. */
static int on_status_timer(sd_event_source *source, uint64_t now_us, void *context)
{
	struct daemon *daemon = context;
	struct pipeline_snapshot snapshot;
	size_t up = 0;

	(void)sd_event_source_set_time(source, now_us + STATUS_INTERVAL_US);
	if (pipeline_snapshot(daemon->pipeline, &snapshot) < 0)
		return 0;
	for (size_t i = 0; i < snapshot.collector_count; i++)
		up += snapshot.collectors[i].is_up;
	(void)sd_notifyf(0,
			 "STATUS=%" PRIu64 " packets/s, %" PRIu64
			 " flows, %zu of %zu collectors, %" PRIu64 " packets lost in the kernel",
			 (snapshot.workers.packets_read - daemon->packets_before) /
				 (STATUS_INTERVAL_US / 1000000),
			 snapshot.workers.cache.flows_cached, up, snapshot.collector_count,
			 snapshot.workers.packets_lost_kernel);
	log_kernel_loss(daemon, &snapshot);
	daemon->packets_before = snapshot.workers.packets_read;
	pipeline_snapshot_clear(&snapshot);
	return 0;
}

static int open_control(struct daemon *daemon, struct error_text *error)
{
	const char *path = daemon->config.control;
	struct error_text reason;

	daemon->control_descriptor = -1;
	if (path ? strcmp(path, "none") == 0 : !is_live(&daemon->config))
		return 0;
	daemon->control_descriptor = control_server_bind(path ? path : DEFAULT_CONTROL, &reason);
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

static int start_loop(struct daemon *daemon, struct error_text *error)
{
	const struct control_context context = {
		.pipeline = daemon->pipeline,
		.config = &daemon->config,
		.started_unix_ms = time_now_ms(CLOCK_REALTIME),
	};
	int result = sd_event_default(&daemon->loop);

	if (result >= 0)
		result = sd_event_add_io(daemon->loop, NULL, pipeline_descriptor(daemon->pipeline),
					 EPOLLIN, on_pipeline, daemon);
	if (result >= 0)
		result = sd_event_add_signal(daemon->loop, NULL, SIGTERM, on_stop_signal, daemon);
	if (result >= 0)
		result = sd_event_add_signal(daemon->loop, NULL, SIGINT, on_stop_signal, daemon);
	if (result >= 0)
		result = sd_event_add_signal(daemon->loop, NULL, SIGHUP, on_hangup, daemon);
	if (result >= 0)
		result = sd_event_add_time_relative(daemon->loop, &daemon->status_timer,
						    CLOCK_MONOTONIC, STATUS_INTERVAL_US, 0,
						    on_status_timer, daemon);
	if (result >= 0)
		result = sd_event_source_set_enabled(daemon->status_timer, SD_EVENT_ON);
	if (result >= 0)
		result = sd_event_set_watchdog(daemon->loop, 1);
	if (result < 0) {
		error_text_set(error, "cannot set up the event loop: %s", strerror(-result));
		return result;
	}
	if (daemon->control_descriptor < 0)
		return 0;
	daemon->control =
		control_server_create(daemon->loop, daemon->control_descriptor, &context, error);
	return daemon->control ? 0 : -EIO;
}

/* Threads inherit this mask: signals come to the event loop only. */
static void block_signals(void)
{
	sigset_t signals;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file at its limit is one more failed write */
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGHUP);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static void say_what_runs(const struct config *config)
{
	for (size_t i = 0; i < config->source_count; i++)
		log_info("reading %s%s%s", config->sources[i].name,
			 config->sources[i].label[0] ? " " : "", config->sources[i].label);
	if (config->collector_count == 0)
		log_notice("no collector is configured: flows are kept for a local view (agentctl "
			   "show flows) "
			   "and exported nowhere");
}

/* As the one who started us: privileges_drop() may leave us no right to write there. */
static int open_summary(struct daemon *daemon, struct error_text *error)
{
	if (!daemon->config.summary)
		return 0;
	daemon->summary = summary_open(daemon->config.summary, error);
	return daemon->summary ? 0 : -EIO;
}

/* A ledger that does not close is a defect: with invariants it must not pass unseen. */
static void abort_if_debugging(void)
{
#ifdef FLOWAGENT_INVARIANTS
	abort();
#endif
}

static void log_failed_equality(void *context, const struct equality *equality)
{
	(void)context;
	if (equality->left != equality->right)
		log_error("the ledger does not close: %s (%s) is %" PRIu64
			  " on one side and %" PRIu64
			  " on the other: this is a defect of flowagent, please report it",
			  equality->name, equality->object, equality->left, equality->right);
}

/* At the end: whether every packet and record is accounted for, and the summary. */
static int close_ledger(struct daemon *daemon, struct error_text *error)
{
	struct pipeline_snapshot snapshot;
	int result = pipeline_snapshot(daemon->pipeline, &snapshot);

	if (result < 0) {
		error_text_set(error, "no summary: %s", strerror(-result));
		return result;
	}
	if (snapshot.workers.packets_lost_kernel)
		log_warning("%" PRIu64 " packets were lost in the kernel's queue in all",
			    snapshot.workers.packets_lost_kernel);
	if (equalities_visit(&snapshot, log_failed_equality, NULL))
		abort_if_debugging();
	if (daemon->summary)
		result = summary_write(daemon->summary, daemon->config.summary, &snapshot, error);
	daemon->summary = NULL;
	pipeline_snapshot_clear(&snapshot);
	return result;
}

/* From opening to the end. Returns the exit status. */
static int run(struct daemon *daemon)
{
	const struct pipeline_events events = { .finished = on_finished, .context = daemon };
	struct error_text error = { 0 };
	struct error_text failure = { 0 };
	int status = EXIT_RUNTIME;

	block_signals();
	daemon->pipeline = pipeline_create(&daemon->config, &events, &error);
	if (!daemon->pipeline || open_control(daemon, &error) < 0 ||
	    open_summary(daemon, &error) < 0 ||
	    privileges_drop(daemon->config.user, is_live(&daemon->config), &error) < 0 ||
	    start_loop(daemon, &error) < 0 || pipeline_start(daemon->pipeline, &error) < 0)
		goto out;
	say_what_runs(&daemon->config);
	(void)sd_notify(0, "READY=1");
	(void)sd_event_loop(daemon->loop);

	status = close_ledger(daemon, &error) == 0 ? EXIT_DONE : EXIT_RUNTIME;
	if (pipeline_has_failed(daemon->pipeline, &failure))
		status = EXIT_RUNTIME;
out:
	if (error.text[0])
		log_error_text(&error);
	if (daemon->summary && daemon->summary != stdout)
		(void)fclose(daemon->summary);
	control_server_destroy(daemon->control);
	pipeline_destroy(daemon->pipeline);
	(void)sd_event_source_unref(daemon->status_timer);
	(void)sd_event_unref(daemon->loop);
	return status;
}

int main(int argc, char **argv)
{
	struct daemon daemon = { .control_descriptor = -1 };
	struct error_text error = { 0 };
	int status;

	log_open("flowagent", LOG_LEVEL_info);
	switch (config_parse(&daemon.config, argc, argv, &error)) {
	case CONFIG_run:
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
	return status;
}
