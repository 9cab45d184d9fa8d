/* agentctl_migrate_nfprobe.c - configuration files of pmacctd and uacctd with the plugin nfprobe.
 *
 * Place: rows in the table of agentctl_migrate.c; writes by migration.h.
 *
 * A key may belong to one plugin, as nfprobe_version[NAME]. Source: pmacct's CONFIG-KEYS, and what
 * version 1.7.7 does with them. */
#include "agentctl_migrate.h"
#include "agentctl_migration_nfprobe.h"

#include "sampling.h"
#include "text_file.h"

#include <stdlib.h>
#include <string.h>

#define KEYS    256
#define PLUGINS 16
#define MAP_MAX 1048576

static const struct key {
	const char *name;
	enum migration_fate fate;
	const char *text;
} rows[] = {
	{ "aggregate", MIGRATION_CARRIED, NULL },
	{ "interface", MIGRATION_CARRIED, NULL },
	{ "networks_file", MIGRATION_CARRIED, NULL },
	{ "nfprobe_direction", MIGRATION_CARRIED, NULL },
	{ "nfprobe_engine", MIGRATION_CARRIED, NULL },
	{ "nfprobe_hoplimit", MIGRATION_CARRIED, NULL },
	{ "nfprobe_ifindex", MIGRATION_CARRIED, NULL },
	{ "nfprobe_ipprec", MIGRATION_CARRIED, NULL },
	{ "nfprobe_maxflows", MIGRATION_CARRIED, NULL },
	{ "nfprobe_receiver", MIGRATION_CARRIED, NULL },
	{ "nfprobe_source_ip", MIGRATION_CARRIED, NULL },
	{ "nfprobe_timeouts", MIGRATION_CARRIED, NULL },
	{ "nfprobe_version", MIGRATION_CARRIED, NULL },
	{ "pcap_filter", MIGRATION_CARRIED, NULL },
	{ "pcap_ifindex", MIGRATION_CARRIED, NULL },
	{ "pcap_interface", MIGRATION_CARRIED, NULL },
	{ "pcap_interfaces_map", MIGRATION_CARRIED, NULL },
	{ "pcap_savefile", MIGRATION_CARRIED, NULL },
	{ "plugins", MIGRATION_CARRIED, NULL },
	{ "sampling_rate", MIGRATION_CARRIED, NULL },
	{ "snaplen", MIGRATION_CARRIED, NULL },
	{ "uacctd_group", MIGRATION_CARRIED, NULL },
	{ "uacctd_nl_size", MIGRATION_CARRIED, NULL },
	{ "daemonize", MIGRATION_NOT_NEEDED, "the unit runs the agent" },
	{ "debug", MIGRATION_NOT_NEEDED, "log-level" },
	{ "imt_mem_pools_number", MIGRATION_NOT_NEEDED, "agentctl show flows has the flows" },
	{ "imt_path", MIGRATION_NOT_NEEDED, "agentctl show flows has the flows" },
	{ "logfile", MIGRATION_NOT_NEEDED, "the log is that of the unit" },
	{ "pidfile", MIGRATION_NOT_NEEDED, "the unit knows the process" },
	{ "plugin_buffer_size", MIGRATION_NOT_NEEDED, "there are no plugins" },
	{ "plugin_pipe_size", MIGRATION_NOT_NEEDED, "there are no plugins" },
	{ "pmacctd_as", MIGRATION_NOT_NEEDED, "AS numbers come from the networks-file" },
	{ "pmacctd_net", MIGRATION_NOT_NEEDED, "masks come from the networks-file" },
	{ "promisc", MIGRATION_NOT_NEEDED, "the key promiscuous of an interface says it" },
	{ "refresh_maps", MIGRATION_NOT_NEEDED, "changed files are noticed" },
	{ "savefile_wait", MIGRATION_NOT_NEEDED, "flowagent ends at the end of a file" },
	{ "syslog", MIGRATION_NOT_NEEDED, "the log is that of the unit" },
	{ "timestamps_secs", MIGRATION_NOT_NEEDED, "times are milliseconds since 1970" },
	{ "timestamps_utc", MIGRATION_NOT_NEEDED, "times are milliseconds since 1970" },
	{ "uacctd_threshold", MIGRATION_NOT_NEEDED, "the agent sets it" },
	{ "networks_file_no_lpm", MIGRATION_LOST, "the longest prefix counts" },
	{ "nfprobe_dtls", MIGRATION_LOST, "DTLS: transport=tls is TLS over TCP, with version 10" },
	{ "nfprobe_tstamp_usec", MIGRATION_LOST, "times in microseconds: they are milliseconds" },
	{ "pre_tag_map", MIGRATION_LOST,
	  "tags; where they are numbers of interfaces (set_tag=100 in=2), if-map NAME=100 does "
	  "it" },
};

