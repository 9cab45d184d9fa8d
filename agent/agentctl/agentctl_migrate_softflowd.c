/* agentctl_migrate_softflowd.c - command lines of softflowd, its files in /etc/default and
 * /etc/softflowd, and /etc/config/softflowd of OpenWrt.
 *
 * Place: a row in the table of agentctl_migrate.c; writes by migration.h.
 *
 * Source: softflowd(8) of version 1.1.0, and its usage text. */
#include "agentctl_migrate.h"
#include "agentctl_migration_nfprobe.h"

#include "sampling.h"

#include <string.h>

static const struct migration_letter letters[] = {
	{ 'i', true, MIGRATION_CARRIED, NULL },
	{ 'r', true, MIGRATION_CARRIED, NULL },
	{ 't', true, MIGRATION_CARRIED, NULL },
	{ 'm', true, MIGRATION_CARRIED, NULL },
	{ 'n', true, MIGRATION_CARRIED, NULL },
	{ 'v', true, MIGRATION_CARRIED, NULL },
	{ 'L', true, MIGRATION_CARRIED, NULL },
	{ 'T', true, MIGRATION_CARRIED, NULL },
	{ 'P', true, MIGRATION_CARRIED, NULL },
	{ 'A', true, MIGRATION_CARRIED, NULL },
	{ 's', true, MIGRATION_CARRIED, NULL },
	{ 'B', true, MIGRATION_CARRIED, NULL },
	{ 'b', false, MIGRATION_CARRIED, NULL },
	{ 'C', true, MIGRATION_CARRIED, NULL },
	{ 'l', false, MIGRATION_CARRIED, NULL },
	{ 'N', false, MIGRATION_CARRIED, NULL },
	{ 'S', true, MIGRATION_CARRIED, NULL },
	{ 'e', true, MIGRATION_CARRIED, NULL },
	{ 'p', true, MIGRATION_NOT_NEEDED, "pid file: the unit knows the process" },
	{ 'c', true, MIGRATION_NOT_NEEDED, "control socket: agentctl has one of its own" },
	{ '6', false, MIGRATION_NOT_NEEDED, "IPv6 is always counted" },
	{ 'd', false, MIGRATION_NOT_NEEDED, "foreground: the agent always is" },
	{ 'D', false, MIGRATION_NOT_NEEDED, "debugging: log-level, agentctl watch" },
	{ 'a', false, MIGRATION_NOT_NEEDED, "the clock of a file is always that of its packets" },
	{ 'h', false, MIGRATION_NOT_NEEDED, "flowagent --help" },
	{ 'R', true, MIGRATION_LOST, "PSAMP is not received" },
	{ 'x', true, MIGRATION_LOST, "MPLS labels are not exported; the packets are counted" },
	{ '\0', false, MIGRATION_LOST, NULL },
};

/* Tracking levels: the key. The MAC addresses of ether are fields: see link_fields(). */
static const struct level {
	const char *name, *key;
} levels[] = {
	{ "full", "addresses,ports,protocol" },      { "port", "addresses,ports,protocol" },
	{ "proto", "addresses,protocol" },           { "ip", "addresses" },
	{ "vlan", "addresses,ports,protocol,vlan" }, { "ether", "addresses,ports,protocol,vlan" },
};

struct softflowd {
	const char *given[128]; /* value of each letter that is carried */
	const char *filter;     /* "" without one */
	struct nfprobe_timeouts timeouts;
	bool has_number; /* the interface has a number of its own */
};

static void take(struct migration *migration, void *context, char letter, const char *value)
{
	struct softflowd *softflowd = context;

	if (letter == 't')
		(void)nfprobe_timeouts_take(migration, &softflowd->timeouts, "-t", value);
	else if (letter)
		softflowd->given[(unsigned char)letter] = value;
	else
		softflowd->filter = migration_print(migration, "%s%s%s", softflowd->filter,
						    *softflowd->filter ? " " : "", value);
}

/* The keys that follow an interface or a file. */
static const char *source_keys(struct migration *migration, const struct softflowd *softflowd)
{
	const char *rate = softflowd->given['s'];
	const char *keys;
	unsigned long number = 0;

	keys = migration_print(migration, "%s%s%s",
			       migration_buffer(migration, softflowd->given['B'], 1),
			       migration_snaplen(migration, softflowd->given['C']),
			       migration_packet_filter(migration, softflowd->filter));
	if (!rate)
		return keys;
	if (!migration_number(rate, &number))
		migration_wrong(migration, "-s %s: expected a number", rate);
	else if (number > SAMPLING_INTERVAL_MAX)
		migration_lost(migration, "-s %s: more than one packet in %u", rate,
			       SAMPLING_INTERVAL_MAX);
	else if (number > 1)
		return migration_print(migration, "%s,sampling=deterministic:%lu", keys, number);
	else
		migration_note(migration, "-s %s: no sampling", rate);
	return keys;
}

