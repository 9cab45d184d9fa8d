/* agentctl_doctor_agent.c - checks of the agent itself: does it run, where, and what does it read.
 *
 * Place: rows in the table of agentctl_doctor.c. */
#include "agentctl_doctor.h"

#include "agentctl_program.h"
#include "agentctl_rules_make.h"
#include "defaults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIT "flowagent.service"

/* A property of the unit; "" if systemd does not run here. */
static void unit_property(const char *property, char *value, size_t size)
{
	const char *const show[] = { "systemctl", "show", "-P", property, UNIT, NULL };
	struct program_result result;

	*value = '\0';
	if (access("/run/systemd/system", F_OK) != 0 || agentctl_program_run(show, NULL, &result))
		return;
	(void)snprintf(value, size, "%.*s", (int)strcspn(result.output, "\n"), result.output);
	agentctl_program_clear(&result);
}

/* The last error that the service has logged. */
static void read_journal(char *line, size_t size)
{
	/* Not -u: systemd's own messages on the unit say less. */
	static const char *const show[] = {
		"journalctl", "_SYSTEMD_UNIT=" UNIT, "-p", "err", "-n", "1", "-o", "cat",
		"-q",         "--no-pager",          NULL
	};
	struct program_result result;

	*line = '\0';
	if (agentctl_program_run(show, NULL, &result))
		return;
	(void)snprintf(line, size, "%.*s", (int)strcspn(result.output, "\n"), result.output);
	agentctl_program_clear(&result);
}

/* Why no agent answers, and what starts it. */
static void say_no_agent(struct doctor *doctor)
{
	const char *sudo = doctor_sudo(doctor);
	char state[32], result[32], condition[16], fix[256];

	unit_property("ActiveState", state, sizeof(state));
	unit_property("ExecMainStatus", result, sizeof(result));
	unit_property("ConditionResult", condition, sizeof(condition));
	if (strcmp(state, "failed") == 0 || strcmp(state, "activating") == 0)
		read_journal(doctor->journal, sizeof(doctor->journal));
	if (*doctor->journal && strcmp(state, "activating") == 0) {
		doctor_say(doctor, DOCTOR_fail, NULL, "the service does not come up: %s",
			   doctor->journal);
	} else if (strcmp(state, "failed") == 0 && strcmp(result, "2") == 0) {
		(void)snprintf(fix, sizeof(fix), "%sflowagent --check-config", sudo);
		doctor_say(doctor, DOCTOR_fail, fix,
			   "the service has ended with a mistake in its configuration: %s",
			   doctor->journal);
	} else if (strcmp(state, "failed") == 0 || strcmp(state, "inactive") == 0) {
		(void)snprintf(fix, sizeof(fix), "%ssystemctl enable --now flowagent", sudo);
		doctor_say(doctor, DOCTOR_fail, fix, "the service does not run (%s%s)", state,
			   strcmp(condition, "no") == 0 ? ": a condition of it is not met" : "");
	} else {
		doctor_say(doctor, DOCTOR_fail, *state ? "systemctl status flowagent" : NULL, "%s",
			   doctor->status_error.text);
	}
}

void doctor_check_service(struct doctor *doctor)
{
	const json_int_t seconds = doctor_number(doctor->status, "uptime_ms") / 1000;

	if (doctor->status)
		doctor_say(doctor, DOCTOR_ok, NULL,
			   "flowagent %s runs for %" JSON_INTEGER_FORMAT
			   " s, pid %" JSON_INTEGER_FORMAT,
			   doctor_text(doctor->status, "version"), seconds,
			   doctor_number(doctor->status, "pid"));
	else
		say_no_agent(doctor);
}

void doctor_check_namespace(struct doctor *doctor)
{
	const json_int_t of_agent = doctor_number(doctor->status, "netns");
	struct stat own;
	char fix[512];

	if (stat("/proc/self/ns/net", &own) != 0 || of_agent == 0)
		return;
	if ((json_int_t)own.st_ino == of_agent) {
		doctor_say(doctor, DOCTOR_ok, NULL, "the agent is in this network namespace");
		return;
	}
	(void)snprintf(
		fix, sizeof(fix), "%snsenter -t %" JSON_INTEGER_FORMAT " -n agentctl doctor%s%s",
		doctor_sudo(doctor), doctor_number(doctor->status, "pid"),
		strcmp(doctor->options->socket, DEFAULT_CONTROL_SOCKET) ? " -s " : "",
		strcmp(doctor->options->socket, DEFAULT_CONTROL_SOCKET) ? doctor->options->socket
									: "");
	doctor_say(doctor, DOCTOR_fail, fix,
		   "the agent is in another network namespace: it sees no packet of this one, and "
		   "the rules below are not its own");
}

void doctor_check_kernel(struct doctor *doctor)
{
	char fix[128];

	if (doctor->read_count == 0)
		return;
	if (access("/proc/net/netfilter/nfnetlink_log", F_OK) == 0) {
		doctor_say(doctor, DOCTOR_ok, NULL, "nfnetlink_log is there");
		return;
	}
	(void)snprintf(fix, sizeof(fix), "%smodprobe nfnetlink_log", doctor_sudo(doctor));
	doctor_say(doctor, DOCTOR_fail, fix,
		   "the kernel has no nfnetlink_log: no rule can log to a group");
}