/* Bounds of numbers in pmacct. */
static const unsigned long from_zero[] = { 0, UINT32_MAX }, from_one[] = { 1, UINT32_MAX },
			   groups[] = { 0, 65535 }, precedences[] = { 0, 7 }, hops[] = { 1, 255 };

struct nfprobe {
	bool is_uacctd;
	const char *names[KEYS], *plugins[KEYS], *values[KEYS]; /* plugin "": of all */
	size_t count;
	const char *probes[PLUGINS]; /* names of the plugins nfprobe */
	size_t probe_count;
	const char *numbers; /* rules for if-map */
};

/* The value of a key for a plugin, its own or that of all; NULL if there is none. */
static const char *value_of(const struct nfprobe *nfprobe, const char *name, const char *plugin)
{
	const char *general = NULL;

	for (size_t i = 0; i < nfprobe->count; i++) {
		if (strcmp(nfprobe->names[i], name) != 0)
			continue;
		if (*nfprobe->plugins[i] && strcmp(nfprobe->plugins[i], plugin) == 0)
			return nfprobe->values[i];
		if (!*nfprobe->plugins[i])
			general = nfprobe->values[i];
	}
	return general;
}

/* The value of a key for the first plugin, NULL if there is none. One of another plugin that
 * differs is lost: an agent has one of these, 'what'. */
static const char *agreed_value(struct migration *migration, const struct nfprobe *nfprobe,
				const char *name, const char *what)
{
	const char *first = value_of(nfprobe, name, nfprobe->probe_count ? nfprobe->probes[0] : "");

	for (size_t i = 1; i < nfprobe->probe_count; i++) {
		const char *value = value_of(nfprobe, name, nfprobe->probes[i]);

		if (strcmp(value ? value : "", first ? first : "") != 0)
			migration_lost(migration, "%s of %s: two %s need two agents (flowagent@)",
				       name, nfprobe->probes[i], what);
	}
	return first;
}

/* A number of a key. pmacct ignores one out of its bounds. */
static unsigned long number_within(struct migration *migration, const struct nfprobe *nfprobe,
				   const char *name, const char *plugin, unsigned long otherwise,
				   const unsigned long bounds[static 2])
{
	const char *text = value_of(nfprobe, name, plugin);
	unsigned long number;

	if (!text)
		return otherwise;
	if (migration_number(text, &number) && number >= bounds[0] && number <= bounds[1])
		return number;
	if (bounds[1] == UINT32_MAX)
		migration_wrong(migration, "%s: %s: expected a number%s; %lu is taken", name, text,
				bounds[0] ? " from 1" : "", otherwise);
	else
		migration_wrong(migration,
				"%s: %s: expected a number from %lu to %lu; %lu is taken", name,
				text, bounds[0], bounds[1], otherwise);
	return otherwise;
}

static void take_key(struct migration *migration, struct nfprobe *nfprobe, const char *name,
		     const char *plugin, const char *value)
{
	const struct key *row = NULL;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(rows[i].name, name) == 0)
			row = &rows[i];
	if (!row)
		migration_lost(migration, "%s: %s: no key that is known here", name, value);
	else if (row->fate == MIGRATION_LOST && strcmp(value, "false") != 0)
		migration_lost(migration, "%s: %s: %s", name, value, row->text);
	else if (row->fate != MIGRATION_CARRIED)
		migration_not_needed(migration, "%s: %s: %s", name, value, row->text);
	if (nfprobe->count == KEYS) {
		migration_wrong(migration, "more than %d keys: %s is left out", KEYS, name);
		return;
	}
	nfprobe->names[nfprobe->count] = name;
	nfprobe->plugins[nfprobe->count] = plugin;
	nfprobe->values[nfprobe->count++] = value;
}

