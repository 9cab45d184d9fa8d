/* agentctl_doctor_facts.c - asks the agent and the firewalls, each once and once more after a
 * while, so that checks can tell what moves.
 *
 * Place: called by agentctl_doctor.c before any check. */
#include "agentctl_doctor.h"

#include "agentctl_bpf.h"
#include "agentctl_client.h"
#include "agentctl_found_rules.h"
#include "agentctl_rules_make.h"
#include "control_protocol.h"
#include "defaults.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASK_MS 5000

const char *doctor_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

json_int_t doctor_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

const char *doctor_option(const struct doctor *doctor, const char *name)
{
	return doctor_text(doctor->config, name);
}

const json_t *doctor_sources(const json_t *status)
{
	return json_object_get(status, "sources");
}

const json_t *doctor_collectors(const json_t *status)
{
	return json_object_get(status, "collectors");
}

bool doctor_is_read(const struct doctor *doctor, const struct log_rule *rule)
{
	const json_int_t group = log_rule_group(rule);

	return group >= 0 && group <= UINT16_MAX && doctor->is_read[group];
}

bool doctor_is_own_only(const struct doctor *doctor)
{
	size_t own = 0;

	for (size_t i = 0; i < doctor->rules.count; i++) {
		if (!doctor_is_read(doctor, &doctor->rules.rules[i]))
			continue;
		if (!log_rule_is_own(&doctor->rules.rules[i]))
			return false;
		own++;
	}
	return own > 0;
}

unsigned int doctor_group(const struct doctor *doctor)
{
	for (unsigned int group = 0; group <= UINT16_MAX; group++)
		if (doctor->is_read[group])
			return group;
	return doctor->options->group;
}

const char *doctor_sudo(const struct doctor *doctor)
{
	return doctor->is_root ? "" : "sudo ";
}

unsigned int doctor_interface_flags(const char *name)
{
	struct ifaddrs *all = NULL;
	unsigned int flags = 0;

	if (getifaddrs(&all) != 0)
		return 0;
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (strcmp(i->ifa_name, name) == 0)
			flags = i->ifa_flags;
	freeifaddrs(all);
	return flags;
}

/* Some interface that is up, and not the loopback; "" if there is none. */
static void find_interface(char name[static IF_NAMESIZE])
{
	const unsigned int wanted = IFF_UP | IFF_RUNNING;
	struct ifaddrs *all = NULL;

	*name = '\0';
	if (getifaddrs(&all) != 0)
		return;
	for (const struct ifaddrs *i = all; i && !*name; i = i->ifa_next)
		if ((i->ifa_flags & (wanted | IFF_LOOPBACK)) == wanted)
			(void)snprintf(name, IF_NAMESIZE, "%s", i->ifa_name);
	freeifaddrs(all);
}

void doctor_fix_rules(const struct doctor *doctor, const char *more, char *fix, size_t size)
{
	const struct agentctl_options options = { .group = (uint16_t)doctor_group(doctor),
						  .snaplen = DEFAULT_SNAPLEN };
	struct ruleset ruleset;
	struct cpu_list cpus;
	struct error_text ignored;
	char interface[IF_NAMESIZE];
	char *text = NULL;
	int used = snprintf(fix, size, "%sagentctl rules install", doctor_sudo(doctor));

	if (agentctl_rules_make(&options, &ruleset, &cpus, &text, &ignored)) {
		find_interface(interface);
		used += snprintf(fix + used, size - (size_t)used, " -i %s",
				 *interface ? interface : "INTERFACE");
	}
	free(text);
	if (doctor_group(doctor) != DEFAULT_NFLOG_GROUP)
		used += snprintf(fix + used, size - (size_t)used, " -g %u", doctor_group(doctor));
	(void)snprintf(fix + used, size - (size_t)used, "%s%s", *more ? " " : "", more);
}

void doctor_fix_config(const struct doctor *doctor, const char *topic, const char *lines, char *fix,
		       size_t size)
{
	const char *sudo = doctor_sudo(doctor);

	(void)snprintf(fix, size,
		       "printf '%s' | %stee " DEFAULT_CONFIG_DIRECTORY
		       "/zz-%s.conf >/dev/null && %ssystemctl restart flowagent",
		       lines, sudo, topic, sudo);
}

/* Whether line 'number' of a file gives a collector and its keys in one: a section has one key a
 * line. */
static bool is_collector_line(const char *path, int number)
{
	char *text = agentctl_rules_read_file(path);
	char *rest = text;
	const char *line = NULL;
	bool is_it;

	for (int i = 0; i < number && rest; i++)
		line = strsep(&rest, "\n");
	is_it = line && strncmp(line + strspn(line, " \t"), "collector", 9) == 0;
	free(text);
	return is_it;
}

/* A stop, as a restart hands a program over that was loaded without. */
void doctor_fix_drop_in(const struct doctor *doctor, char *fix, size_t size)
{
	const char *sudo = doctor_sudo(doctor);

	(void)snprintf(fix, size,
		       "%smkdir -p " AGENTCTL_DROP_IN_DIRECTORY " && %sln -sf %s " AGENTCTL_DROP_IN
		       " && %ssystemctl daemon-reload && %ssystemctl stop flowagent && "
		       "%ssystemctl start flowagent",
		       sudo, sudo, agentctl_drop_in_file(), sudo, sudo, sudo);
}

