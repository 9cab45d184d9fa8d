/* agentctl_doctor_agent.c - checks of the agent itself: does it run, where, and what does it read.
 *
 * Place: rows in the table of agentctl_doctor.c. */
#include "agentctl_doctor.h"

#include "agentctl_bpf.h"
#include "agentctl_program.h"
#include "agentctl_rules_make.h"
#include "agentctl_setup.h"
#include "defaults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIT "flowagent.service"

void doctor_unit_property(const char *property, char *value, size_t size)
{
	const char *const show[] = { "systemctl", "show", "-P", property, UNIT, NULL };
	struct program_result result;

	*value = '\0';
	if (access("/run/systemd/system", F_OK) != 0 || agentctl_program_run(show, NULL, &result))
		return;
	(void)snprintf(value, size, "%.*s", (int)strcspn(result.output, "\n"), result.output);
	agentctl_program_clear(&result);
}

bool doctor_is_service(const struct doctor *doctor)
{
	char pid[32];

	doctor_unit_property("MainPID", pid, sizeof(pid));
	return (json_int_t)atoll(pid) == doctor_number(doctor->status, "pid");
}

/* The last error that the service has logged, without the hint that may follow it. */
static void read_journal(char *line, size_t size)
{
	/* Not -u: systemd's own messages on the unit say less. */
	static const char *const show[] = {
		"journalctl", "_SYSTEMD_UNIT=" UNIT, "-p", "err", "-n", "4", "-o", "cat",
		"-q",         "--no-pager",          NULL
	};
	struct program_result result;
	char *rest;

	*line = '\0';
	if (agentctl_program_run(show, NULL, &result))
		return;
	rest = result.output;
	for (char *row = strsep(&rest, "\n"); row; row = strsep(&rest, "\n"))
		if (*row && strncmp(row, "hint:", strlen("hint:")) != 0)
			(void)snprintf(line, size, "%s", row);
	agentctl_program_clear(&result);
}

/* Why no agent answers, and what starts it. */
static void say_no_agent(struct doctor *doctor)
{
	const char *sudo = doctor_sudo(doctor);
	char state[32], result[32], condition[16], fix[256];

	doctor_unit_property("ActiveState", state, sizeof(state));
	doctor_unit_property("ExecMainStatus", result, sizeof(result));
	doctor_unit_property("ConditionResult", condition, sizeof(condition));
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
		(void)snprintf(fix, sizeof(fix), "%s",
			       strstr(doctor->status_error.text, "Permission denied")
				       ? "sudo agentctl doctor"
			       : *state ? "systemctl status flowagent"
					: "");
		doctor_say(doctor, DOCTOR_fail, *fix ? fix : NULL, "%s", doctor->status_error.text);
	}
}

/* A file with a mistake, and an agent that runs without what stands there. */
static void say_mistake(struct doctor *doctor)
{
	char fix[128];
	size_t index;
	const json_t *problem;

	(void)snprintf(fix, sizeof(fix), "%sflowagent --check-config", doctor_sudo(doctor));
	json_array_foreach(json_object_get(doctor->status, "problems"), index, problem)
	{
		const char *text = doctor_text(problem, "problem");

		if (strstr(text, "with the configuration that"))
			doctor_say(doctor, DOCTOR_warn, fix, "%s", text);
	}
}

void doctor_check_service(struct doctor *doctor)
{
	const json_int_t seconds = doctor_number(doctor->status, "uptime_ms") / 1000;

	if (!doctor->status) {
		say_no_agent(doctor);
		return;
	}
	doctor_say(doctor, DOCTOR_ok, NULL,
		   "flowagent %s runs for %" JSON_INTEGER_FORMAT " s, pid %" JSON_INTEGER_FORMAT,
		   doctor_text(doctor->status, "version"), seconds,
		   doctor_number(doctor->status, "pid"));
	say_mistake(doctor);
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

/* Whether the agent reads by BPF programs, or is to. */
static bool wants_bpf(const struct doctor *doctor)
{
	return doctor_reads_by_bpf(doctor) ||
	       (!doctor->status &&
		(agentctl_drop_in_is_there() || doctor_is_about_bpf(doctor->journal)));
}

/* Whether `setup` has chosen the source: then it can choose another one. */
static bool is_bpf_of_setup(void)
{
	char *text = agentctl_rules_read_file(SETUP_FILE);
	struct setup_file file;

	setup_parse(text ? text : "", &file);
	free(text);
	return file.bpf.interface_count > 0;
}

static void check_bpf(struct doctor *doctor)
{
	struct error_text error;
	char fix[64];

	if (!doctor->is_root || !wants_bpf(doctor))
		return;
	if (agentctl_bpf_check(&error) == 0) {
		doctor_say(doctor, DOCTOR_ok, NULL, "BPF programs can be loaded");
		return;
	}
	(void)snprintf(fix, sizeof(fix), "%sagentctl setup --source nflog", doctor_sudo(doctor));
	doctor_say(doctor, DOCTOR_fail, is_bpf_of_setup() ? fix : NULL,
		   "%s; --nflog and --interface work without", error.text);
}

void doctor_check_kernel(struct doctor *doctor)
{
	char fix[128];

	check_bpf(doctor);
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