/* Lines "NAME[PLUGIN]: VALUE"; ! and # begin comments. */
static void read_file(struct migration *migration, struct nfprobe *nfprobe, char *text)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\r\n", &rest); line;
	     line = strtok_r(NULL, "\r\n", &rest)) {
		char *colon;
		char *bracket;
		char *end;
		char *value;

		line += strspn(line, " \t");
		colon = strchr(line, ':');
		bracket = memchr(line, '[', strcspn(line, ":"));
		if (*line == '!' || *line == '#' || !*line)
			continue;
		if (bracket && (end = strchr(bracket, ']'))) {
			*bracket++ = '\0';
			*end = '\0';
			colon = strchr(end + 1, ':');
		}
		if (!colon) {
			migration_wrong(migration, "\"%.60s\": expected KEY: VALUE", line);
			continue;
		}
		*colon = '\0';
		line[strcspn(line, " \t")] = '\0';
		value = colon + 1 + strspn(colon + 1, " \t");
		end = value + strlen(value);
		while (end > value && strchr(" \t", end[-1]))
			*--end = '\0';
		take_key(migration, nfprobe, line, bracket ? bracket : "", value);
	}
}

/* The list "nfprobe[NAME], memory". */
static void read_plugins(struct migration *migration, struct nfprobe *nfprobe)
{
	const char *value = value_of(nfprobe, "plugins", "");
	char *const list = migration_print(migration, "%s", value ? value : "");
	char *rest = NULL;

	for (char *word = strtok_r(list, ", \t", &rest); word;
	     word = strtok_r(NULL, ", \t", &rest)) {
		const size_t length = strcspn(word, "[");
		const char *name = word[length] ? word + length + 1 : "";

		if (length != strlen("nfprobe") || strncmp(word, "nfprobe", length) != 0) {
			migration_lost(migration, "plugin %s: it is no export of flows by NetFlow",
				       word);
			continue;
		}
		name = migration_print(migration, "%.*s", (int)strcspn(name, "]"), name);
		if (nfprobe->probe_count < PLUGINS)
			nfprobe->probes[nfprobe->probe_count++] = name;
		else
			migration_wrong(migration, "more than %d plugins: %s", PLUGINS, word);
	}
	if (nfprobe->probe_count == 0) {
		migration_wrong(migration, "no plugin nfprobe: nothing is exported");
		migration->is_useless = true;
	}
}

static void add_number(struct migration *migration, struct nfprobe *nfprobe, const char *name,
		       const char *number)
{
	const char *rule = migration_print(migration, "%s=%s", name, number);

	if (!strstr(nfprobe->numbers, rule))
		nfprobe->numbers = migration_print(migration, "%s%s%s", nfprobe->numbers,
						   *nfprobe->numbers ? "," : "", rule);
}

/* The direction that all plugins agree on, as a key of the source. */
static const char *direction(struct migration *migration, const struct nfprobe *nfprobe)
{
	const char *agreed = NULL;

	for (size_t i = 0; i < nfprobe->probe_count; i++) {
		const char *value = value_of(nfprobe, "nfprobe_direction", nfprobe->probes[i]);

		if (value && strcmp(value, "in") != 0 && strcmp(value, "out") != 0) {
			migration_lost(migration, "nfprobe_direction: %s: only in and out", value);
			return "";
		}
		if (value && agreed && strcmp(value, agreed) != 0) {
			migration_lost(migration, "nfprobe_direction: one source cannot be both in "
						  "and out; two plugins on one interface export "
						  "every packet twice");
			return "";
		}
		agreed = value ? value : agreed;
	}
	return agreed ? migration_print(migration, ",direction=%s", agreed) : "";
}

/* What all sources have: direction, snaplen, sampling. */
static const char *source_keys(struct migration *migration, const struct nfprobe *nfprobe)
{
	const char *snaplen = value_of(nfprobe, "snaplen", "");
	const char *plugin = nfprobe->probe_count ? nfprobe->probes[0] : "";
	const unsigned long rate =
		number_within(migration, nfprobe, "sampling_rate", plugin, 1, from_one);
	const char *keys = direction(migration, nfprobe);

	keys = migration_print(
		migration, "%s%s%s", keys, migration_snaplen(migration, snaplen),
		migration_packet_filter(migration, value_of(nfprobe, "pcap_filter", "")));
	(void)agreed_value(migration, nfprobe, "sampling_rate", "sampling rates");
	if (rate > SAMPLING_INTERVAL_MAX)
		migration_lost(migration, "sampling_rate: %lu: more than one packet in %u", rate,
			       SAMPLING_INTERVAL_MAX);
	else if (rate > 1)
		keys = migration_print(migration, "%s,sampling=random:%lu", keys, rate);
	return keys;
}

