/* agentctl_doctor_bpf.c - the check of sources that a BPF program feeds (--bpf): whether it is
 * attached, what comes before it, what it sees of what the interface counts, and its capabilities.
 *
 * Place: a row in the table of agentctl_doctor.c. It asks the kernel by bpf() itself: agentctl has
 * no use for libbpf. */
#include "agentctl_doctor.h"

#include "agentctl_bpf.h"
#include "agentctl_rules_make.h"
#include "agentctl_tc.h"
#include "count_text.h"
#include "rights.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Fewer say nothing: neither look is at one instant. */
#define MOVED_LEAST 100

/* linux/bpf.h of Linux 6.6: the hooks, and the question what is at one of them. */
struct query {
	uint32_t interface, hook, flags, attach_flags;
	uint64_t identifiers;
	uint32_t count, zero;
	uint64_t more[6];
};

static const struct {
	const char *name, *program;
	uint32_t hook;
} sides[2] = {
	{ "ingress", "flowagent_in", 46 },
	{ "egress", "flowagent_out", 47 },
};

enum { PROGRAMS_MAX = 64 };

static int ask_kernel(enum bpf_cmd command, void *attributes, size_t size)
{
	return (int)syscall(SYS_bpf, command, attributes, size);
}

/* Name of a loaded program; "?" if it cannot be had. */
static void program_name(uint32_t identifier, char name[static BPF_OBJ_NAME_LEN])
{
	union bpf_attr find = { .prog_id = identifier };
	const int descriptor = ask_kernel(BPF_PROG_GET_FD_BY_ID, &find, sizeof(find));
	struct bpf_prog_info info = { .type = 0 };
	union bpf_attr ask = { .info = { .bpf_fd = (uint32_t)descriptor,
					 .info_len = sizeof(info),
					 .info = (uintptr_t)&info } };

	(void)strcpy(name, "?");
	if (descriptor < 0)
		return;
	if (ask_kernel(BPF_OBJ_GET_INFO_BY_FD, &ask, sizeof(ask)) == 0)
		memcpy(name, info.name, BPF_OBJ_NAME_LEN);
	name[BPF_OBJ_NAME_LEN - 1] = '\0';
	(void)close(descriptor);
}

/* Whether ours is among the programs of one hook, and another one before it: the first has 'name'.
 * Returns as before_ours(). */
static int first_of(const uint32_t *identifiers, size_t count, int side,
		    char name[static BPF_OBJ_NAME_LEN])
{
	char each[BPF_OBJ_NAME_LEN];

	for (size_t i = 0; i < count; i++) {
		program_name(identifiers[i], each);
		if (strcmp(each, sides[side].program) == 0)
			return i > 0;
		if (i == 0)
			memcpy(name, each, sizeof(each));
	}
	return -ENOENT;
}

/* What packets meet before our program at one hook. Returns 1 and its 'name', 0 if ours is the
 * first, -ENOENT if it is not there, or another negative errno: the kernel does not say. */
static int before_ours(unsigned int interface, int side, char name[static BPF_OBJ_NAME_LEN])
{
	uint32_t identifiers[PROGRAMS_MAX] = { 0 };
	struct query query = {
		.interface = interface,
		.hook = sides[side].hook,
		.identifiers = (uintptr_t)identifiers,
		.count = PROGRAMS_MAX,
	};

	if (ask_kernel(BPF_PROG_QUERY, &query, sizeof(query)) != 0 && errno != ENOENT)
		return -errno;
	return first_of(identifiers, query.count < PROGRAMS_MAX ? query.count : PROGRAMS_MAX, side,
			name);
}

/* The same, where ours is a filter of clsact: the last that comes is the first of its preference.
 */
static int filter_before_ours(unsigned int interface, int side, char name[static BPF_OBJ_NAME_LEN])
{
	uint32_t identifiers[PROGRAMS_MAX];
	const int count = agentctl_tc_programs(interface, side == 1, identifiers, PROGRAMS_MAX);

	return count < 0 ? count : first_of(identifiers, (size_t)count, side, name);
}

