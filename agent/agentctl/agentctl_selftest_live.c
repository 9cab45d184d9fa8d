/* agentctl_selftest_live.c - the way that packets take on a server: rule, log group, agent, export.
 *
 * Place: the second half of agentctl_selftest.c, for root.
 *
 * A child process enters a network namespace of its own, so that nothing of this ever meets the
 * host's packets, rules, groups or agent; all of it is gone with the child. */
#include "agentctl_selftest.h"

#include "agentctl_client.h"
#include "agentctl_program.h"
#include "control_protocol.h"
#include "fault_text.h"
#include "time_now.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define DATAGRAMS     10
#define DATAGRAM_SIZE 100
#define STEP_MS       30000 /* for what takes milliseconds */
#define POLL_MS       20
#define DIRECTIONS    2 /* on lo each packet leaves and comes in */

extern char **environ;

/* The agent under test, and where it can be asked. */
struct live {
	const char *program;
	char directory[40];
	char socket[64];
	pid_t agent; /* 0: none */
	int faults;  /* its standard error, in memory */
	char *text;
	size_t size;
};

static enum selftest_result fail(struct live *live, const char *what, const char *why)
{
	(void)snprintf(live->text, live->size, "%s: %s", what, why);
	return SELFTEST_FAILED;
}

static bool raise_loopback(void)
{
	const int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo" };
	bool is_up;

	if (descriptor < 0)
		return false;
	is_up = ioctl(descriptor, SIOCGIFFLAGS, &request) == 0;
	request.ifr_flags |= IFF_UP;
	is_up = is_up && ioctl(descriptor, SIOCSIFFLAGS, &request) == 0;
	(void)close(descriptor);
	return is_up;
}

/* The rules of this very program, for lo; -ENOENT where there is no nft. */
static enum selftest_result install_rules(struct live *live)
{
	static const char *const arguments[] = { "/proc/self/exe", "rules", "install", "-i", "lo",
						 "--no-save",      NULL };
	struct program_result result;
	const int fault = agentctl_program_run(arguments, NULL, &result);
	enum selftest_result outcome = SELFTEST_OK;

	if (fault)
		return fail(live, "rules", fault_text(-fault));
	if (result.status)
		outcome = fail(live, "agentctl rules install -i lo", result.fault);
	agentctl_program_clear(&result);
	return outcome;
}

