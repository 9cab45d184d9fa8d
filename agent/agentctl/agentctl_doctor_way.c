/* agentctl_doctor_way.c - what can be typed here when nothing gets to a collector: a route that
 * rejects, a name that is nearly one of /etc/hosts, a collector of this host that does not run.
 *
 * Place: agentctl_doctor_collectors.c -> here. Where the fault is on another host, or has several
 * mends, there is nothing to type. */
#include "agentctl_doctor.h"

#include "agentctl_program.h"
#include "agentctl_rules_make.h"
#include "agentctl_rules_system.h"
#include "word_distance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- routes ---- */

/* How specific a route is: the length of its prefix; of a host's own address the most. */
static int prefix_length(const json_t *route)
{
	const char *destination = doctor_text(route, "dst");
	const char *slash = strchr(destination, '/');

	if (strcmp(destination, "default") == 0)
		return 0;
	return slash ? atoi(slash + 1) : 128;
}

static bool rejects(const json_t *route)
{
	static const char *const types[] = { "unreachable", "blackhole", "prohibit", "throw" };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strcmp(doctor_text(route, "type"), types[i]) == 0)
			return true;
	return false;
}

const char *doctor_fix_route(const struct doctor *doctor, const char *host, char *fix, size_t size)
{
	const bool is_ipv6 = strchr(host, ':') != NULL;
	const char *const family = is_ipv6 ? "-6" : "-4";
	const char *const list[] = { "ip", family, "-j", "route", "show", "match", host, NULL };
	const json_t *best = NULL;
	struct program_result result;
	const char *found = NULL;
	json_t *routes;
	size_t index;
	const json_t *route;

	if (agentctl_program_run(list, NULL, &result))
		return NULL;
	routes = json_loads(result.output, 0, NULL);
	json_array_foreach(routes, index, route)
	{
		if (!best || prefix_length(route) > prefix_length(best))
			best = route;
	}
	if (best && rejects(best)) {
		(void)snprintf(fix, size, "%sip %s route del %s %s", doctor_sudo(doctor), family,
			       doctor_text(best, "type"), doctor_text(best, "dst"));
		found = fix;
	}
	json_decref(routes);
	agentctl_program_clear(&result);
	return found;
}

/* ---- names ---- */

/* Whether a shell and sed take a name as it stands. */
static bool is_plain(const char *name)
{
	return *name && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					  "0123456789.-_")] == '\0';
}

/* Offer the names of a line of /etc/hosts, which is changed. */
static void offer_line(char *line, struct word_nearest *nearest)
{
	char *save = NULL;

	line[strcspn(line, "#")] = '\0';
	if (!strtok_r(line, " \t", &save)) /* the address */
		return;
	for (char *name = strtok_r(NULL, " \t", &save); name; name = strtok_r(NULL, " \t", &save))
		word_distance_offer(nearest, name);
}

const char *doctor_fix_name(const struct doctor *doctor, const char *host, unsigned int port,
			    char *fix, size_t size)
{
	struct word_nearest nearest = word_distance_begin(host, strlen(host));
	char *text = agentctl_rules_read_file("/etc/hosts");
	char *rest = text;
	char wrong[300], right[300];
	const char *found = NULL;

	while (rest && *rest)
		offer_line(strsep(&rest, "\n"), &nearest);
	if (nearest.best && is_plain(host) && is_plain(nearest.best)) {
		(void)snprintf(wrong, sizeof(wrong), "%s:%u", host, port);
		(void)snprintf(right, sizeof(right), "%s:%u", nearest.best, port);
		found = doctor_fix_collector(doctor, wrong, right, fix, size);
	}
	free(text);
	return found;
}

/* ---- collectors of this host ---- */

const char *doctor_fix_unit(const struct doctor *doctor, char *fix, size_t size)
{
	static const char *const units[] = { "nfacctd.service", "nfdump.service" };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!agentctl_has_unit(units[i]))
			continue;
		(void)snprintf(fix, size, "%ssystemctl start %s", doctor_sudo(doctor), units[i]);
		return fix;
	}
	return NULL;
}