/* One interface of pmacctd. */
static void write_interface(struct migration *migration, const struct nfprobe *nfprobe,
			    const char *name, const char *keys)
{
	const char *promiscuous = value_of(nfprobe, "promisc", "");

	if (promiscuous && strcmp(promiscuous, "false") == 0)
		migration_option(migration, "interface", "%s%s", name, keys);
	else if (strcmp(name, "any") != 0)
		migration_option(migration, "interface", "%s,promiscuous=on%s", name, keys);
	else {
		migration_option(migration, "interface", "any%s", keys);
		migration_lost(migration, "promiscuous capture on any: name the interfaces");
	}
}

/* The value of NAME= in a line of a map; NULL if it is not there. */
static const char *map_value(struct migration *migration, const char *line, const char *name)
{
	const char *at = strstr(line, name);

	if (!at)
		return NULL;
	at += strlen(name);
	return migration_print(migration, "%.*s", (int)strcspn(at, " \t\r"), at);
}

/* Lines "ifindex=100 ifname=eth0 direction=in". */
static void write_map(struct migration *migration, struct nfprobe *nfprobe, const char *path,
		      const char *keys)
{
	struct error_text error = { .text = "" };
	char *rest = NULL;
	size_t size;
	char *text = text_file_read(path, MAP_MAX, &size, &error);

	if (!text) {
		migration_lost(migration, "pcap_interfaces_map: %s", error.text);
		return;
	}
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *name = map_value(migration, line, "ifname=");
		const char *number = map_value(migration, line, "ifindex=");
		const char *side = map_value(migration, line, "direction=");

		if (!name || *line == '!' || *line == '#')
			continue;
		write_interface(migration, nfprobe, name,
				migration_print(migration, "%s%s%s", keys,
						side ? ",direction=" : "", side ? side : ""));
		if (number)
			add_number(migration, nfprobe, name, number);
	}
	free(text);
}

/* The number of nfprobe_ifindex for a plugin, 0: none; "tag" is said elsewhere. */
static unsigned long fixed_number(struct migration *migration, const struct nfprobe *nfprobe,
				  const char *plugin)
{
	const char *text = value_of(nfprobe, "nfprobe_ifindex", plugin);
	unsigned long number;

	if (!text || strcmp(text, "tag") == 0)
		return 0;
	if (migration_number(text, &number) && number <= UINT32_MAX)
		return number;
	migration_wrong(migration, "nfprobe_ifindex: %s: expected a number, or tag", text);
	return 0;
}

/* What cannot be carried over: records of all collectors have the same numbers. */
static void lose_number(struct migration *migration, unsigned long number, const char *plugin,
			const char *reason)
{
	migration_lost(migration, "nfprobe_ifindex: %lu%s%s: %s", number,
		       *plugin ? " of the plugin " : "", plugin, reason);
}

/* nfprobe_ifindex as a number of the interface, which is NULL if that is not one. */
static void write_numbers(struct migration *migration, struct nfprobe *nfprobe,
			  const char *interface)
{
	unsigned long first = 0;

	for (size_t i = 0; i < nfprobe->probe_count; i++) {
		const char *plugin = nfprobe->probes[i];
		const unsigned long number = fixed_number(migration, nfprobe, plugin);

		if (!number)
			continue;
		if (!interface)
			lose_number(migration, number, plugin,
				    "the interfaces are several, or not known: if-map NAME=NUMBER "
				    "has a number for each");
		else if (first && number != first)
			lose_number(migration, number, plugin,
				    "the interface has another number already; two need two "
				    "agents");
		else if (!first)
			add_number(migration, nfprobe, interface,
				   migration_print(migration, "%lu", number));
		first = first ? first : number;
	}
}

