/* fprobe_ulog.c - runs the agent as fprobe-ulog ran: its command line, its process.
 *
 * Invariant: nothing is decided here that `agentctl migrate fprobe-ulog` would decide otherwise.
 * Source: manual fprobe-ulog(8). */
#include "fprobe_ulog.h"

#include "capture_ulog.h"
#include "config_life.h"
#include "fault_text.h"
#include "log.h"
#include "migration.h"
#include "migration_fprobe.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PID_DIRECTORY "/var/run"
#define PID_FILE_MODE 0644
#define HOST_SIZE     256
#define NAME_SIZE     96 /* "fprobe-ulog[ID]", with at most ID_MAX */
#define ID_MAX        64
#define READY         "r"

static const char usage[] =
	"Usage: fprobe-ulog [OPTION...] HOST:PORT[/[LOCAL][/TYPE]]...\n"
	"flowagent with the command line of fprobe-ulog: packets of netfilter log groups as "
	"NetFlow\n"
	"v1, v5 or v7. TYPE is m, every flow, or r, a share of them.\n"
	"\n"
	"  -U MASK       ULOG groups; bit N is group N + 1, of NFLOG where the kernel has no ULOG "
	"[1]\n"
	"  -e SECONDS    active timeout [300]\n"
	"  -d SECONDS    inactive timeout [60]\n"
	"  -n VERSION    NetFlow version: 1, 5 or 7 [5]\n"
	"  -a ADDRESS    send from this address\n"
	"  -X RULES      interface numbers by name, such as eth:100,ppp:200\n"
	"  -M            netfilter mark as ToS\n"
	"  -B KILOBYTES  buffer of the kernel for packets\n"
	"  -m KILOBYTES  memory of flows\n"
	"  -t BYTES:NS   delay of NS nanoseconds after BYTES sent\n"
	"  -r PRIORITY   real-time priority [0]\n"
	"  -c DIRECTORY  root directory to change to\n"
	"  -u USER       user to become\n"
	"  -v LEVEL      most detailed log level, 0 to 7 [6]\n"
	"  -l [LOG][:ID] log: 0 none, 1 syslog, 2 standard output and in the foreground, 3 both "
	"[1];\n"
	"                ID tells instances apart in log and pid file\n"
	"  -h            this text\n"
	"\n"
	"-g, -s, -q and -b are taken and have no effect; fprobe-ulog(8) says why.\n";

bool fprobe_ulog_is(const char *name)
{
	const char *slash = name ? strrchr(name, '/') : NULL;

	return name && strcmp(slash ? slash + 1 : name, FPROBE_ULOG_NAME) == 0;
}

/* What the translation says, once, where the operator of a daemon looks. */
static void say(struct migration *migration, enum migration_saying saying, const char *line)
{
	const bool is_loss = saying <= MIGRATION_SAYS_warning;

	(void)migration;
	log_event(is_loss ? LOG_LEVEL_warning : LOG_LEVEL_info, NULL, NULL, "%s: %s",
		  migration_saying_text(saying), line);
}

/* "[LOG][:ID]". Returns 0 or -EINVAL. */
static int take_log(struct fprobe_ulog *program, const char *text, const char **ident)
{
	*ident = "";
	program->log = FPROBE_ULOG_syslog;
	if (!text)
		return 0;
	if (*text >= '0' && *text <= '3')
		program->log = (unsigned int)(*text++ - '0');
	if (*text == ':')
		*ident = text + 1;
	else if (*text)
		return -EINVAL;
	return strchr(*ident, '/') || strlen(*ident) > ID_MAX ? -EINVAL : 0;
}

/* Opens the log as the words of the command line want it. Its program's name lives on with the
 * process. */
static int open_log(struct fprobe_ulog *program, const char *text, struct error_text *error)
{
	static char name[NAME_SIZE];
	const char *ident;

	if (take_log(program, text, &ident)) {
		error_text_set(error,
			       "-l %s: expected 0, 1, 2 or 3, and perhaps :ID without a slash",
			       text);
		return -EINVAL;
	}
	(void)snprintf(name, sizeof(name), *ident ? "%s[%s]" : "%s", FPROBE_ULOG_NAME, ident);
	(void)snprintf(program->pid_file, sizeof(program->pid_file), PID_DIRECTORY "/%s.pid", name);
	if (program->log & FPROBE_ULOG_stdout)
		(void)dup2(STDOUT_FILENO, STDERR_FILENO);
	log_open(name, LOG_LEVEL_info);
	if (program->log & FPROBE_ULOG_syslog && log_copy_to_syslog() < 0)
		log_warning("there is no system log: nobody listens at /dev/log");
	return 0;
}

