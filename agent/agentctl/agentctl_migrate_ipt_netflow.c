/* agentctl_migrate_ipt_netflow.c - parameters of the kernel module ipt_NETFLOW: words NAME=VALUE,
 * lines of /etc/modprobe.d, sysctls net.netflow.NAME, and the first line of
 * /proc/net/stat/ipt_netflow, which says what the module was built with.
 *
 * Place: a row in the table of agentctl_migrate.c; writes by migration.h.
 *
 * Source: module_param() and the README of ipt_NETFLOW. */
#include "agentctl_migrate.h"

#include "sampling.h"

#include <string.h>

#define PARAMETERS 64

static const struct {
	const char *name;
	enum migration_fate fate;
	const char *text;
} rows[] = {
	{ "destination", MIGRATION_CARRIED, NULL },
	{ "protocol", MIGRATION_CARRIED, NULL },
	{ "active_timeout", MIGRATION_CARRIED, NULL },
	{ "inactive_timeout", MIGRATION_CARRIED, NULL },
	{ "maxflows", MIGRATION_CARRIED, NULL },
	{ "engine_id", MIGRATION_CARRIED, NULL },
	{ "snmp_rules", MIGRATION_CARRIED, NULL },
	{ "refresh_rate", MIGRATION_CARRIED, NULL },
	{ "timeout_rate", MIGRATION_CARRIED, NULL },
	{ "sampler", MIGRATION_CARRIED, NULL },
	{ "hashsize", MIGRATION_NOT_NEEDED, "the cache is sized by max-flows" },
	{ "scan_min", MIGRATION_NOT_NEEDED, "flows leave when due" },
	{ "exportcpu", MIGRATION_NOT_NEEDED, "export has a thread of its own" },
	{ "debug", MIGRATION_NOT_NEEDED, "log-level" },
	{ "flush", MIGRATION_NOT_NEEDED, "agentctl flush" },
	{ "natevents", MIGRATION_CARRIED, NULL },
	{ "sndbuf", MIGRATION_LOST, "send buffer: a spool keeps records, export-rate paces them" },
	{ "aggregation", MIGRATION_LOST,
	  "aggregation: aggregate-ipv4 and aggregate-ipv6 count by "
	  "networks" },
	{ "promisc", MIGRATION_LOST, "capture of foreign frames: interface = NAME,promiscuous=on" },
};

struct netflow {
	const char *names[PARAMETERS], *values[PARAMETERS];
	size_t count;
	bool is_built_told; /* what the module was built with is known */
	bool has_link;      /* with MAC addresses */
};

static const char *value_of(const struct netflow *netflow, const char *name)
{
	for (size_t i = netflow->count; i-- > 0;)
		if (strcmp(netflow->names[i], name) == 0)
			return netflow->values[i];
	return NULL;
}

/* Take NAME=VALUE; a - in the name is a _. */
static void take(struct migration *migration, struct netflow *netflow, const char *word)
{
	char *const name = migration_print(migration, "%s", word);
	char *equals = strchr(name, '=');
	size_t row = 0;

	if (!equals) {
		migration_wrong(migration, "\"%s\": expected NAME=VALUE", word);
		return;
	}
	*equals = '\0';
	for (char *at = name; *at; at++)
		if (*at == '-')
			*at = '_';
	while (row < sizeof(rows) / sizeof(rows[0]) && strcmp(rows[row].name, name) != 0)
		row++;
	if (row == sizeof(rows) / sizeof(rows[0]))
		migration_lost(migration, "%s: no parameter that is known here", word);
	else if (rows[row].fate == MIGRATION_LOST && strcmp(equals + 1, "0") != 0)
		migration_lost(migration, "%s=%s: %s", name, equals + 1, rows[row].text);
	else if (rows[row].fate != MIGRATION_CARRIED)
		migration_not_needed(migration, "%s=%s: %s", name, equals + 1, rows[row].text);
	else if (netflow->count == PARAMETERS)
		migration_wrong(migration, "more than %d parameters: %s", PARAMETERS, word);
	else {
		netflow->names[netflow->count] = name;
		netflow->values[netflow->count++] = equals + 1;
	}
}

