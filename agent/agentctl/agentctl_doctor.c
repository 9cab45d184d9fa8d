/* agentctl_doctor.c - the checks in their order: from the agent along the way of a packet to the
 * collector, then what may go wrong later. A check that says nothing has nothing to look at. */
#include "agentctl_doctor.h"

#include "agentctl_show.h"
#include "printable.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define WAIT_MS 2000 /* default of --wait */

static const struct doctor_check {
	const char *name;
	void (*run)(struct doctor *doctor);
	bool asks_agent; /* says nothing without it */
} checks[] = {
	{ "service", doctor_check_service, false },
	{ "namespace", doctor_check_namespace, true },
	{ "kernel", doctor_check_kernel, false },
	{ "group", doctor_check_group, true },
	{ "rules", doctor_check_rules, false },
	{ "counter", doctor_check_counter, true },
	{ "interface", doctor_check_interface, false },
	{ "direction", doctor_check_direction, false },
	{ "family", doctor_check_family, false },
	{ "doubled", doctor_check_doubled, false },
	{ "forwarded", doctor_check_forwarded, false },
	{ "length", doctor_check_length, false },
	{ "threshold", doctor_check_threshold, true },
	{ "fuse", doctor_check_fuse, false },
	{ "bpf", doctor_check_bpf, true },
	{ "owner", doctor_check_owner, true },
	{ "loss", doctor_check_loss, true },
	{ "buffer", doctor_check_buffer, true },
	{ "own export", doctor_check_own_export, true },
	{ "cache", doctor_check_cache, true },
	{ "collector", doctor_check_collector, true },
	{ "source id", doctor_check_source_id, true },
	{ "reader", doctor_check_reader, true },
	{ "conntrack", doctor_check_conntrack, true },
	{ "clock", doctor_check_clock, false },
	{ "templates", doctor_check_templates, true },
	{ "AS table", doctor_check_as_table, true },
	{ "sandbox", doctor_check_sandbox, false },
	{ "flush", doctor_check_flush, false },
};

static const char *const states[] = { "ok", "note", "warn", "FAIL" };
static const char *const json_states[] = { "ok", "note", "warn", "fail" };

static void print_json(struct doctor *doctor, enum doctor_state state, const char *fix,
		       const char *text)
{
	json_t *row = json_pack("{s:s, s:s, s:s, s:s?}", "check", doctor->check, "state",
				json_states[state], "text", text, "fix", fix);

	if (agentctl_print_json(row) == -ENOMEM)
		doctor->fault = 1;
	json_decref(row);
}

void doctor_say(struct doctor *doctor, enum doctor_state state, const char *fix, const char *format,
		...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	printable_make(text);
	doctor->said++;
	if (state > doctor->worst)
		doctor->worst = state;
	if (doctor->options->format == AGENTCTL_JSON) {
		print_json(doctor, state, fix, text);
		return;
	}
	(void)printf("%-4s  %-11s  %s\n", states[state], doctor->check, text);
	if (fix)
		(void)printf("                   fix: %s\n", fix);
}

enum agentctl_exit agentctl_doctor(const struct agentctl_command *command,
				   const struct agentctl_options *options)
{
	struct doctor *doctor = calloc(1, sizeof(*doctor));
	enum doctor_state worst;

	(void)command;
	if (!doctor) {
		(void)fputs("agentctl: out of memory\n", stderr);
		return AGENTCTL_FAILED;
	}
	doctor->options = options;
	doctor_gather(doctor, options->wait_ms < 0 ? WAIT_MS : options->wait_ms);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		if (checks[i].asks_agent && !doctor->status)
			continue;
		doctor->check = checks[i].name;
		doctor->said = 0;
		checks[i].run(doctor);
	}
	worst = doctor->fault ? DOCTOR_fail : doctor->worst;
	doctor_clear(doctor);
	free(doctor);
	return worst == DOCTOR_fail   ? AGENTCTL_BROKEN
	       : worst == DOCTOR_warn ? AGENTCTL_FAILED
				      : AGENTCTL_DONE;
}