static void write_source(struct migration *migration, struct softflowd *softflowd)
{
	const char *name = softflowd->given['i'];
	const char *colon = name ? strchr(name, ':') : NULL;
	const char *keys = source_keys(migration, softflowd);
	unsigned long number = 0;

	if (softflowd->given['r']) {
		migration_option(migration, "read", "%s%s", softflowd->given['r'], keys);
		return;
	}
	if (!name) {
		migration_wrong(migration, "no interface: write interface = NAME");
		return;
	}
	if (colon && migration_number(migration_print(migration, "%.*s", (int)(colon - name), name),
				      &number)) {
		name = colon + 1;
		softflowd->has_number = true;
		migration_option(migration, "if-map", "%s=%lu", name, number);
	}
	if (softflowd->given['N'] || strcmp(name, "any") == 0)
		migration_option(migration, "interface", "%s%s", name, keys);
	else
		migration_option(migration, "interface", "%s,promiscuous=on%s", name, keys);
	if (!softflowd->given['N'] && strcmp(name, "any") == 0)
		migration_lost(migration, "promiscuous capture on any: name the interfaces");
}

static void write_key(struct migration *migration, const struct softflowd *softflowd)
{
	const char *name = softflowd->given['T'] ? softflowd->given['T'] : "full";
	const char *flows = softflowd->given['m'];
	unsigned long number = 8192;
	const struct level *level = NULL;

	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (strcmp(levels[i].name, name) == 0)
			level = &levels[i];
	if (!level) {
		migration_wrong(migration, "-T %s is refused by softflowd; full is taken", name);
		level = &levels[0];
	}
	migration_note(migration, "softflowd's key has neither ToS nor interfaces%s",
		       softflowd->has_number ? "; interfaces stand here to export their number"
					     : "");
	migration_option(migration, "flow-key", "%s%s", level->key,
			 softflowd->has_number ? ",interfaces" : "");
	if (softflowd->given['b'])
		migration_option(migration, "biflow", "on");
	if (flows && (!migration_number(flows, &number) || number == 0)) {
		migration_wrong(migration,
				"-m %s: expected a number from 1; the default 8192 is taken",
				flows);
		number = 8192;
	}
	migration_max_flows(migration, number);
}

/* ",transport=..." for -P; "" for UDP. */
static const char *transport(struct migration *migration, const char *name, const char *version)
{
	if (!name || strcmp(name, "udp") == 0)
		return "";
	if (strcmp(name, "tcp") == 0 && strcmp(version, "10") == 0)
		return ",transport=tcp";
	migration_lost(migration, "-P %s: transport %s with version %s; UDP is written", name, name,
		       version);
	return "";
}

/* What -v and -A mean. Returns the version that is written. */
static const char *version_of(struct migration *migration, const struct softflowd *softflowd,
			      const char **uptime)
{
	const char *version = softflowd->given['v'] ? softflowd->given['v'] : "5";
	const char *times = softflowd->given['A'];

	if (strcmp(version, "5") != 0 && strcmp(version, "9") != 0 && strcmp(version, "10") != 0) {
		migration_lost(migration, "-v %s: version %s; 9 is written", version, version);
		version = "9";
	}
	if (times && strcmp(times, "milli") != 0)
		migration_lost(migration, "-A %s: times are milliseconds since 1970", times);
	else if (times)
		migration_note(migration, "-A milli: milliseconds since 1970, as flowagent has it");
	if (!times && strcmp(version, "9") == 0)
		*uptime = ",uptime=on";
	if (!times && strcmp(version, "10") == 0)
		migration_note(migration,
			       "softflowd's IPFIX without -A has times on the "
			       "exporter's uptime; flowagent has milliseconds since 1970");
	if (strcmp(version, "5") == 0)
		migration_note(migration,
			       "NetFlow v5%s: softflowd counts no IPv6; flowagent counts it and "
			       "reports it lost (unsupported)",
			       softflowd->given['v'] ? "" : ", softflowd's default");
	return version;
}

/* ",fields=..." for -T ether. softflowd sends the destination's address as 57, which is that of a
 * frame that leaves. */
static const char *link_fields(struct migration *migration, const struct softflowd *softflowd,
			       const char *version)
{
	const char *level = softflowd->given['T'];
	const char *names = "";

	if (level && strcmp(level, "ether") == 0)
		names = migration_link_fields(migration, "-T ether", version,
					      "+sourceMacAddress+destinationMacAddress");
	if (!*names)
		return "";
	migration_note(migration, "-T ether: softflowd sends the destination's MAC address as 57, "
				  "flowagent as 80");
	return migration_print(migration, ",fields=default%s", names);
}

