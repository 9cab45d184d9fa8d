/* agentctl_doctor_host.c - checks of the host: its clock, the AS table, what would flush our rules.
 *
 * Place: rows in the table of agentctl_doctor.c. */
#include "agentctl_doctor.h"

#include "agentctl_rules_firewall.h"
#include "agentctl_rules_system.h"
#include "count_text.h"
#include "time_now.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#define AS_TABLE_DAYS 30
#define DAY_S         86400

/* Before this the clock is wrong for certain: 2025-01-01. */
#define CLOCK_LEAST_S 1735689600

void doctor_check_clock(struct doctor *doctor)
{
	struct timex state = { .modes = 0 };
	const bool is_container =
		access("/run/systemd/container", F_OK) == 0 || access("/.dockerenv", F_OK) == 0;
	const bool is_synchronised = adjtimex(&state) >= 0 && !(state.status & STA_UNSYNC);
	char fix[128];

	(void)snprintf(fix, sizeof(fix), "%stimedatectl set-ntp true", doctor_sudo(doctor));
	if (time_now_ms(CLOCK_REALTIME) / 1000 < CLOCK_LEAST_S)
		doctor_say(doctor, DOCTOR_fail, fix,
			   "the clock is off by years: the times of all flows are wrong");
	else if (is_synchronised)
		doctor_say(doctor, DOCTOR_ok, NULL, "the clock is synchronised, within %ld ms",
			   state.maxerror / 1000);
	else if (is_container)
		doctor_say(
			doctor, DOCTOR_note, NULL,
			"the clock is that of the container's host, which does not synchronise it");
	else
		doctor_say(doctor, DOCTOR_warn, fix,
			   "nothing synchronises the clock: times of flows drift");
}

/* Only where a collector gets what the kernel translates. */
void doctor_check_conntrack(struct doctor *doctor)
{
	const json_t *problem;
	size_t index;
	char fix[128];

	(void)snprintf(fix, sizeof(fix), "%smodprobe nf_conntrack_netlink", doctor_sudo(doctor));
	json_array_foreach(json_object_get(doctor->status, "problems"), index, problem)
	{
		const char *text = doctor_text(problem, "problem");

		if (strstr(text, "conntrack"))
			doctor_say(doctor, DOCTOR_warn, strstr(text, "CAP_NET_ADMIN") ? NULL : fix,
				   "%s", text);
	}
}

void doctor_check_templates(struct doctor *doctor)
{
	const char *refresh = doctor_option(doctor, "template-refresh");
	bool has_templates = false;
	size_t index;
	const json_t *collector;

	json_array_foreach((json_t *)(uintptr_t)doctor_collectors(doctor->status), index, collector)
	{
		const json_int_t version = doctor_number(collector, "version");

		has_templates |= version == 9 || version == 10;
	}
	if (has_templates && *refresh)
		doctor_say(
			doctor, DOCTOR_note, NULL,
			"announced again every %.*s: a collector that starts anew waits for that",
			(int)strcspn(refresh, ","), refresh);
}

static bool has_content(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[512];
	bool is_found = false;

	while (file && !is_found && fgets(line, sizeof(line), file))
		is_found = !strchr("!#\n", line[strspn(line, " \t\r")]);
	if (file)
		(void)fclose(file);
	return is_found;
}

/* The command that makes the table anew; NULL if it is not the one that flowagent-asn fetches. */
static const char *fix_table(const struct doctor *doctor, const char *path, char *fix, size_t size)
{
	if (strncmp(path, "/var/lib/flowagent-asn/", strlen("/var/lib/flowagent-asn/")) != 0)
		return NULL;
	(void)snprintf(fix, size, "%ssystemctl start flowagent-asn.service", doctor_sudo(doctor));
	return fix;
}

/* Days since what is in the table was current: a table knows, of a text the file's time says it. */
static long long table_age_days(const json_t *table, bool is_text, const struct stat *status)
{
	const int64_t now_s = time_now_ms(CLOCK_REALTIME) / 1000;
	const int64_t age_s =
		is_text ? now_s - status->st_mtime : (int64_t)doctor_number(table, "age_ms") / 1000;

	return (long long)(age_s / DAY_S);
}

