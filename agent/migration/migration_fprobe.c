/* migration_fprobe.c - command lines of fprobe and fprobe-ulog, and their files in
 * /etc/default and /etc/conf.d.
 *
 * Place: rows in the table of agentctl_migrate.c, and fprobe_ulog.c of the daemon; writes by
 * migration.h.
 *
 * Source: manuals fprobe(8) and fprobe-ulog(8). */
#include "migration_fprobe.h"

#include "flow_cache.h"

#include <string.h>

#define DATAGRAM_BYTES 1464 /* both fill up their datagrams of NetFlow v5 to this */
#define COLLECTORS     32

/* max-flows, of 128 bytes each. */
#define FLOWS_OF_KILOBYTE 8ul
#define FLOWS_MAX         ((unsigned long)FLOW_CACHE_MAX_FLOWS)

#define CARRIED(letter, has_value)                         \
	{                                                  \
		letter, has_value, MIGRATION_CARRIED, NULL \
	}
#define BOTH                                                                                      \
	{ 's', true, MIGRATION_NOT_NEEDED, "scan interval: flows leave when due" },               \
		{ 'q', true, MIGRATION_NOT_NEEDED, "pending queue: packets wait in the kernel" }, \
		{ 'b', true, MIGRATION_NOT_NEEDED, "memory bulk: all memory is taken at once" },  \
		CARRIED('h', false), CARRIED('c', true), CARRIED('l', true), CARRIED('r', true),  \
		CARRIED('u', true), CARRIED('m', true), CARRIED('g', true), CARRIED('d', true),   \
		CARRIED('e', true), CARRIED('n', true), CARRIED('a', true), CARRIED('B', true),   \
		CARRIED('t', true), CARRIED('v', true)

/* What they do with their process: another matter in a service than in a daemon. */
static const struct migration_letter process_letters[] = {
	{ 'h', false, MIGRATION_NOT_NEEDED, "flowagent --help" },
	{ 'c', true, MIGRATION_NOT_NEEDED, "chroot: the unit confines the agent" },
	{ 'l', true, MIGRATION_NOT_NEEDED,
	  "log destination and identifier: the log is that of the unit, one unit for each "
	  "instance" },
	{ 'r', true, MIGRATION_LOST, "real-time priority: set CPUSchedulingPolicy in the unit" },
};

static const struct migration_letter ulog_letters[] = {
	BOTH,
	CARRIED('U', true),
	CARRIED('X', true),
	CARRIED('M', false),
	/* The fork of PlanetLab. */
	{ 'E', true, MIGRATION_LOST, "flow files on disk: here a collector that is a path" },
	{ 'T', true, MIGRATION_LOST, "flow files on disk: here the key keep of that collector" },
	{ 'f', true, MIGRATION_LOST, "flow files on disk: here the path of that collector" },
	{ 'D', true, MIGRATION_LOST, "flow files on disk: here the key keep of that collector" },
	{ '\0', false, MIGRATION_LOST, NULL },
};

static const struct migration_letter pcap_letters[] = {
	BOTH,
	CARRIED('i', true),
	CARRIED('p', false),
	CARRIED('f', true),
	CARRIED('S', true),
	CARRIED('x', true),
	{ 'K', true, MIGRATION_NOT_NEEDED, "link header: it is that of the interface" },
	{ 'k', false, MIGRATION_LOST, "bytes with the link header: those of IP are counted" },
	{ '\0', false, MIGRATION_LOST, NULL },
};

struct fprobe {
	bool is_ulog;
	bool has_ulog;          /* the kernel has that */
	const char *given[128]; /* value of each letter that is carried */
	const char *collectors[COLLECTORS];
	size_t collector_count;
};

static void take(struct migration *migration, void *context, char letter, const char *value)
{
	struct fprobe *fprobe = context;

	if (letter)
		fprobe->given[(unsigned char)letter] = value;
	else if (fprobe->collector_count < COLLECTORS)
		fprobe->collectors[fprobe->collector_count++] = value;
	else
		migration_wrong(migration, "more than %d collectors: %s", COLLECTORS, value);
}

/* A number of an option; 'otherwise' without the option or without a number. */
static unsigned long number_of(struct migration *migration, const struct fprobe *fprobe,
			       char letter, unsigned long otherwise)
{
	const char *text = fprobe->given[(unsigned char)letter];
	unsigned long number;

	if (!text)
		return otherwise;
	if (migration_number(text, &number))
		return number;
	migration_wrong(migration, "-%c %s: expected a number; the default %lu is taken", letter,
			text, otherwise);
	return otherwise;
}