static bool start_agent(struct live *live, const char *collector)
{
	const char *const arguments[] = { live->program, "--nflog",   "40",         "--collector",
					  collector,     "--control", live->socket, NULL };
	posix_spawn_file_actions_t actions;
	int fault = posix_spawn_file_actions_init(&actions);

	if (!fault)
		fault = posix_spawn_file_actions_adddup2(&actions, live->faults, STDERR_FILENO);
	if (!fault)
		fault = posix_spawnp(&live->agent, live->program, &actions, NULL,
				     (char *const *)(uintptr_t)arguments, environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (fault)
		live->agent = 0;
	return fault == 0;
}

static enum agentctl_exit take_stats(void *context, json_t *row, struct error_text *error)
{
	(void)error;
	*(json_int_t *)context = json_integer_value(json_object_get(row, "packets_read"));
	return AGENTCTL_DONE;
}

/* Packets that the agent has read; -1 if it does not answer. */
static json_int_t packets_read(const struct live *live)
{
	struct agentctl_client *client;
	struct error_text error = { .text = "" };
	json_int_t packets = -1;

	if (agentctl_client_open(live->socket, STEP_MS, &client, &error))
		return -1;
	if (agentctl_client_ask(client, &(struct control_question){ .command = "show-stats" },
				take_stats, &packets, &error))
		packets = -1;
	agentctl_client_close(client);
	return packets;
}

/* Until it has read that many. False: it has ended, or the time is over. */
static bool wait_for_packets(struct live *live, json_int_t packets)
{
	const int64_t deadline_ms = time_now_ms(CLOCK_MONOTONIC) + STEP_MS;
	int status;

	while (packets_read(live) < packets) {
		if (waitpid(live->agent, &status, WNOHANG) != 0) {
			live->agent = 0;
			return false;
		}
		if (time_now_ms(CLOCK_MONOTONIC) > deadline_ms)
			return false;
		(void)poll(NULL, 0, POLL_MS);
	}
	return true;
}

static void stop_agent(struct live *live)
{
	int status;

	if (live->agent > 0) {
		(void)kill(live->agent, SIGTERM);
		(void)waitpid(live->agent, &status, 0);
	}
	live->agent = 0;
}

/* Send datagrams to a socket of our own. Returns its port, 0 if that failed. */
static uint16_t send_datagrams(void)
{
	static const uint8_t bytes[DATAGRAM_SIZE];
	struct sockaddr_in place = { .sin_family = AF_INET,
				     .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof(place);
	const int receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int sender = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int sent = 0;

	if (receiver >= 0 && sender >= 0 &&
	    bind(receiver, (struct sockaddr *)&place, sizeof(place)) == 0 &&
	    getsockname(receiver, (struct sockaddr *)&place, &size) == 0)
		while (sent < DATAGRAMS &&
		       sendto(sender, bytes, sizeof(bytes), 0, (struct sockaddr *)&place, size) > 0)
			sent++;
	if (receiver >= 0)
		(void)close(receiver);
	if (sender >= 0)
		(void)close(sender);
	return sent == DATAGRAMS ? ntohs(place.sin_port) : 0;
}

/* What the agent said, as the reason. */
static enum selftest_result fail_agent(struct live *live, const char *what)
{
	char said[200];
	const ssize_t got = pread(live->faults, said, sizeof(said) - 1, 0);

	said[got > 0 ? got : 0] = '\0';
	for (char *c = said; *c; c++)
		if (*c == '\n')
			*c = ' ';
	return fail(live, what, said);
}

/* Send, wait, end the agent, which exports what it has. */
static enum selftest_result pass_packets(struct live *live, struct selftest_listener *listener)
{
	const json_int_t packets = DATAGRAMS * DIRECTIONS;
	const uint64_t bytes = (uint64_t)packets * (DATAGRAM_SIZE + 28); /* IPv4 and UDP headers */

	if (!start_agent(live, listener->place))
		return fail(live, live->program, "cannot be started");
	if (!wait_for_packets(live, 0))
		return fail_agent(live, "the agent does not start");
	listener->heard.port = send_datagrams();
	if (!listener->heard.port)
		return fail(live, "datagrams", "cannot be sent");
	if (!wait_for_packets(live, packets))
		return fail_agent(live, "the agent did not read the packets of its rule");
	stop_agent(live);
	selftest_listener_read(listener, (uint64_t)packets, STEP_MS);
	(void)snprintf(live->text, live->size,
		       "%d packets, logged as they leave and as they come in: %" PRIu64
		       " packets, %" PRIu64 " bytes came%s%s",
		       DATAGRAMS, listener->heard.packets, listener->heard.bytes,
		       listener->heard.fault[0] ? "; " : "", listener->heard.fault);
	return listener->heard.packets == (uint64_t)packets && listener->heard.bytes == bytes &&
			       !listener->heard.fault[0]
		       ? SELFTEST_OK
		       : SELFTEST_FAILED;
}

/* In the namespace. */
static enum selftest_result run(struct live *live)
{
	struct selftest_listener listener;
	struct error_text error = { .text = "" };
	enum selftest_result result;

	if (!raise_loopback())
		return fail(live, "lo", fault_text(errno));
	result = install_rules(live);
	if (result != SELFTEST_OK)
		return result;
	if (!selftest_listener_open(&listener, &error))
		return fail(live, "listen", error.text);
	live->faults = memfd_create("agent", MFD_CLOEXEC);
	result = pass_packets(live, &listener);
	stop_agent(live);
	(void)unlink(live->socket);
	selftest_listener_close(&listener);
	return result;
}

/* The child: its exit status is the result, its text goes through the pipe. */
static void child(const char *program, int pipe_end)
{
	char text[400] = "";
	struct live live = { .program = program, .text = text, .size = sizeof(text) };
	enum selftest_result result = SELFTEST_SKIPPED;

	(void)snprintf(live.directory, sizeof(live.directory), "/tmp/agentctl-selftest-XXXXXX");
	if (unshare(CLONE_NEWNET) != 0) {
		(void)snprintf(text, sizeof(text), "no network namespace: %s", fault_text(errno));
	} else if (!mkdtemp(live.directory)) {
		result = fail(&live, live.directory, fault_text(errno));
	} else {
		(void)snprintf(live.socket, sizeof(live.socket), "%s/control", live.directory);
		result = run(&live);
		(void)rmdir(live.directory);
	}
	(void)!write(pipe_end, text, strlen(text));
	_exit((int)result);
}

enum selftest_result agentctl_selftest_live(const char *program, char *text, size_t size)
{
	int ends[2], status;
	size_t used = 0;
	ssize_t got;
	pid_t pid;

	if (geteuid() != 0) {
		(void)snprintf(text, size, "needs root: sudo agentctl selftest");
		return SELFTEST_SKIPPED;
	}
	if (pipe2(ends, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		(void)snprintf(text, size, "no process: %s", fault_text(errno));
		return SELFTEST_FAILED;
	}
	if (pid == 0)
		child(program, ends[1]);
	(void)close(ends[1]);
	while (used + 1 < size && (got = read(ends[0], text + used, size - 1 - used)) > 0)
		used += (size_t)got;
	text[used] = '\0';
	(void)close(ends[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return SELFTEST_FAILED;
	return (enum selftest_result)WEXITSTATUS(status);
}