/* What the agent says of a new file that it does not use. */
static bool say_refused(struct doctor *doctor, const char *path)
{
	const json_t *problems = json_object_get(doctor->status_later, "problems");
	const size_t said = doctor->said;
	size_t index;
	const json_t *problem;

	json_array_foreach((json_t *)(uintptr_t)problems, index, problem)
	{
		const char *text = doctor_text(problem, "problem");

		if (strstr(text, path))
			doctor_say(doctor, DOCTOR_warn, NULL, "%s", text);
	}
	return doctor->said > said;
}

/* A table that is there. */
static void check_table(struct doctor *doctor, const char *path, bool is_text,
			const struct stat *status, const char *fix)
{
	const json_t *table = json_object_get(doctor->status_later, "asn_table");
	const json_int_t prefixes =
		doctor_number(table, "prefixes_ipv4") + doctor_number(table, "prefixes_ipv6");
	const long long days = table_age_days(table, is_text, status);
	char count[COUNT_TEXT_SIZE];

	if (is_text ? !has_content(path) : prefixes == 0)
		doctor_say(doctor, DOCTOR_warn, fix, "%s is empty: all AS numbers are 0", path);
	else if (days > AS_TABLE_DAYS)
		doctor_say(doctor, DOCTOR_warn, fix, "%s is %lld days old: write it anew", path,
			   days);
	else if (!say_refused(doctor, path))
		doctor_say(doctor, DOCTOR_ok, NULL, "%s has %s", path,
			   count_text((uint64_t)prefixes, "network", count));
}

void doctor_check_as_table(struct doctor *doctor)
{
	const bool is_text = !*doctor_option(doctor, "asn-table");
	const char *path = doctor_option(doctor, is_text ? "networks-file" : "asn-table");
	struct stat status;
	char buffer[128];
	const char *fix = fix_table(doctor, path, buffer, sizeof(buffer));

	if (!*path)
		doctor_say(doctor, DOCTOR_note, NULL,
			   "none is configured: AS numbers are for the collector to look up");
	else if (stat(path, &status) == 0)
		check_table(doctor, path, is_text, &status, fix);
	else if (errno == ENOENT)
		doctor_say(doctor, DOCTOR_fail, fix,
			   "%s is not there any more: the next start of the agent fails", path);
}

/* firewalld flushes all tables of iptables when it is reloaded, and brings back its own. */
static void check_firewalld(struct doctor *doctor)
{
	bool has_iptables = false;
	char fix[256];

	for (size_t i = 0; i < doctor->rules.count; i++) {
		const struct log_rule *rule = &doctor->rules.rules[i];

		has_iptables |= doctor_is_read(doctor, rule) && log_rule_is_of_iptables(rule);
	}
	if (!has_iptables || !agentctl_has_firewalld())
		return;
	doctor_fix_rules(doctor, "", fix, sizeof(fix));
	doctor_say(doctor, DOCTOR_warn, doctor_is_own_only(doctor) ? fix : NULL,
		   "firewalld runs here, and a reload of it takes the rules of iptables away: use "
		   "rules of nft, which it leaves alone");
}

/* nftables.service flushes all tables, and our unit brings ours back. */
static void check_nftables(struct doctor *doctor)
{
	struct error_text ignored;
	const struct agentctl_firewall_row *nft = &agentctl_firewalls[FIREWALL_nft];
	char fix[256];

	if (!doctor->is_root || !agentctl_has_unit(nft->unit) || !agentctl_rules_has_table())
		return;
	if (agentctl_systemctl("is-enabled", "--quiet", nft->unit, &ignored)) {
		doctor_say(doctor, DOCTOR_ok, NULL, "%s brings the rules back at boot", nft->unit);
		return;
	}
	doctor_fix_rules(doctor, "", fix, sizeof(fix));
	doctor_say(
		doctor, DOCTOR_warn, fix,
		"a reload of nftables.service, or a boot, takes the rules away: %s is not enabled",
		nft->unit);
}

void doctor_check_flush(struct doctor *doctor)
{
	check_firewalld(doctor);
	check_nftables(doctor);
}