/* "INPUT[:OUTPUT]" of -x; 0 is none. */
static const char *fixed_numbers(struct migration *migration, const char *text)
{
	const char *colon = text ? strchr(text, ':') : NULL;
	const char *keys = "";
	unsigned long numbers[2] = { 0, 0 };

	if (!text)
		return "";
	if (!migration_number(migration_print(migration, "%.*s", (int)strcspn(text, ":"), text),
			      &numbers[0]) ||
	    (colon && !migration_number(colon + 1, &numbers[1])) || numbers[0] > UINT32_MAX ||
	    numbers[1] > UINT32_MAX) {
		migration_wrong(migration, "-x %s: expected INPUT[:OUTPUT]", text);
		return "";
	}
	if (numbers[0])
		keys = migration_print(migration, ",input=%lu", numbers[0]);
	if (numbers[1])
		keys = migration_print(migration, "%s,output=%lu", keys, numbers[1]);
	return keys;
}

/* The keys of the source for the buffer and, with fprobe, what it captures. */
static const char *source_keys(struct migration *migration, const struct fprobe *fprobe)
{
	const unsigned long kilobytes = number_of(migration, fprobe, 'B', 0);

	if (kilobytes > 0 && kilobytes < 32 * 1024)
		migration_note(migration, "a kernel buffer of %lu kB is less than flowagent's 32M",
			       kilobytes);
	return migration_print(migration, "%s%s%s%s",
			       kilobytes > 0 ? migration_buffer(migration, fprobe->given['B'], 1024)
					     : "",
			       fixed_numbers(migration, fprobe->given['x']),
			       migration_snaplen(migration, fprobe->given['S']),
			       migration_packet_filter(migration, fprobe->given['f']));
}

static void write_groups(struct migration *migration, const struct fprobe *fprobe)
{
	const unsigned long mask = number_of(migration, fprobe, 'U', 1);
	const char *keys = source_keys(migration, fprobe);

	if (mask && fprobe->has_ulog) {
		migration_option(migration, "ulog", "%lu%s", mask, keys);
		return;
	}
	if ((mask & 0xffffffff) == 0)
		migration_wrong(migration, "-U %s: no bit is set, so no group is read",
				fprobe->given['U']);
	for (unsigned int bit = 0; bit < 32; bit++) {
		if (!(mask >> bit & 1))
			continue;
		migration_option(migration, "nflog", "%u%s", bit + 1, keys);
		migration_note(
			migration,
			"in the rules, -j ULOG of group %u becomes -j NFLOG --nflog-group %u "
			"--nflog-size 128; agentctl migrate rules does it",
			bit + 1, bit + 1);
	}
	migration_note(migration, "IPv4 only before: a rule of ip6tables adds IPv6, which v5 has "
				  "no form for");
}

static void write_interface(struct migration *migration, const struct fprobe *fprobe)
{
	const char *name = fprobe->given['i'];
	const char *keys = source_keys(migration, fprobe);

	if (!name)
		migration_wrong(migration, "no interface: fprobe takes the first that is up "
					   "(pcap_lookupdev); write interface = NAME");
	else if (fprobe->given['p'])
		migration_option(migration, "interface", "%s%s", name, keys);
	else if (strcmp(name, "any") != 0)
		migration_option(migration, "interface", "%s,promiscuous=on%s", name, keys);
	else
		migration_option(migration, "interface", "any%s", keys);
	if (name && strcmp(name, "any") == 0 && !fprobe->given['p'])
		migration_lost(migration, "promiscuous capture on any: name the interfaces");
	migration_note(migration,
		       "IPv4 only before: NetFlow v5 has no form for IPv6, which is counted here "
		       "and lost as unsupported");
	if (!fprobe->given['f'])
		migration_note(migration, "without -fip fprobe counts ARP and other frames as IP: "
					  "flowagent never does");
}

/* fprobe-ulog takes each name that begins with the base, and the number after it with atoi(). */
static void write_rules(struct migration *migration, const char *rules)
{
	char *const text = migration_print(migration, "%s", rules);
	const char *result = "";
	unsigned long number;
	char *rest = NULL;

	for (char *rule = strtok_r(text, ",", &rest); rule; rule = strtok_r(NULL, ",", &rest)) {
		char *colon = strchr(rule, ':');

		if (!colon || colon == rule || !migration_number(colon + 1, &number)) {
			migration_wrong(migration, "-X %s: expected BASE:NUMBER", rule);
			continue;
		}
		if (colon[-1] >= '0' && colon[-1] <= '9')
			*colon = '='; /* the whole name: nothing follows it */
		result = migration_print(migration, "%s%s%s", result, *result ? "," : "", rule);
	}
	if (!*result)
		return;
	migration_option(migration, "if-map", "%s", result);
	migration_note(migration, "fprobe-ulog takes any name that begins so: with eth:100, "
				  "eth0.100 was 100, and has the kernel's index here");
}