static int take_process(struct fprobe_ulog *program, const struct migration_process *process,
			struct error_text *error)
{
	unsigned long priority = 0;

	if (process->priority && (!migration_number(process->priority, &priority) ||
				  priority > (unsigned int)sched_get_priority_max(SCHED_FIFO))) {
		error_text_set(error, "-r %s: expected a priority from 0 to %d", process->priority,
			       sched_get_priority_max(SCHED_FIFO));
		return -EINVAL;
	}
	program->priority = (int)priority;
	if (process->root && strlen(process->root) >= sizeof(program->root)) {
		error_text_set(error, "-c: the path is too long");
		return -EINVAL;
	}
	(void)snprintf(program->root, sizeof(program->root), "%s",
		       process->root ? process->root : "");
	return 0;
}

/* In another root directory no name can be looked up: names become addresses first, IPv4 as that
 * program had no others. */
static int look_up(struct config_collector *collector, struct error_text *error)
{
	const struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *list = NULL;
	char host[HOST_SIZE];
	char *copy = NULL;
	int result = getaddrinfo(collector->host, NULL, &hints, &list);

	if (!result)
		result = getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof(host), NULL, 0,
				     NI_NUMERICHOST);
	if (list)
		freeaddrinfo(list);
	if (!result)
		copy = strdup(host);
	if (!copy) {
		error_text_set(error, "collector %s: %s", collector->name,
			       result ? gai_strerror(result) : "out of memory");
		return -ENOENT;
	}
	free(collector->host);
	collector->host = copy;
	return 0;
}

/* The translated text as if it were a file. */
static enum config_result load_text(struct fprobe_ulog *program, struct config *config, char *text,
				    size_t size, struct error_text *error)
{
	char name[] = FPROBE_ULOG_NAME;
	char *argv[] = { name, NULL };
	struct config_text file = { .name = name, .bytes = (uint8_t *)text, .size = size };
	enum config_result result = config_load_texts(config, 1, argv, &file, 1, NULL, error);

	for (size_t i = 0; result == CONFIG_run && program->root[0] && i < config->collector_count;
	     i++)
		if (look_up(&config->collectors[i], error))
			result = CONFIG_failed;
	return result == CONFIG_invalid ? CONFIG_failed : result;
}

static int keep_address(struct config_collector *collector, const struct config *config,
			struct error_text *error)
{
	for (size_t i = 0; i < config->collector_count; i++) {
		char *copy;

		if (strcmp(config->collectors[i].name, collector->name) != 0)
			continue;
		copy = strdup(config->collectors[i].host);
		if (!copy) {
			error_text_set(error, "out of memory");
			return -ENOMEM;
		}
		free(collector->host);
		collector->host = copy;
		break;
	}
	return 0;
}

int fprobe_ulog_keep_addresses(const struct fprobe_ulog *program, const struct config *config,
			       struct config *next, struct error_text *error)
{
	int result = 0;

	for (size_t i = 0; !result && program->root[0] && i < next->collector_count; i++)
		result = keep_address(&next->collectors[i], config, error);
	return result;
}

static enum config_result help(struct error_text *error)
{
	if (fputs(usage, stdout) >= 0 && fflush(stdout) == 0)
		return CONFIG_done;
	error_text_set(error, "cannot write to standard output");
	return CONFIG_failed;
}

