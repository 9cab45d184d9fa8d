/* agentctl_doctor_owner.c - the check of owner=unit: how much of what has left is nobody's.
 *
 * Place: a row in the table of agentctl_doctor.c. */
#include "agentctl_doctor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Fewer say nothing. */
#define RECORDS_LEAST 20
#define PERCENT_MOST  50

/* Records of units, and in 'unknown' those of none. */
static json_int_t records(const json_t *status, json_int_t *unknown)
{
	json_int_t all = 0;
	size_t index;
	const json_t *unit;

	*unknown = 0;
	json_array_foreach(json_object_get(status, "units"), index, unit)
	{
		const json_int_t count = doctor_number(unit, "records");

		all += count;
		*unknown += *doctor_text(unit, "name") ? 0 : count;
	}
	return all;
}

/* More than half is unknown. */
static void say_unknown(struct doctor *doctor, json_int_t percent)
{
	char fix[64];

	(void)snprintf(fix, sizeof(fix), "%sagentctl setup --source bpf", doctor_sudo(doctor));
	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) != 0 &&
	    access("/sys/fs/cgroup/unified/cgroup.procs", F_OK) != 0)
		doctor_say(doctor, DOCTOR_warn, NULL,
			   "there is no cgroup v2 here: units cannot be known; boot with "
			   "systemd.unified_cgroup_hierarchy=1, or use owner = uid");
	else if (doctor_reads_by_bpf(doctor))
		doctor_say(doctor, DOCTOR_note, NULL,
			   "%" JSON_INTEGER_FORMAT " %% of the records have no unit: what is "
			   "forwarded, and what the kernel itself sends, has none",
			   percent);
	else
		doctor_say(doctor, DOCTOR_warn, fix,
			   "%" JSON_INTEGER_FORMAT " %% of the records have no unit: what is "
			   "forwarded has none, and of a client's connections that end soon only a "
			   "BPF program knows it",
			   percent);
}

void doctor_check_owner(struct doctor *doctor)
{
	const json_t *status = doctor->status_later ? doctor->status_later : doctor->status;
	json_int_t unknown;
	const json_int_t all = records(status, &unknown);
	const json_int_t percent = all ? unknown * 100 / all : 0;

	if (strcmp(doctor_option(doctor, "owner"), "unit") != 0 || all < RECORDS_LEAST)
		return;
	if (percent > PERCENT_MOST)
		say_unknown(doctor, percent);
	else
		doctor_say(doctor, DOCTOR_ok, NULL,
			   "%" JSON_INTEGER_FORMAT " %% of the records have no unit", percent);
}