/* Who reads a group: /proc/net/netfilter/nfnetlink_log has a row for each, group and port first. By
 * default the kernel gives the number of the process as port. 0: nobody. */
static unsigned int reader_of(unsigned int group)
{
	char *table = agentctl_rules_read_file("/proc/net/netfilter/nfnetlink_log");
	char *rest = table;
	unsigned int reader = 0;

	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		unsigned int row;
		unsigned int port;

		if (sscanf(line, "%u %u", &row, &port) == 2 && row == group)
			reader = port;
	}
	free(table);
	return reader;
}

/* The service that a process belongs to, as systemctl knows it; "" if none. */
static void service_of(unsigned int pid, char *service, size_t size)
{
	char path[64];
	char *cgroups;
	char *end;
	char *start;

	(void)snprintf(path, sizeof(path), "/proc/%u/cgroup", pid);
	cgroups = agentctl_rules_read_file(path);
	*service = '\0';
	end = cgroups ? strstr(cgroups, ".service") : NULL;
	start = end;
	while (start && start > cgroups && start[-1] != '/')
		start--;
	if (end && start[-1] == '/')
		(void)snprintf(service, size, "%.*s", (int)(end - start), start);
	free(cgroups);
}

static void say_taken(struct doctor *doctor, unsigned int group, const char *failure)
{
	const unsigned int pid = reader_of(group);
	char service[128], fix[256], path[64];
	char *program;

	if (!pid) {
		doctor_say(doctor, DOCTOR_fail, NULL, "%s", failure);
		return;
	}
	service_of(pid, service, sizeof(service));
	(void)snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	program = agentctl_rules_read_file(path);
	if (*service)
		(void)snprintf(fix, sizeof(fix), "%ssystemctl stop %s", doctor_sudo(doctor),
			       service);
	else
		(void)snprintf(fix, sizeof(fix), "%skill %u", doctor_sudo(doctor), pid);
	doctor_say(doctor, DOCTOR_fail, fix, "group %u is read by %.*s (pid %u), not by the agent",
		   group, program ? (int)strcspn(program, "\n") : 0, program ? program : "", pid);
	free(program);
}

void doctor_check_group(struct doctor *doctor)
{
	size_t index;
	const json_t *source;

	json_array_foreach((json_t *)(uintptr_t)doctor_sources(doctor->status), index, source)
	{
		const char *name = doctor_text(source, "name");
		const char *failure = doctor_text(source, "failure");
		unsigned int group;

		if (strcmp(doctor_text(source, "state"), "running") == 0)
			doctor_say(doctor, DOCTOR_ok, NULL, "%s is read by the agent", name);
		else if (sscanf(name, "nflog:%u", &group) == 1)
			say_taken(doctor, group, failure);
		else
			doctor_say(doctor, DOCTOR_fail, NULL, "%s: %s", name, failure);
	}
}

/* A path in the text that the service's sandbox hides; copied to 'path', "" if there is none. */
static void find_hidden(const char *text, char *path, size_t size)
{
	static const char *const hidden[] = { "/home/", "/root/", "/run/user/", "/tmp/",
					      "/var/tmp/" };
	const char *first = NULL;

	*path = '\0';
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		const char *at = strstr(text, hidden[i]);

		if (at && (at == text || !strchr("abcdefghijklmnopqrstuvwxyz", at[-1])) &&
		    (!first || at < first))
			first = at;
	}
	if (first)
		(void)snprintf(path, size, "%.*s", (int)strcspn(first, " :,;\"'"), first);
}

static void say_hidden(struct doctor *doctor, const char *option, const char *path)
{
	char lines[512], config[768], fix[1280];
	const char *name = strrchr(path, '/') + 1;

	(void)snprintf(lines, sizeof(lines), "[agent]\\n%s = /etc/flowagent/%s\\n", option, name);
	doctor_fix_config(doctor, "moved", lines, config, sizeof(config));
	(void)snprintf(fix, sizeof(fix), "%sinstall -m 644 %s /etc/flowagent/%s && %s",
		       doctor_sudo(doctor), path, name, config);
	doctor_say(doctor, DOCTOR_fail, fix, "%s = %s: the service's sandbox hides that directory",
		   option, path);
}

/* What --check-config finds without the sandbox, the service does not: it is asked for its options.
 */
static void check_ended(struct doctor *doctor)
{
	char path[256];

	find_hidden(doctor->journal, path, sizeof(path));
	if (*path)
		say_hidden(doctor,
			   strstr(doctor->journal, "pplication") ? "applications-file"
								 : "networks-file",
			   path);
}

void doctor_check_sandbox(struct doctor *doctor)
{
	static const char *const options[] = { "networks-file", "applications-file" };
	char pid[32], path[256];

	if (!doctor->status) {
		check_ended(doctor);
		return;
	}
	unit_property("MainPID", pid, sizeof(pid));
	if ((json_int_t)atoll(pid) != doctor_number(doctor->status, "pid"))
		return; /* not the service: no sandbox */
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		find_hidden(doctor_option(doctor, options[i]), path, sizeof(path));
		if (*path)
			say_hidden(doctor, options[i], path);
	}
	if (doctor->said == 0)
		doctor_say(doctor, DOCTOR_ok, NULL, "no configured path is in its way");
}