/* Translate, and take what concerns the process; the log is open then. */
static enum config_result translate(struct fprobe_ulog *program, struct migration *migration,
				    int argc, char *const *argv, struct error_text *error)
{
	const char *const *words = (const char *const *)argv + 1;
	struct migration_process process = { .log = NULL };

	migration_fprobe_process(words, (size_t)argc - 1, &process);
	if (process.wants_help)
		return help(error);
	if (open_log(program, process.log, error) || take_process(program, &process, error))
		return CONFIG_failed;
	migration_fprobe_ulog(migration, words, (size_t)argc - 1, capture_ulog_is_there());
	if (migration->is_out_of_memory || migration->wrong_count) {
		error_text_set(error, migration->is_out_of_memory ? "out of memory"
								  : "the command line is wrong");
		error_text_hint(error, "fprobe-ulog -h lists the options");
		return CONFIG_failed;
	}
	return CONFIG_run;
}

enum config_result fprobe_ulog_load(struct fprobe_ulog *program, struct config *config, int argc,
				    char *const *argv, struct error_text *error)
{
	char *text = NULL;
	size_t size = 0;
	struct migration migration = { .peer = FPROBE_ULOG_NAME,
				       .out = open_memstream(&text, &size),
				       .say = say };
	enum config_result result = CONFIG_failed;

	error_text_set(error, "%s", "");
	program->is_active = true;
	if (!migration.out)
		error_text_set(error, "out of memory");
	else
		result = translate(program, &migration, argc, argv, error);
	if (migration.out && fclose(migration.out) != 0 && result == CONFIG_run) {
		error_text_set(error, "out of memory");
		result = CONFIG_failed;
	}
	if (result == CONFIG_run)
		result = load_text(program, config, text, size, error);
	migration_end(&migration);
	free(text);
	return result;
}

/* The process that was started: until the other one is ready, or has ended. */
static void wait_for(pid_t child, int news)
{
	char byte;
	int status = 0;

	if (read(news, &byte, 1) == 1)
		_exit(EXIT_SUCCESS);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}

int fprobe_ulog_detach(struct fprobe_ulog *program, struct error_text *error)
{
	int news[2];
	pid_t child;

	if (!program->is_active || program->log & FPROBE_ULOG_stdout)
		return 0;
	if (pipe2(news, O_CLOEXEC)) {
		error_text_set(error, "cannot go to the background: %s", fault_text(errno));
		return -EIO;
	}
	child = fork();
	if (child > 0) {
		(void)close(news[1]);
		wait_for(child, news[0]);
	}
	(void)close(news[0]);
	if (child < 0) {
		error_text_set(error, "cannot go to the background: %s", fault_text(errno));
		(void)close(news[1]);
		return -EIO;
	}
	(void)setsid();
	(void)chdir("/");
	program->news_descriptor = news[1];
	program->is_detached = true;
	return 0;
}

static void write_pid_file(struct fprobe_ulog *program)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;

	program->pid_descriptor = open(program->pid_file, flags, PID_FILE_MODE);
	program->has_pid_file = program->pid_descriptor >= 0;
	if (!program->has_pid_file || dprintf(program->pid_descriptor, "%ld\n", (long)getpid()) < 0)
		log_error("cannot write the pid file %s: %s", program->pid_file, fault_text(errno));
}

void fprobe_ulog_claim(struct fprobe_ulog *program)
{
	const struct sched_param parameters = { .sched_priority = program->priority };

	if (!program->is_active)
		return;
	write_pid_file(program);
	if (program->priority && sched_setscheduler(0, SCHED_FIFO, &parameters))
		log_error("no real-time priority %d: %s", program->priority, fault_text(errno));
}

void fprobe_ulog_ready(struct fprobe_ulog *program)
{
	int null;

	if (!program->is_detached)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int descriptor = 0; descriptor <= STDERR_FILENO; descriptor++) {
		if (null >= 0)
			(void)dup2(null, descriptor);
		else
			(void)close(descriptor);
	}
	if (null > STDERR_FILENO)
		(void)close(null);
	if (write(program->news_descriptor, READY, 1) != 1)
		log_warning("the process that was started is gone");
	(void)close(program->news_descriptor);
	program->is_detached = false;
}

void fprobe_ulog_end(struct fprobe_ulog *program)
{
	if (!program->has_pid_file)
		return;
	if (unlink(program->pid_file) && ftruncate(program->pid_descriptor, 0))
		log_warning("cannot empty the pid file %s: %s", program->pid_file,
			    fault_text(errno));
	(void)close(program->pid_descriptor);
	program->has_pid_file = false;
}