static void write_pcap_source(struct migration *migration, struct nfprobe *nfprobe)
{
	const char *keys = source_keys(migration, nfprobe);
	const char *map = value_of(nfprobe, "pcap_interfaces_map", "");
	const char *file = value_of(nfprobe, "pcap_savefile", "");
	const char *name = value_of(nfprobe, "pcap_interface", "");

	if (!name && (name = value_of(nfprobe, "interface", "")))
		migration_wrong(migration, "the key interface is unknown to pmacct 1.7.7 and "
					   "ignored: pcap_interface is meant");
	if (file)
		migration_option(migration, "read", "%s%s", file, keys);
	else if (map)
		write_map(migration, nfprobe, map, keys);
	else if (name)
		write_interface(migration, nfprobe, name, keys);
	else
		migration_wrong(migration, "no interface: write interface = NAME");
	write_numbers(migration, nfprobe, file || map ? NULL : name);
}

/* nfprobe_ifindex as a key of the log group, of which no interface is known by name: nfprobe's
 * direction says which side it is of. */
static const char *fixed_numbers(struct migration *migration, const struct nfprobe *nfprobe)
{
	unsigned long written[2] = { 0 };
	const char *keys = "";

	for (size_t i = 0; i < nfprobe->probe_count; i++) {
		const char *plugin = nfprobe->probes[i];
		const char *direction = value_of(nfprobe, "nfprobe_direction", plugin);
		const bool is_out = direction && strcmp(direction, "out") == 0;
		const unsigned long number = fixed_number(migration, nfprobe, plugin);

		if (number && written[is_out] && number != written[is_out])
			lose_number(migration, number, plugin,
				    "the log group has another number already; two need two "
				    "agents");
		if (!number || written[is_out])
			continue;
		written[is_out] = number;
		keys = migration_print(migration, "%s,%s=%lu", keys, is_out ? "output" : "input",
				       number);
	}
	return keys;
}

static void write_group(struct migration *migration, const struct nfprobe *nfprobe)
{
	const char *size = value_of(nfprobe, "uacctd_nl_size", "");
	unsigned long bytes;

	migration_option(migration, "nflog", "%lu%s%s%s",
			 number_within(migration, nfprobe, "uacctd_group", "", 0, groups),
			 migration_buffer(migration, size, 1), source_keys(migration, nfprobe),
			 fixed_numbers(migration, nfprobe));
	/* That it is none is said already. */
	if (size && migration_number(size, &bytes) && bytes < 32 * 1024 * 1024)
		migration_note(migration, "a buffer of %s bytes is less than flowagent's 32M",
			       size);
}

/* ",fields=..." for src_mac and dst_mac: 56 and 80, or with direction out 81 and 57. */
static const char *link_fields(struct migration *migration, const struct nfprobe *nfprobe,
			       const char *plugin, const char *version)
{
	const char *aggregate = value_of(nfprobe, "aggregate", plugin);
	bool leaves = true;
	const char *names = "";

	for (size_t i = 0; i < nfprobe->probe_count; i++) {
		const char *side = value_of(nfprobe, "nfprobe_direction", nfprobe->probes[i]);

		leaves = leaves && side && strcmp(side, "out") == 0;
	}
	if (nfprobe_has_primitive(aggregate, "src_mac"))
		names = leaves ? "+postSourceMacAddress" : "+sourceMacAddress";
	if (nfprobe_has_primitive(aggregate, "dst_mac"))
		names = migration_print(migration, "%s%s", names,
					leaves ? "+postDestinationMacAddress"
					       : "+destinationMacAddress");
	names = migration_link_fields(migration, "src_mac, dst_mac in aggregate", version, names);
	return *names ? migration_print(migration, ",fields=default%s", names) : "";
}

static const char *key_unless_zero(struct migration *migration, const char *key,
				   unsigned long number)
{
	return number ? migration_print(migration, "%s%lu", key, number) : "";
}