static void check_hooks(struct doctor *doctor, const char *interface, const char *restart)
{
	const unsigned int index = if_nametoindex(interface);

	for (int side = 0; side < 2; side++) {
		char name[BPF_OBJ_NAME_LEN] = "";
		char filter[BPF_OBJ_NAME_LEN] = "";
		const int result = before_ours(index, side, name);
		const bool is_hidden = result < 0 && filter_before_ours(index, side, filter) == 1;

		if (result == 1 || is_hidden)
			doctor_say(
				doctor, DOCTOR_warn, restart,
				"%s: the program %s comes before the agent's at %s: what it does "
				"not let continue is not seen; after a stop and a start the "
				"agent's is first",
				interface, is_hidden ? filter : name, sides[side].name);
		/* A filter of clsact runs after all programs that are attached by links. */
		if (result == -ENOENT && *name)
			doctor_say(
				doctor, DOCTOR_warn, restart,
				"%s: the program %s comes before all filters of %s: what it does "
				"not let continue is not seen",
				interface, name, sides[side].name);
	}
}

/* What getifaddrs() has of a link begins with the packets received and sent, 32 bits each (struct
 * rtnl_link_stats). */
static void note_counters(json_t *source, const void *statistics)
{
	uint32_t packets[2];

	memcpy(packets, statistics, sizeof(packets));
	(void)json_object_set_new(source, "interface_packets",
				  json_integer((uint32_t)(packets[0] + packets[1])));
}

void doctor_note_interfaces(json_t *status)
{
	struct ifaddrs *all = NULL;
	size_t index;
	json_t *source;

	if (getifaddrs(&all) != 0)
		return;
	json_array_foreach((json_t *)(uintptr_t)doctor_sources(status), index, source)
	{
		const char *interface = doctor_source_bpf(source);

		if (!interface)
			continue;
		for (const struct ifaddrs *i = all; i; i = i->ifa_next)
			if (!strcmp(i->ifa_name, interface) && i->ifa_addr &&
			    i->ifa_addr->sa_family == AF_PACKET && i->ifa_data)
				note_counters(source, i->ifa_data);
	}
	freeifaddrs(all);
}

static json_int_t grown(const json_t *before, const json_t *after, const char *name)
{
	return doctor_number(after, name) - doctor_number(before, name);
}

/* Why packets of several segments count as one, so that the interface counts more; NULL: they do
 * not. */
static const char *segments_unknown(const struct doctor *doctor, const json_t *before,
				    const json_t *after)
{
	static const char ignored[] = "packets_ignored";

	if (strstr(doctor_option(doctor, "bpf"), "packets=as-seen"))
		return "packets=as-seen";
	if (grown(json_object_get(before, ignored), json_object_get(after, ignored),
		  "not_sampled") > 0)
		return "sampling";
	return grown(before, after, "packets_super_uncounted") > 0 ? "tunnels" : NULL;
}

/* What has come and gone since the first look; the interface's counters have 32 bits here. */
static void check_share(struct doctor *doctor, const json_t *before, const json_t *after,
			const char *interface)
{
	const uint32_t moved = (uint32_t)(doctor_number(after, "interface_packets") -
					  doctor_number(before, "interface_packets"));
	const json_int_t seen =
		grown(before, after, "packets_seen") + grown(before, after, "packets_split");
	const char *reason = segments_unknown(doctor, before, after);
	char text[COUNT_TEXT_SIZE];

	if (!json_object_get(before, "interface_packets") || seen < 0)
		return;
	if (moved >= MOVED_LEAST && seen < (json_int_t)moved / 10 * 9 && reason)
		doctor_say(doctor, DOCTOR_note, NULL,
			   "%s: the agent's program has seen %" JSON_INTEGER_FORMAT
			   ", the interface has counted %s: not comparable, as packets of several "
			   "segments count as one (%s)",
			   interface, seen, count_text(moved, "packet", text), reason);
	else if (moved >= MOVED_LEAST && seen < (json_int_t)moved / 10 * 9)
		doctor_say(doctor, DOCTOR_warn, NULL,
			   "%s: the interface has counted %s, and the agent's program has seen "
			   "%" JSON_INTEGER_FORMAT " of them: what XDP drops, or another program "
			   "hides, is not counted",
			   interface, count_text(moved, "packet", text), seen);
	else
		doctor_say(doctor, DOCTOR_ok, NULL,
			   "%s: the agent's program has seen %" JSON_INTEGER_FORMAT
			   ", the interface has counted %s",
			   interface, seen, count_text(moved, "packet", text));
}

