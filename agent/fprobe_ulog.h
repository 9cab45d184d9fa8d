/* fprobe_ulog.h - the daemon under the name fprobe-ulog: that program's command line, and what it
 * does with itself as a process.
 *
 * Place: beside the main of the daemon. What is exported how is translated to the options of
 * flowagent by the same code as `agentctl migrate fprobe-ulog` (migration_fprobe.c); here is what
 * remains: background, pid file, log, root directory, priority. */
#ifndef FPROBE_ULOG_H
#define FPROBE_ULOG_H

#include "config_load.h"

#define FPROBE_ULOG_NAME "fprobe-ulog"

enum fprobe_ulog_log { FPROBE_ULOG_syslog = 1, FPROBE_ULOG_stdout = 2 }; /* bits; 0: no log */

/* Zero-initialized it is not that program, and all functions but the first do nothing. */
struct fprobe_ulog {
	bool is_active;
	unsigned int log;    /* enum fprobe_ulog_log */
	int priority;        /* of SCHED_FIFO; 0: none */
	char root[4096];     /* to be the root directory; "": none */
	char pid_file[128];  /* its path */
	int pid_descriptor;  /* of that file, owned; valid with 'has_pid_file' */
	int news_descriptor; /* pipe to the process that was started, owned; with 'is_detached' */
	bool is_detached;
	bool has_pid_file;
};

/* Whether a program that was started as 'name' (argv[0]) is fprobe-ulog. */
bool fprobe_ulog_is(const char *name);

/* Its command line -> 'config', as config_load() leaves it, and 'program'. Opens its log, to which
 * goes what was not carried over. Returns as config_load() does. */
enum config_result fprobe_ulog_load(struct fprobe_ulog *program, struct config *config, int argc,
				    char *const *argv, struct error_text *error);

/* In its root directory no name can be looked up: collectors of 'next', which was read from the
 * same text as 'config', get the addresses that were found at the start. Returns 0, or -ENOMEM with
 * 'error' filled. */
int fprobe_ulog_keep_addresses(const struct fprobe_ulog *program, const struct config *config,
			       struct config *next, struct error_text *error);

/* Go on in a process in the background, unless the log is standard output. The one that was started
 * waits for fprobe_ulog_ready() and ends with status 0, or ends with the status of the other. Call
 * it before threads are started. Returns 0 or a negative errno with 'error' filled. */
int fprobe_ulog_detach(struct fprobe_ulog *program, struct error_text *error);

/* While the agent is root still: pid file and priority. What is refused is reported. */
void fprobe_ulog_claim(struct fprobe_ulog *program);

/* The agent runs: let go of the terminal and of the process that waits. */
void fprobe_ulog_ready(struct fprobe_ulog *program);

/* At the end: remove the pid file; empty it where the agent's user may not remove it. */
void fprobe_ulog_end(struct fprobe_ulog *program);

#endif