/* What the module was built with: "ipt_NETFLOW 2.6, srcversion 0123; aggr dir mac". */
static void take_built(struct migration *migration, struct netflow *netflow, const char *line)
{
	const char *semicolon = strchr(line, ';');
	struct migration_words words = { .count = 0 };

	migration_words_split(migration, &words, semicolon ? semicolon + 1 : "");
	netflow->is_built_told = true;
	for (size_t i = 0; i < words.count; i++)
		netflow->has_link |= strcmp(words.words[i], "mac") == 0;
}

/* Lines "options ipt_NETFLOW NAME=VALUE ..." and "net.netflow.NAME = VALUE". */
static void read_file(struct migration *migration, struct netflow *netflow, char *text)
{
	static const char sysctl[] = "net.netflow.";
	static const char built[] = "ipt_NETFLOW ";
	char *rest = NULL;

	for (char *at = strstr(text, "\\\n"); at; at = strstr(at, "\\\n"))
		at[0] = at[1] = ' ';
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		struct migration_words words = { .count = 0 };
		size_t first = 0;

		line += strspn(line, " \t");
		if (*line == '#' || *line == ';' || !*line)
			continue;
		if (strncmp(line, built, strlen(built)) == 0) {
			take_built(migration, netflow, line);
			continue;
		}
		if (strncmp(line, sysctl, strlen(sysctl)) == 0) {
			const char *name = line + strlen(sysctl);
			const size_t length = strcspn(name, "= \t");
			const char *value = name + length + strspn(name + length, "= \t");

			take(migration, netflow,
			     migration_print(migration, "%.*s=%.*s", (int)length, name,
					     (int)strcspn(value, " \t\r"), value));
			continue;
		}
		migration_words_split(migration, &words, line);
		first = words.count > 1 && strcmp(words.words[0], "options") == 0 ? 2 : 0;
		if (first && strcmp(words.words[1], "ipt_NETFLOW") != 0)
			continue; /* another module's */
		for (size_t i = first; i < words.count; i++)
			take(migration, netflow, words.words[i]);
	}
}

/* A number of a parameter, of at least 'least'. */
static unsigned long number_from(struct migration *migration, const struct netflow *netflow,
				 const char *name, unsigned long otherwise, unsigned long least)
{
	const char *text = value_of(netflow, name);
	unsigned long number;

	if (!text)
		return otherwise;
	if (migration_number(text, &number) && number >= least && number <= UINT32_MAX)
		return number;
	migration_wrong(migration, "%s=%s: expected a number%s; the default %lu is taken", name,
			text, least ? " from 1" : "", otherwise);
	return otherwise;
}

static unsigned long number_of(struct migration *migration, const struct netflow *netflow,
			       const char *name, unsigned long otherwise)
{
	return number_from(migration, netflow, name, otherwise, 0);
}

static void write_timeouts(struct migration *migration, const struct netflow *netflow)
{
	const unsigned long inactive = number_of(migration, netflow, "inactive_timeout", 15);
	const unsigned long flows = number_of(migration, netflow, "maxflows", 2000000);

	migration_active_timeout(migration, number_of(migration, netflow, "active_timeout", 1800));
	migration_inactive_timeout(migration, "inactive_timeout=0", inactive, 15);
	migration_note(migration, "with a full cache the module counts no new flows; flowagent "
				  "exports the oldest early");
	if (flows)
		migration_max_flows(migration, flows);
	else
		migration_note(migration,
			       "maxflows=0: the number of flows was not limited: max-flows "
			       "has its default");
}

/* ",sampling=N" for sampler=METHOD:N, which samples flows. */
static const char *sampling(struct migration *migration, const char *sampler)
{
	const char *colon = sampler ? strchr(sampler, ':') : NULL;
	unsigned long number = 0;

	if (!sampler || !*sampler)
		return "";
	if (!colon || !migration_number(colon + 1, &number) || number < 1 ||
	    number > SAMPLING_INTERVAL_MAX) {
		migration_lost(migration, "sampler=%s: expected METHOD:N", sampler);
		return "";
	}
	migration_note(migration,
		       "sampler=%s samples flows, not packets: so does the collector's key "
		       "sampling, which chooses by a hash of the connection",
		       sampler);
	return migration_print(migration, ",sampling=%lu", number);
}