static void write_fragment_lifetime(struct migration *migration, unsigned long seconds)
{
	const unsigned long written = seconds < 1 ? 1 : seconds > 3600 ? 3600 : seconds;

	if (written != seconds)
		migration_lost(migration,
			       "-g %lu: flowagent remembers fragments for 1 to 3600 s; %lu is "
			       "written",
			       seconds, written);
	if (written != 30)
		migration_option(migration, "fragment-lifetime", "%lus", written);
}

static void write_timeouts(struct migration *migration, const struct fprobe *fprobe)
{
	const unsigned long inactive = number_of(migration, fprobe, 'd', 60);

	migration_active_timeout(migration, number_of(migration, fprobe, 'e', 300));
	migration_inactive_timeout(migration, "inactive timeout 0", inactive, 60);
	write_fragment_lifetime(migration, number_of(migration, fprobe, 'g', 30));
}

/* fprobe's delay, N nanoseconds after each B bytes, as datagrams a second. */
static void write_rate(struct migration *migration, const char *delay)
{
	unsigned long long bytes = 0;
	unsigned long long nanoseconds = 0;
	unsigned long long rate;

	if (!delay)
		return;
	if (sscanf(delay, "%10llu:%12llu", &bytes, &nanoseconds) != 2 || bytes == 0) {
		migration_wrong(migration, "-t %s: expected BYTES:NANOSECONDS", delay);
		return;
	}
	if (nanoseconds == 0)
		return;
	rate = bytes * 1000000000 / nanoseconds / DATAGRAM_BYTES;
	migration_lost(migration,
		       "-t %s: delay of %llu ns after each %llu bytes; export-rate=%llu "
		       "datagrams a second is about the same",
		       delay, nanoseconds, bytes, rate);
	if (rate >= 1 && rate <= 10000000)
		migration_option(migration, "export-rate", "%llu", rate);
}

/* HOST:PORT[/[LOCAL][/TYPE]] */
static void write_collector(struct migration *migration, const char *word, unsigned long version)
{
	char *const host = migration_print(migration, "%s", word);
	char *local = strchr(host, '/');
	char *type = local ? strchr(local + 1, '/') : NULL;

	if (local)
		*local++ = '\0';
	if (type)
		*type++ = '\0';
	if (type && *type && strcmp(type, "m") != 0 && strcmp(type, "r") != 0)
		migration_wrong(migration, "%s: type %s is neither m nor r; m is taken", word,
				type);
	migration_option(migration, "collector", "%s,version=%lu%s%s%s", host, version,
			 local && *local ? ",source=" : "", local ? local : "",
			 type && strcmp(type, "r") == 0 ? ",mode=round-robin" : "");
}

static void write_collectors(struct migration *migration, const struct fprobe *fprobe)
{
	unsigned long version = number_of(migration, fprobe, 'n', 5);

	if (version != 1 && version != 5 && version != 7) {
		migration_wrong(migration, "-n %lu: expected 1, 5 or 7; 5 is taken", version);
		version = 5;
	}
	if (fprobe->given['a'])
		migration_option(migration, "source-address", "%s", fprobe->given['a']);
	for (size_t i = 0; i < fprobe->collector_count; i++)
		write_collector(migration, fprobe->collectors[i], version);
	if (fprobe->collector_count == 0) {
		migration_wrong(migration, "no collector: write collector = HOST:PORT");
		migration_option(migration, "export-version", "%lu", version);
	}
	write_rate(migration, fprobe->given['t']);
}

/* A limit of memory as a number of flows. Returns whether there is one. */
static bool write_memory(struct migration *migration, const struct fprobe *fprobe)
{
	const unsigned long kilobytes = number_of(migration, fprobe, 'm', 0);
	unsigned long flows = kilobytes > FLOWS_MAX / FLOWS_OF_KILOBYTE
				      ? FLOWS_MAX
				      : kilobytes * FLOWS_OF_KILOBYTE;

	if (kilobytes == 0)
		return false;
	migration_option(migration, "max-flows", "%lu", flows);
	migration_note(migration,
		       "-m %lu: memory limit in kB, here a number of flows of 128 bytes; when it "
		       "is reached, flows leave early and no packet is lost",
		       kilobytes);
	return true;
}

static void write_running(struct migration *migration, const struct fprobe *fprobe,
			  bool has_memory_limit)
{
	static const char *const levels[] = { "error",   "error",  "error", "error",
					      "warning", "notice", "info",  "debug" };
	const unsigned long level = number_of(migration, fprobe, 'v', 6);

	migration_option(migration, "source-id", "0");
	migration_note(migration, "engine type and id are 0%s",
		       has_memory_limit
			       ? ""
			       : "; the number of flows was not limited: max-flows has its "
				 "default");
	if (fprobe->given['v'])
		migration_option(migration, "log-level", "%s", levels[level > 7 ? 7 : level]);
}

