/* agentctl_doctor_fuse.c - the check of the fuse that `rules install --max-rate` makes: what it has
 * kept from the agent, and how it is set to let more pass.
 *
 * Place: a row in the table of agentctl_doctor.c. */
#include "agentctl_doctor.h"

#include "agentctl_program.h"
#include "defaults.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_MAX 1000000000u /* of --max-rate */

/* Our table, as `nft -j` lists it: a list of objects. NULL if there is none; owned. */
static json_t *list_table(void)
{
	static const char *const list[] = {
		"nft", "-j", "list", "table", "inet", "flowagent", NULL
	};
	struct program_result result;
	json_t *root;
	json_t *objects;

	if (agentctl_program_run(list, NULL, &result))
		return NULL;
	root = json_loads(result.output, 0, NULL);
	agentctl_program_clear(&result);
	objects = json_incref(json_object_get(root, "nftables"));
	json_decref(root);
	return objects;
}

/* Packets that the fuse has kept; -1: there is none. */
static json_int_t kept_packets(const json_t *objects)
{
	size_t index;
	const json_t *object;

	json_array_foreach((json_t *)(uintptr_t)objects, index, object)
	{
		const json_t *counter = json_object_get(object, "counter");

		if (strcmp(doctor_text(counter, "name"), "over_rate") == 0)
			return doctor_number(counter, "packets");
	}
	return -1;
}

/* The rate in the name of the limit that a chain uses, "fuse100"; 0: there is none. */
static uint64_t rate_of(const json_t *objects)
{
	size_t index;
	const json_t *object;

	json_array_foreach((json_t *)(uintptr_t)objects, index, object)
	{
		const json_t *parts = json_object_get(json_object_get(object, "rule"), "expr");
		size_t place;
		const json_t *part;

		json_array_foreach((json_t *)(uintptr_t)parts, place, part)
		{
			const char *limit = doctor_text(part, "limit");
			uint64_t rate = 0;

			if (sscanf(limit, "fuse%" SCNu64, &rate) == 1)
				return rate;
		}
	}
	return 0;
}

/* The first of our rules that logs to the group. */
static const struct log_rule *own_rule(const struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->rules.count; i++)
		if (log_rule_is_own(&doctor->rules.rules[i]) &&
		    doctor_is_read(doctor, &doctor->rules.rules[i]))
			return &doctor->rules.rules[i];
	return NULL;
}

static size_t count_own(const struct doctor *doctor)
{
	size_t count = 0;

	for (size_t i = 0; i < doctor->rules.count; i++)
		count += log_rule_is_own(&doctor->rules.rules[i]);
	return count;
}

/* The same rules with a fuse of twice the rate, and its counter at 0. Returns NULL for rules that
 * have more to them: samples, and groups by CPU. */
static const char *fix_rate(const struct doctor *doctor, uint64_t rate, char *fix, size_t size)
{
	const struct log_rule *rule = own_rule(doctor);
	const char *sudo = doctor_sudo(doctor);
	char names[RULE_INTERFACES_SIZE];
	char *save = NULL;
	size_t used;

	if (!rule || *rule->prefix || count_own(doctor) > 2 || !rate || rate > RATE_MAX / 2)
		return NULL;
	(void)snprintf(names, sizeof(names), "%s", doctor_text(rule->row, "interfaces"));
	used = (size_t)snprintf(fix, size, "%sagentctl rules install", sudo);
	for (char *name = strtok_r(names, ",", &save); name && used < size;
	     name = strtok_r(NULL, ",", &save))
		used += (size_t)snprintf(fix + used, size - used, " -i %s", name);
	if (used < size && doctor_group(doctor) != DEFAULT_NFLOG_GROUP)
		used += (size_t)snprintf(fix + used, size - used, " -g %u", doctor_group(doctor));
	if (used < size && doctor_number(rule->row, "snaplen") != DEFAULT_SNAPLEN)
		used += (size_t)snprintf(fix + used, size - used,
					 " --snaplen %" JSON_INTEGER_FORMAT,
					 doctor_number(rule->row, "snaplen"));
	if (used < size)
		used += (size_t)snprintf(fix + used, size - used,
					 " --max-rate %" PRIu64
					 " && %snft reset counter inet flowagent over_rate",
					 2 * rate, sudo);
	return used < size ? fix : NULL;
}

void doctor_check_fuse(struct doctor *doctor)
{
	json_t *objects = doctor->has_rules ? list_table() : NULL;
	const json_int_t packets = kept_packets(objects);
	const uint64_t rate = rate_of(objects);
	char fix[1024];

	if (packets > 0)
		doctor_say(doctor, DOCTOR_warn, fix_rate(doctor, rate, fix, sizeof(fix)),
			   "the fuse (--max-rate) has kept %" JSON_INTEGER_FORMAT
			   " packets from the agent: more than %" PRIu64 " a second have passed",
			   packets, rate);
	else if (packets == 0)
		doctor_say(doctor, DOCTOR_ok, NULL, "it has let all packets pass");
	json_decref(objects);
}