/* Many packets that are read although their flows have enough of them for offload=. */
static void check_room(struct doctor *doctor, const json_t *before, const json_t *after,
		       const char *interface)
{
	const json_int_t without = grown(before, after, "packets_without_room");
	const json_int_t seen = grown(before, after, "packets_seen");

	if (without > 0 && without >= seen / 10)
		doctor_say(
			doctor, DOCTOR_note, NULL,
			"%s: offload: all places of the table are taken, and %" JSON_INTEGER_FORMAT
			" of %" JSON_INTEGER_FORMAT " packets are of flows beyond them: they are "
			"read one by one; a larger offload= keeps places for flows of more packets",
			interface, without, seen);
}

/* Permitted capabilities of the agent; all if they cannot be read. */
static uint64_t rights_of(json_int_t pid)
{
	char path[64], *text, *line;
	unsigned long long rights = UINT64_MAX;

	(void)snprintf(path, sizeof(path), "/proc/%" JSON_INTEGER_FORMAT "/status", pid);
	text = agentctl_rules_read_file(path);
	line = text ? strstr(text, "\nCapPrm:") : NULL;
	if (line)
		(void)sscanf(line, " CapPrm: %llx", &rights);
	free(text);
	return rights;
}

/* Later kernels load the program without it, and make each packet pay for that. */
static void check_rights(struct doctor *doctor)
{
	const uint64_t rights = rights_of(doctor_number(doctor->status, "pid"));
	char fix[512];

	if (!(rights & RIGHTS_BPF) || rights & RIGHTS_PERFMON)
		return;
	doctor_fix_drop_in(doctor, fix, sizeof(fix));
	doctor_say(doctor, DOCTOR_warn, doctor_is_service(doctor) ? fix : NULL,
		   "the agent has CAP_BPF and not CAP_PERFMON: its program is slower, and Linux "
		   "6.1 refuses it; the drop-in bpf.conf has both, see flowagent(8)");
}

bool doctor_is_about_bpf(const char *failure)
{
	return strstr(failure, "BPF program") != NULL;
}

void doctor_check_bpf_ended(struct doctor *doctor)
{
	const char *failure = doctor->journal;
	struct error_text ignored;
	char fix[512];

	if (!doctor_is_about_bpf(failure) ||
	    !(strstr(failure, "missing CAP_") || strstr(failure, "a filter of system calls")))
		return;
	if (doctor->is_root && agentctl_bpf_check(&ignored) != 0)
		return; /* "kernel" says it */
	doctor_fix_drop_in(doctor, fix, sizeof(fix));
	doctor_say(doctor, DOCTOR_fail, fix,
		   "the service's sandbox keeps the BPF program out: the drop-in for --bpf is "
		   "missing, or another one takes it back");
}

void doctor_check_bpf(struct doctor *doctor)
{
	char restart[160]; /* a restart keeps the places of the programs, a stop does not */
	bool has_any = false;
	size_t index;
	const json_t *source;

	(void)snprintf(restart, sizeof(restart),
		       "%ssystemctl stop flowagent && %ssystemctl start flowagent",
		       doctor_sudo(doctor), doctor_sudo(doctor));
	json_array_foreach((json_t *)(uintptr_t)doctor_sources(doctor->status), index, source)
	{
		const json_t *later = json_array_get(doctor_sources(doctor->status_later), index);
		const char *interface = doctor_source_bpf(source);

		if (!interface)
			continue;
		has_any = true;
		if (strcmp(doctor_text(source, "state"), "running") != 0)
			continue; /* "group" says why */
		if (doctor->is_root)
			check_hooks(doctor, interface, restart);
		if (later)
			check_share(doctor, source, later, interface);
		if (later)
			check_room(doctor, source, later, interface);
	}
	if (has_any)
		check_rights(doctor);
}