/* The collector of one plugin as a value; NULL without a receiver. */
static const char *collector(struct migration *migration, const struct nfprobe *nfprobe,
			     const char *plugin)
{
	const char *receiver = value_of(nfprobe, "nfprobe_receiver", plugin);
	const char *version = value_of(nfprobe, "nfprobe_version", plugin);
	const char *source = value_of(nfprobe, "nfprobe_source_ip", plugin);
	const char *number = value_of(nfprobe, "nfprobe_ifindex", plugin);

	if (number && strcmp(number, "tag") == 0)
		migration_lost(migration, "nfprobe_ifindex: tag: numbers by tags of pre_tag_map");
	if (!receiver) {
		migration_wrong(migration, "no nfprobe_receiver: write collector = HOST:PORT");
		return NULL;
	}
	version = version ? version : "10";
	return migration_print(migration, "%s,version=%s%s%s%s%s%s", receiver, version,
			       source ? ",source=" : "", source ? source : "",
			       key_unless_zero(migration, ",ttl=",
					       number_within(migration, nfprobe, "nfprobe_hoplimit",
							     plugin, 0, hops)),
			       key_unless_zero(migration, ",dscp=cs",
					       number_within(migration, nfprobe, "nfprobe_ipprec",
							     plugin, 0, precedences)),
			       link_fields(migration, nfprobe, plugin, version));
}

static void write_timeouts(struct migration *migration, const struct nfprobe *nfprobe)
{
	const char *first =
		agreed_value(migration, nfprobe, "nfprobe_timeouts", "sets of timeouts");
	struct nfprobe_timeouts timeouts;
	char *rest = NULL;
	char *list;

	nfprobe_timeouts_set_defaults(&timeouts);
	list = migration_print(migration, "%s", first ? first : "");
	for (char *one = strtok_r(list, ": \t", &rest); one; one = strtok_r(NULL, ": \t", &rest))
		(void)nfprobe_timeouts_take(migration, &timeouts, "nfprobe_timeouts", one);
	nfprobe_timeouts_write(migration, &timeouts);
}

/* nfprobe_engine is "ID" or "TYPE:ID". */
static void write_source_id(struct migration *migration, const struct nfprobe *nfprobe)
{
	const char *plugin = nfprobe->probe_count ? nfprobe->probes[0] : "";
	const char *engine = agreed_value(migration, nfprobe, "nfprobe_engine", "source ids");
	unsigned int type = 0;
	unsigned int id = 0;

	if (engine && strchr(engine, ':') && sscanf(engine, "%8u:%8u", &type, &id) == 2)
		migration_option(migration, "source-id", "%u", type * 256 + id);
	else
		migration_option(
			migration, "source-id", "%lu",
			number_within(migration, nfprobe, "nfprobe_engine", plugin, 0, from_zero));
}

static void write_collectors(struct migration *migration, const struct nfprobe *nfprobe)
{
	const char *written[PLUGINS];
	size_t count = 0;

	for (size_t i = 0; i < nfprobe->probe_count; i++) {
		const char *one = collector(migration, nfprobe, nfprobe->probes[i]);
		size_t same = 0;

		while (one && same < count && strcmp(written[same], one) != 0)
			same++;
		if (one && same < count) {
			migration_note(migration,
				       "the plugin %s has the same receiver: it would "
				       "get every flow twice",
				       nfprobe->probes[i]);
			continue;
		}
		if (!one)
			continue;
		migration_option(migration, "collector", "%s", one);
		written[count++] = one;
	}
	write_source_id(migration, nfprobe);
}

void migrate_nfprobe(struct migration *migration, const char *const *words, size_t count,
		     char *text)
{
	struct nfprobe nfprobe = { .is_uacctd = strcmp(migration->peer, "uacctd") == 0,
				   .numbers = "" };
	const char *networks;

	(void)fputs("[agent]\n", migration->out);
	for (size_t i = 0; i < count; i++)
		migration_wrong(migration,
				"\"%s\": the configuration file of %s is read from "
				"standard input",
				words[i], migration->peer);
	if (text)
		read_file(migration, &nfprobe, text);
	read_plugins(migration, &nfprobe);
	if (nfprobe.is_uacctd)
		write_group(migration, &nfprobe);
	else
		write_pcap_source(migration, &nfprobe);
	if (*nfprobe.numbers)
		migration_option(migration, "if-map", "%s", nfprobe.numbers);
	write_timeouts(migration, &nfprobe);
	migration_max_flows(migration, number_within(migration, &nfprobe, "nfprobe_maxflows",
						     nfprobe.probe_count ? nfprobe.probes[0] : "",
						     8192, from_one));
	nfprobe_key_write(migration, agreed_value(migration, &nfprobe, "aggregate", "flow keys"));
	networks = agreed_value(migration, &nfprobe, "networks_file", "files of networks");
	if (networks)
		migration_option(migration, "networks-file", "%s", networks);
	write_collectors(migration, &nfprobe);
}