const char *doctor_fix_collector(const struct doctor *doctor, const char *from, const char *to,
				 char *fix, size_t size)
{
	const char *origin = doctor_text(doctor->origins, "collector");
	const char *colon = strrchr(origin, ':');
	const char *sudo = doctor_sudo(doctor);
	char path[256];

	if (*origin != '/' || !colon)
		return NULL;
	(void)snprintf(path, sizeof(path), "%.*s", (int)(colon - origin), origin);
	if (strchr(to, ',') && !is_collector_line(path, atoi(colon + 1)))
		return NULL;
	(void)snprintf(fix, size, "%ssed -i 's/%s/%s/' %s && %ssystemctl restart flowagent", sudo,
		       from, to, path, sudo);
	return fix;
}

static enum agentctl_exit take_object(void *context, json_t *row, struct error_text *error)
{
	json_t **object = context;

	(void)error;
	json_decref(*object);
	*object = json_incref(row);
	return AGENTCTL_DONE;
}

static enum agentctl_exit take_option(void *context, json_t *row, struct error_text *error)
{
	struct doctor *doctor = context;

	(void)error;
	(void)json_object_set(doctor->config, doctor_text(row, "name"),
			      json_object_get(row, "value"));
	(void)json_object_set(doctor->origins, doctor_text(row, "name"),
			      json_object_get(row, "origin"));
	return AGENTCTL_DONE;
}

static enum agentctl_exit ask(const struct doctor *doctor, const char *command,
			      agentctl_row_function *take, void *context, struct error_text *error)
{
	struct agentctl_client *client;
	const int64_t timeout_ms = doctor->options->timeout_ms;
	enum agentctl_exit result = agentctl_client_open(
		doctor->options->socket, timeout_ms < 0 ? ASK_MS : timeout_ms, &client, error);

	if (!result)
		result = agentctl_client_ask(client,
					     &(struct control_question){ .command = command }, take,
					     context, error);
	agentctl_client_close(client);
	return result;
}

int doctor_source_group(const json_t *source)
{
	unsigned int group;
	char end;

	return sscanf(doctor_text(source, "name"), "nflog:%u%c", &group, &end) == 1 &&
			       group <= UINT16_MAX
		       ? (int)group
		       : -1;
}

const char *doctor_source_bpf(const json_t *source)
{
	static const char prefix[] = "bpf:";
	const char *name = doctor_text(source, "name");

	return strncmp(name, prefix, sizeof(prefix) - 1) == 0 ? name + sizeof(prefix) - 1 : NULL;
}

bool doctor_reads_by_bpf(const struct doctor *doctor)
{
	size_t index;
	const json_t *source;

	json_array_foreach((json_t *)(uintptr_t)doctor_sources(doctor->status), index, source)
	{
		if (doctor_source_bpf(source))
			return true;
	}
	return false;
}

/* The groups of the sources; without an agent, the group of the options. */
static void find_groups(struct doctor *doctor)
{
	size_t index;
	const json_t *source;

	json_array_foreach((json_t *)(uintptr_t)doctor_sources(doctor->status), index, source)
	{
		const int group = doctor_source_group(source);

		if (group >= 0 && !doctor->is_read[group]) {
			doctor->is_read[group] = true;
			doctor->read_count++;
		}
	}
	if (!doctor->status) {
		doctor->is_read[doctor->options->group] = true;
		doctor->read_count = 1;
	}
}

/* The second look: the agent reads after the rules count. */
static void look_later(struct doctor *doctor)
{
	struct error_text ignored;

	(void)poll(NULL, 0, (int)(doctor->wait_ms > INT32_MAX ? INT32_MAX : doctor->wait_ms));
	if (doctor->has_rules)
		(void)agentctl_found_rules(&doctor->rules_later, &ignored);
	(void)ask(doctor, "show-status", take_object, &doctor->status_later, &ignored);
	doctor_note_interfaces(doctor->status_later);
}

void doctor_look_again(struct doctor *doctor)
{
	json_decref(doctor->status);
	log_rules_clear(&doctor->rules);
	doctor->status = doctor->status_later;
	doctor->rules = doctor->rules_later;
	doctor->status_later = NULL;
	doctor->rules_later = (struct log_rules){ .count = 0 };
	look_later(doctor);
}

void doctor_gather(struct doctor *doctor, int64_t wait_ms)
{
	struct error_text ignored;

	doctor->wait_ms = wait_ms;
	doctor->is_root = geteuid() == 0;
	doctor->config = json_object();
	doctor->origins = json_object();
	if (!ask(doctor, "show-status", take_object, &doctor->status, &doctor->status_error))
		(void)ask(doctor, "show-config", take_option, doctor, &ignored);
	doctor_note_interfaces(doctor->status);
	find_groups(doctor);
	doctor->has_rules = !agentctl_found_rules(&doctor->rules, &doctor->rules_error);
	if (doctor->status)
		look_later(doctor);
}

void doctor_clear(struct doctor *doctor)
{
	json_decref(doctor->status);
	json_decref(doctor->status_later);
	json_decref(doctor->config);
	json_decref(doctor->origins);
	log_rules_clear(&doctor->rules);
	log_rules_clear(&doctor->rules_later);
}
