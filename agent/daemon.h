/* daemon.h - the daemon's process: what it owns, and its event loop.
 *
 * Place: flowagent.c opens and ends what is here; daemon.c runs it, as the control thread. */
#ifndef DAEMON_H
#define DAEMON_H

#include "config.h"
#include "error_text.h"
#include "fprobe_ulog.h"
#include "ledger_log.h"
#include "silence_log.h"
#include "signals.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <systemd/sd-event.h>

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
	struct silence_log silence_log;
	uint64_t records_lost; /* at the end, by all collectors together */
	bool is_stopping;
	bool hands_over;   /* to the next agent, which the service manager starts */
	bool is_replaced;  /* all is another agent's already */
	bool has_finished; /* all is sent or lost */
	bool has_hung;     /* a thread did not get there */
};

static inline bool daemon_is_live(const struct daemon *daemon)
{
	return daemon->config.sources[0].type->is_live;
}

/* All is sent or lost: what the pipeline calls. 'context' is the daemon. */
void daemon_on_finished(void *context);

/* Make the loop, with all that it looks at: the pipeline, signals, timers, the watchdog, the rules
 * and the control socket. Returns 0, or a negative errno and the reason. */
int daemon_start_loop(struct daemon *daemon, struct error_text *error);

/* Run until everything is sent or lost, or another agent has taken it over. Returns 0, or a
 * negative errno if the loop has failed. 'has_hung' tells whether a thread did not end. */
int daemon_run_loop(struct daemon *daemon);

/* Free what daemon_start_loop() has made. */
void daemon_end_loop(struct daemon *daemon);

#endif