/* HOST[:PORT][@SOURCE][%DEVICE] */
static void write_collector(struct migration *migration, const char *word, const char *keys)
{
	char *const host = migration_print(migration, "%s", word);
	char *device = strchr(host, '%');
	char *source = strchr(host, '@');
	const char *bracket = strrchr(host, ']');

	if (device)
		*device++ = '\0';
	if (source)
		*source++ = '\0';
	migration_option(migration, "collector", "%s%s%s%s%s%s%s", host,
			 strchr(bracket ? bracket : host, ':') ? "" : ":2055", keys,
			 source ? ",source=" : "", source ? source : "",
			 device ? ",interface=" : "", device ? device : "");
}

/* Fields for natevents: not events beside the flows, but fields of them. */
static const char *translation(struct migration *migration, const struct netflow *netflow,
			       const char *protocol)
{
	const char *events = value_of(netflow, "natevents");

	if (!events || strcmp(events, "0") == 0)
		return "";
	if (!protocol || strcmp(protocol, "5") == 0) {
		migration_lost(migration,
			       "natevents=%s: NAT events need protocol 9 or 10; flowagent has "
			       "fields for them there",
			       events);
		return "";
	}
	migration_note(migration,
		       "natevents=%s sends events beside the flows; here each record has its "
		       "addresses before and after: see ADDRESS TRANSLATION in flowagent(8)",
		       events);
	return "+postNATSourceIPv4Address+postNATDestinationIPv4Address"
	       "+postNAPTSourceTransportPort+postNAPTDestinationTransportPort";
}

static void write_collectors(struct migration *migration, const struct netflow *netflow)
{
	const char *destination = value_of(netflow, "destination");
	const char *protocol = value_of(netflow, "protocol");
	char *const list =
		migration_print(migration, "%s", destination ? destination : "127.0.0.1:2055");
	const char *fields;
	const char *link = "";
	const char *keys;
	char *rest = NULL;

	if (protocol && strcmp(protocol, "5") != 0 && strcmp(protocol, "9") != 0 &&
	    strcmp(protocol, "10") != 0) {
		migration_wrong(migration, "protocol=%s: the module has 5, 9 and 10; 5 is taken",
				protocol);
		protocol = NULL;
	}
	fields = translation(migration, netflow, protocol);
	if (netflow->has_link)
		link = migration_link_fields(migration, "built with mac", protocol ? protocol : "5",
					     "+sourceMacAddress+destinationMacAddress");
	keys = migration_print(migration, ",version=%s%s%s%s%s", protocol ? protocol : "5",
			       sampling(migration, value_of(netflow, "sampler")),
			       *fields || *link ? ",fields=default" : "", fields, link);
	for (char *word = strtok_r(list, ", ", &rest); word; word = strtok_r(NULL, ", ", &rest))
		write_collector(migration, word, keys);
	migration_option(migration, "source-id", "%lu",
			 number_of(migration, netflow, "engine_id", 0));
	if (value_of(netflow, "refresh_rate") || value_of(netflow, "timeout_rate"))
		migration_option(migration, "template-refresh", "%lum,%lu",
				 number_from(migration, netflow, "timeout_rate", 30, 1),
				 number_from(migration, netflow, "refresh_rate", 20, 1));
}

void migrate_ipt_netflow(struct migration *migration, const char *const *words, size_t count,
			 char *text)
{
	struct netflow netflow = { .count = 0 };
	const char *rules;

	(void)fputs("[agent]\n", migration->out);
	for (size_t i = 0; i < count; i++)
		take(migration, &netflow, words[i]);
	if (text)
		read_file(migration, &netflow, text);
	migration_option(migration, "nflog", "%d", MIGRATION_NETFLOW_GROUP);
	migration_note(migration,
		       "rules -j NETFLOW become -j NFLOG --nflog-group %d --nflog-size 128; "
		       "without them nothing is counted; agentctl migrate rules does it",
		       MIGRATION_NETFLOW_GROUP);
	write_timeouts(migration, &netflow);
	rules = value_of(&netflow, "snmp_rules");
	if (rules)
		migration_option(migration, "if-map", "%s", rules);
	write_collectors(migration, &netflow);
	if (!netflow.is_built_told)
		migration_note(
			migration,
			"if the module was built with MAC addresses, which the first line of "
			"/proc/net/stat/ipt_netflow tells, too: fields=default+"
			"sourceMacAddress+destinationMacAddress of the collector; with VLAN: "
			"flowagent has vlanId by itself");
}