/* All keys of the collectors. */
static const char *collector_keys(struct migration *migration, const struct softflowd *softflowd)
{
	const char *uptime = "";
	const char *version = version_of(migration, softflowd, &uptime);
	const char *send = softflowd->given['S'];
	const char *ttl = softflowd->given['L'];
	unsigned long hops;

	if (ttl && (!migration_number(ttl, &hops) || hops < 1 || hops > 255)) {
		migration_wrong(migration, "-L %s: expected a number from 1 to 255", ttl);
		ttl = NULL;
	}
	return migration_print(migration, ",version=%s%s%s%s%s%s%s%s%s", version, uptime,
			       transport(migration, softflowd->given['P'], version),
			       send ? ",interface=" : "", send ? send : "", ttl ? ",ttl=" : "",
			       ttl ? ttl : "", softflowd->given['l'] ? ",mode=round-robin" : "",
			       link_fields(migration, softflowd, version));
}

static void write_collectors(struct migration *migration, const struct softflowd *softflowd)
{
	const char *keys = collector_keys(migration, softflowd);
	char *const list = migration_print(migration, "%s",
					   softflowd->given['n'] ? softflowd->given['n'] : "");
	char *rest = NULL;
	char *host = strtok_r(list, ",", &rest);

	if (!host) {
		const char *const version = keys + strlen(",version=");

		migration_wrong(migration, "no collector: write collector = HOST:PORT%s", keys);
		migration_option(migration, "export-version", "%.*s", (int)strcspn(version, ","),
				 version);
	}
	for (; host; host = strtok_r(NULL, ",", &rest))
		migration_option(migration, "collector", "%s%s", host, keys);
	if (softflowd->given['e'])
		migration_option(migration, "source-address", "%s", softflowd->given['e']);
	migration_option(migration, "source-id", "0");
}

/* What the init script of OpenWrt makes of its options. */
static void read_uci(struct migration *migration, char *text, struct migration_words *words)
{
	static const struct {
		const char *name;
		char letter; /* '\0': the value is words */
		bool is_switch;
	} rows[] = {
		{ "interface", 'i', false },      { "pcap_file", 'r', false },
		{ "timeout", 't', false },        { "max_flows", 'm', false },
		{ "host_port", 'n', false },      { "pid_file", 'p', false },
		{ "control_socket", 'c', false }, { "export_version", 'v', false },
		{ "hoplimit", 'L', false },       { "tracking_level", 'T', false },
		{ "track_ipv6", '6', true },      { "bidirectional", 'b', true },
		{ "sampling_rate", 's', false },  { "exporter_ip", 'e', false },
		{ "send_interface", 'S', false }, { "filter", '\0', false },
	};
	struct migration_variables variables = { .count = 0 };

	migration_uci_read(migration, text, &variables);
	for (size_t i = 0; i < variables.count; i++) {
		const char *value = variables.values[i];
		size_t row = 0;

		while (row < sizeof(rows) / sizeof(rows[0]) &&
		       strcmp(rows[row].name, variables.names[i]) != 0)
			row++;
		if (row == sizeof(rows) / sizeof(rows[0])) {
			if (strcmp(variables.names[i], "enabled") != 0)
				migration_wrong(migration,
						"option %s is unknown to the init script",
						variables.names[i]);
			continue;
		}
		if (!*value || (rows[row].is_switch && strcmp(value, "1") != 0))
			continue;
		migration_words_add(migration, words,
				    rows[row].letter
					    ? migration_print(migration, "-%c%s", rows[row].letter,
							      rows[row].is_switch ? "" : value)
					    : value);
	}
}

static void read_file(struct migration *migration, char *text, struct migration_words *words)
{
	struct migration_variables variables = { .count = 0 };
	const char *value;

	if (strncmp(text, "config ", 7) == 0 || strstr(text, "\nconfig ")) {
		read_uci(migration, text, words);
		return;
	}
	migration_variables_read(migration, text, &variables);
	value = migration_variable(&variables, "interface");
	if (value)
		migration_words_add(migration, words, migration_print(migration, "-i%s", value));
	value = migration_variable(&variables, "options");
	if (value)
		migration_words_split(migration, words, value);
}

void migrate_softflowd(struct migration *migration, const char *const *words, size_t count,
		       char *text)
{
	struct softflowd softflowd = { .filter = "" };
	struct migration_words from_file = { .count = 0 };

	(void)fputs("[agent]\n", migration->out);
	if (text) {
		read_file(migration, text, &from_file);
		words = from_file.words;
		count = from_file.count;
	}
	nfprobe_timeouts_set_defaults(&softflowd.timeouts);
	migration_letters(migration, letters, words, count, take, &softflowd);
	write_source(migration, &softflowd);
	nfprobe_timeouts_write(migration, &softflowd.timeouts);
	write_key(migration, &softflowd);
	write_collectors(migration, &softflowd);
}