/* For a service, which is no root: with the option user it would not start. */
static void say_process(struct migration *migration, const struct fprobe *fprobe)
{
	const char *user = fprobe->given['u'];

	for (size_t i = 0; i < sizeof(process_letters) / sizeof(process_letters[0]); i++) {
		const char *value = fprobe->given[(unsigned char)process_letters[i].letter];

		if (value)
			migration_letter_say(migration, &process_letters[i], value);
	}
	if (user)
		migration_note(migration,
			       "-u %s: the service is a user of its own, _flowagent; an "
			       "agent that root starts by hand takes user = %s",
			       user, user);
}

/* What Debian, Alpine and Gentoo write, as words. */
static void read_file(struct migration *migration, char *text, bool is_ulog,
		      struct migration_words *words)
{
	/* Names of variables, the letter before the value, or '\0' for words. */
	static const struct {
		const char *name;
		char letter;
	} rows[] = {
		{ "INTERFACE", 'i' },   { "CHROOT", 'c' },          { "USER", 'u' },
		{ "OTHER_ARGS", '\0' }, { "FLOW_COLLECTOR", '\0' }, { "COLLECTORS", '\0' },
	};
	struct migration_variables variables = { .count = 0 };
	const char *rules;

	migration_variables_read(migration, text, &variables);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *value = migration_variable(&variables, rows[i].name);
		const char letter = is_ulog && rows[i].letter == 'i' ? 'X' : rows[i].letter;

		if (!value)
			continue;
		if (letter)
			migration_words_add(migration, words,
					    migration_print(migration, "-%c%s", letter, value));
		else
			migration_words_split(migration, words, value);
	}
	rules = migration_variable(&variables, "SNMP_IFACE");
	if (rules)
		migration_words_add(migration, words, migration_print(migration, "-X%s", rules));
	for (size_t i = 0; i < variables.count; i++)
		if (strcmp(variables.names[i], "PIDFILE_ID") == 0)
			migration_words_add(
				migration, words,
				migration_print(migration, "-l1:%s", variables.values[i]));
}

static struct fprobe read_words(struct migration *migration, const char *const *words, size_t count)
{
	struct fprobe fprobe = { .is_ulog = strcmp(migration->peer, "fprobe-ulog") == 0 };

	migration_letters(migration, fprobe.is_ulog ? ulog_letters : pcap_letters, words, count,
			  take, &fprobe);
	return fprobe;
}

static void write_all(struct migration *migration, const struct fprobe *fprobe)
{
	bool has_memory_limit;

	if (fprobe->is_ulog)
		write_groups(migration, fprobe);
	else
		write_interface(migration, fprobe);
	if (fprobe->given['X'])
		write_rules(migration, fprobe->given['X']);
	if (fprobe->given['M'])
		migration_option(migration, "mark-as-tos", "on");
	write_timeouts(migration, fprobe);
	has_memory_limit = write_memory(migration, fprobe);
	write_collectors(migration, fprobe);
	write_running(migration, fprobe, has_memory_limit);
}

void migration_fprobe(struct migration *migration, const char *const *words, size_t count,
		      char *text)
{
	const bool is_ulog = strcmp(migration->peer, "fprobe-ulog") == 0;
	struct migration_words from_file = { .count = 0 };
	struct fprobe fprobe;

	(void)fputs("[agent]\n", migration->out);
	if (text) {
		read_file(migration, text, is_ulog, &from_file);
		words = from_file.words;
		count = from_file.count;
	}
	fprobe = read_words(migration, words, count);
	write_all(migration, &fprobe);
	say_process(migration, &fprobe);
}

void migration_fprobe_ulog(struct migration *migration, const char *const *words, size_t count,
			   bool has_ulog)
{
	struct fprobe fprobe;

	(void)fputs("[agent]\n", migration->out);
	fprobe = read_words(migration, words, count);
	fprobe.has_ulog = has_ulog;
	write_all(migration, &fprobe);
	if (fprobe.given['u'])
		migration_option(migration, "user", "%s", fprobe.given['u']);
}

void migration_fprobe_process(const char *const *words, size_t count,
			      struct migration_process *process)
{
	struct migration quiet = { .peer = "fprobe-ulog" };
	const struct fprobe fprobe = read_words(&quiet, words, count);

	*process = (struct migration_process){
		.log = fprobe.given['l'],
		.priority = fprobe.given['r'],
		.root = fprobe.given['c'],
		.wants_help = fprobe.given['h'] != NULL,
	};
	migration_end(&quiet);
}
