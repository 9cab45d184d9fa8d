/* flowagent.c - main of the daemon: open what needs privileges, drop them, run the event loop,
 * finish in order.
 *
 * Place: calls every room of agent/ but agentctl/ and asn/; the event loop is the control thread.
 */
#include "daemon.h"

#include "config_life.h"
#include "config_load.h"
#include "config_memory.h"
#include "control_server.h"
#include "defaults.h"
#include "descriptor_store.h"
#include "fault_text.h"
#include "kept_config.h"
#include "log.h"
#include "pipeline.h"
#include "privileges.h"
#include "reload.h"
#include "rules_watch.h"
#include "standard_streams.h"
#include "successor.h"
#include "summary.h"
#include "time_now.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define HUNG_ANSWER_MS 100 /* for a thread that hangs to be asked what it does */

enum { EXIT_DONE = 0, EXIT_RUNTIME = 1, EXIT_USAGE = 2 };

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
	if (path ? strcmp(path, "none") == 0 : !daemon_is_live(daemon))
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

/* All that can fail, while an agent whose place this one takes would continue. */
static int open_all(struct daemon *daemon, struct error_text *error)
{
	const struct pipeline_events events = { .finished = daemon_on_finished, .context = daemon };
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
		result = daemon_start_loop(daemon, error);
	if (!result)
		result = pipeline_start(daemon->pipeline, error);
	return result;
}

/* Nothing is joined or freed: a thread that hangs would be waited for, too. */
static void leave_hung(struct daemon *daemon)
{
	char doing[PIPELINE_DOING_SIZE];
	const char *hung;

	(void)pipeline_hung_thread(daemon->pipeline, doing); /* asks; the next one has the answer */
	(void)poll(NULL, 0, HUNG_ANSWER_MS);
	hung = pipeline_hung_thread(daemon->pipeline, doing);
	log_error("%s hangs%s%s: the agent ends without having counted what is lost%s",
		  hung ? hung : "a thread", doing[0] ? ", it is " : "", doing,
		  daemon->summary ? ", and without a summary" : "");
	control_server_destroy(daemon->control);
	_exit(EXIT_RUNTIME);
}

/* From the first right that is needed to the first packet. Returns 0 or a negative errno. */
static int begin(struct daemon *daemon, struct error_text *error)
{
	int result = fprobe_ulog_detach(&daemon->fprobe_ulog, error);

	if (result < 0)
		return result;
	signals_block();
	result = privileges_check(&daemon->config, error);
	if (result < 0)
		return result;
	privileges_begin(&daemon->config);
	daemon->predecessor = successor_begin(&daemon->config, daemon->store, error);
	if (daemon->predecessor < 0)
		return daemon->predecessor;
	result = open_all(daemon, error);
	if (result >= 0)
		result = successor_end(daemon->predecessor, error);
	if (result < 0)
		return result;
	daemon->predecessor = 0;
	kept_config_put(&daemon->config, daemon->store);
	pipeline_begin(daemon->pipeline, &daemon->config);
	log_follow_file();
	note_counters(daemon);
	pipeline_log_start(daemon->pipeline, &daemon->config);
	config_memory_warn(&daemon->config);
	(void)sd_notify(0, "READY=1");
	fprobe_ulog_ready(&daemon->fprobe_ulog);
	return 0;
}

/* Until the last record is sent or lost. Returns the exit status. */
static int go_on(struct daemon *daemon, struct error_text *error)
{
	struct error_text failure = { 0 };
	const int result = daemon_run_loop(daemon);
	int status = EXIT_RUNTIME;

	if (daemon->has_hung)
		leave_hung(daemon);
	pipeline_join(daemon->pipeline);
	if (close_ledger(daemon, error) == 0 && leave(daemon, error) == 0 && result == 0)
		status = EXIT_DONE;
	if (pipeline_has_failed(daemon->pipeline, &failure) ||
	    (!daemon_is_live(daemon) && daemon->records_lost))
		status = EXIT_RUNTIME;
	return status;
}

static void end(struct daemon *daemon)
{
	if (daemon->summary && daemon->summary != stdout)
		(void)fclose(daemon->summary);
	fprobe_ulog_end(&daemon->fprobe_ulog);
	if (daemon->predecessor > 0)
		control_server_leave(daemon->control);
	daemon_end_loop(daemon);
	reload_destroy(daemon->reload);
	pipeline_destroy(daemon->pipeline);
}

/* From opening to the end. Returns the exit status. */
static int run(struct daemon *daemon)
{
	struct error_text error = { 0 };
	int status = EXIT_RUNTIME;

	if (begin(daemon, &error) >= 0) {
		/* What was tried first and did not matter is no fault of the end. */
		error = (struct error_text){ .text = "" };
		status = go_on(daemon, &error);
	}
	if (error.text[0])
		log_error_text(&error);
	end(daemon);
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
