/* agentctl_ruleset.c - the default rules: one inet table, a chain for what comes in and one for
 * what goes out, and before them what makes each packet count once, as on the wire. With a group
 * per CPU, both go to a chain that chooses by the CPU which handles the packet, so that CPUs do not
 * wait for each other at one group's lock.
 *
 * Prerouting at priority raw and postrouting after source NAT see the addresses that are on the
 * wire of the interface, in both directions and families. */
#include "agentctl_ruleset.h"

#include "defaults.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ruleset_add_interface(struct ruleset *ruleset, const char *name, struct error_text *error)
{
	size_t length = strlen(name);
	bool is_valid = length > 0 && length < IF_NAMESIZE;

	for (size_t i = 0; is_valid && i < length; i++)
		is_valid = isgraph((unsigned char)name[i]) && !strchr("\"/*\\:", name[i]);
	if (!is_valid) {
		char quote[ERROR_QUOTE_SIZE];

		error_text_set(error,
			       "\"%s\" is no interface name: expected 1 to %d characters, "
			       "without space and any of \" / * \\ :",
			       error_text_quote(name, length, quote), IF_NAMESIZE - 1);
		return false;
	}
	for (size_t i = 0; i < ruleset->interface_count; i++)
		if (strcmp(ruleset->interfaces[i], name) == 0)
			return true;
	if (ruleset->interface_count == RULESET_INTERFACES) {
		error_text_set(error, "more than %d interfaces", RULESET_INTERFACES);
		return false;
	}
	memcpy(ruleset->interfaces[ruleset->interface_count++], name, length + 1);
	return true;
}

struct route {
	char interface[IF_NAMESIZE];
	unsigned int metric;
	bool is_found;
};

static void keep_better(struct route *best, const char *interface, unsigned int metric)
{
	if (best->is_found && best->metric <= metric)
		return;
	best->is_found = true;
	best->metric = metric;
	(void)snprintf(best->interface, sizeof(best->interface), "%s", interface);
}

#define ROUTE_UP     0x0001u /* RTF_UP, <linux/route.h> */
#define ROUTE_REJECT 0x0200u /* RTF_REJECT */

/* Columns: interface destination gateway flags references use metric mask ... */
static void read_ipv4_route(const char *line, struct route *best)
{
	char interface[IF_NAMESIZE];
	unsigned int destination;
	unsigned int flags;
	unsigned int metric;
	unsigned int mask;

	if (sscanf(line, "%15s %8x %*8x %4x %*d %*u %u %8x", interface, &destination, &flags,
		   &metric, &mask) == 5 &&
	    destination == 0 && mask == 0 && (flags & (ROUTE_UP | ROUTE_REJECT)) == ROUTE_UP)
		keep_better(best, interface, metric);
}

/* Columns: destination length source length gateway metric references use flags interface */
static void read_ipv6_route(const char *line, struct route *best)
{
	char destination[33];
	char interface[IF_NAMESIZE];
	unsigned int length;
	unsigned int metric;
	unsigned int flags;

	if (sscanf(line, "%32s %2x %*32s %*2x %*32s %8x %*8x %*8x %8x %15s", destination, &length,
		   &metric, &flags, interface) == 5 &&
	    length == 0 && strspn(destination, "0") == 32 && strcmp(interface, "lo") != 0 &&
	    (flags & (ROUTE_UP | ROUTE_REJECT)) == ROUTE_UP)
		keep_better(best, interface, metric);
}

static void read_lines(const char *text, struct route *best,
		       void (*read)(const char *line, struct route *best))
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		char line[256];

		(void)snprintf(line, sizeof(line), "%.*s", (int)(length < 255 ? length : 255),
			       text);
		read(line, best);
		text += length;
		if (*text)
			text++;
	}
}

void ruleset_add_default_routes(struct ruleset *ruleset, const char *ipv4_routes,
				const char *ipv6_routes)
{
	struct route ipv4 = { .is_found = false };
	struct route ipv6 = { .is_found = false };
	struct error_text ignored; /* a name that cannot stand in a rule is passed over */

	read_lines(ipv4_routes, &ipv4, read_ipv4_route);
	read_lines(ipv6_routes, &ipv6, read_ipv6_route);
	if (ipv4.is_found)
		(void)ruleset_add_interface(ruleset, ipv4.interface, &ignored);
	if (ipv6.is_found)
		(void)ruleset_add_interface(ruleset, ipv6.interface, &ignored);
}

/* "eth0", or { "eth0", "eth1" } */
static void write_interfaces(FILE *file, const struct ruleset *ruleset)
{
	bool is_set = ruleset->interface_count > 1;

	(void)fputs(is_set ? "{ " : "", file);
	for (size_t i = 0; i < ruleset->interface_count; i++)
		(void)fprintf(file, "%s\"%s\"", i ? ", " : "", ruleset->interfaces[i]);
	(void)fputs(is_set ? " }" : "", file);
}

/* The choice stands after the counter, which therefore counts all packets. "numgen random" gives
 * each packet the same chance. */
static void write_log(FILE *file, const struct ruleset *ruleset, unsigned int group)
{
	if (ruleset->sample > 1)
		(void)fprintf(file, "numgen random mod %u 0 log prefix \"s=%u\" ", ruleset->sample,
			      ruleset->sample);
	else
		(void)fputs("log ", file);
	(void)fprintf(file, "group %u snaplen %u\n", group, ruleset->snaplen);
}

uint64_t ruleset_rate(const struct ruleset *ruleset)
{
	return (uint64_t)ruleset->max_rate * (ruleset->sample > 1 ? ruleset->sample : 1);
}

uint64_t ruleset_burst(const struct ruleset *ruleset)
{
	const uint64_t rate = ruleset_rate(ruleset);

	return rate < 50 ? 5 : rate / 10;
}

/* The chain that counts a direction and logs it. Before it stands the fuse: what is too much for
 * both directions together is counted by a counter of its own, and not logged. nft keeps the rate
 * of a limit that is there, so each rate has its own name. */
static void write_side(FILE *file, const struct ruleset *ruleset, const char *name)
{
	(void)fprintf(file, "\tchain log_%s {\n", name);
	if (ruleset->max_rate)
		(void)fprintf(file, "\t\tlimit name fuse%llu counter name over_rate return\n",
			      (unsigned long long)ruleset_rate(ruleset));
	(void)fprintf(file, "\t\tcounter name logged_%s ", name);
	if (ruleset->cpus)
		(void)fputs("goto by_cpu\n", file);
	else
		write_log(file, ruleset, ruleset->group);
	(void)fputs("\t}\n", file);
}

/* What a broadcast or multicast of this host's own looks like. The source 0.0.0.0 has the type
 * broadcast. */
#define OWN_GROUP "fib daddr type { broadcast, multicast } fib saddr type { local, broadcast }"

/* The kernel hands a broadcast or multicast that this host sends to its own sockets as well: the
 * copy passes postrouting a second time and then prerouting, though the wire has seen it once. In
 * prerouting the copy has no link header, which on Ethernet distinguishes it from a packet that
 * somebody else has sent in this host's name. In postrouting nothing distinguishes the two, but the
 * output hook sees the packet once. Nearly all packets are unicast, and asked for that first. IPsec
 * likewise: what was decrypted passes prerouting a second time, what will be encrypted passes
 * postrouting before ESP does. A tunnel that is an interface shows its own packets only to those
 * who name it. */
static void write_wire_chains(FILE *file)
{
	(void)fputs("\tchain looped {\n"
		    "\t\tether saddr >= 00:00:00:00:00:00 goto log_in\n"
		    "\t}\n"
		    "\tchain decrypted {\n"
		    "\t\tmeta iifkind { \"vti\", \"vti6\", \"xfrm\" } goto log_in\n"
		    "\t}\n"
		    "\tchain from_wire {\n"
		    "\t\tmeta mark " DEFAULT_MARK_TEXT " return\n"
		    "\t\tmeta pkttype { broadcast, multicast } " OWN_GROUP " goto looped\n"
		    "\t\tmeta ipsec exists goto decrypted\n"
		    "\t\tgoto log_in\n"
		    "\t}\n"
		    "\tchain to_wire {\n"
		    "\t\tmeta mark " DEFAULT_MARK_TEXT " return\n"
		    "\t\trt ipsec exists return\n"
		    "\t\tfib daddr type unicast goto log_out\n"
		    "\t\t" OWN_GROUP " return\n"
		    "\t\tgoto log_out\n"
		    "\t}\n"
		    "\tchain group_to_wire {\n"
		    "\t\tmeta mark " DEFAULT_MARK_TEXT " return\n"
		    "\t\trt ipsec exists return\n"
		    "\t\t" OWN_GROUP " goto log_out\n"
		    "\t}\n",
		    file);
}

/* A chain at a hook: what passes one of the interfaces gets 'rest'. */
static void write_hook(FILE *file, const struct ruleset *ruleset, const char *name,
		       const char *hook, const char *match, const char *rest)
{
	(void)fprintf(file, "\tchain %s {\n\t\ttype filter hook %s; policy accept;\n\t\t%s ", name,
		      hook, match);
	write_interfaces(file, ruleset);
	(void)fprintf(file, " %s\n\t}\n", rest);
}

static void write_log_chain(FILE *file, const struct ruleset *ruleset, size_t index)
{
	const unsigned int cpu = ruleset->cpus->numbers[index];

	(void)fprintf(file, "\tcounter logged_cpu%u {\n\t}\n", cpu);
	(void)fprintf(file, "\tchain cpu%u {\n\t\tcounter name logged_cpu%u ", cpu, cpu);
	write_log(file, ruleset, (unsigned int)(ruleset->group + index));
	(void)fputs("\t}\n", file);
}

/* A CPU that comes online later goes to the first group: nothing is lost but speed. */
static void write_cpu_chains(FILE *file, const struct ruleset *ruleset)
{
	const struct cpu_list *cpus = ruleset->cpus;

	for (size_t i = 0; i < cpus->count; i++)
		write_log_chain(file, ruleset, i);
	(void)fputs("\tchain by_cpu {\n\t\tmeta cpu vmap { ", file);
	for (size_t i = 0; i < cpus->count; i++)
		(void)fprintf(file, "%s%u : goto cpu%u", i ? ", " : "", cpus->numbers[i],
			      cpus->numbers[i]);
	(void)fprintf(file, " }\n\t\tgoto cpu%u\n\t}\n", cpus->numbers[0]);
}

char *ruleset_format(const struct ruleset *ruleset)
{
	char *text = NULL;
	size_t size;
	FILE *file = open_memstream(&text, &size);
	bool is_written;

	if (!file)
		return NULL;
	(void)fputs("# NFLOG rules for flowagent, made by agentctl rules. Load: nft -f THIS-FILE\n"
		    "# The first two lines empty what an earlier version of this file has loaded; "
		    "all of "
		    "it is one\n"
		    "# transaction, so no packet passes in between, and the counters continue.\n"
		    "table inet flowagent\n"
		    "flush table inet flowagent\n"
		    "table inet flowagent {\n"
		    "\tcounter logged_in {\n\t}\n"
		    "\tcounter logged_out {\n\t}\n",
		    file);
	if (ruleset->max_rate)
		(void)fprintf(
			file,
			"\tcounter over_rate {\n\t}\n"
			"\tlimit fuse%llu {\n\t\trate over %llu/second burst %llu packets\n\t}\n",
			(unsigned long long)ruleset_rate(ruleset),
			(unsigned long long)ruleset_rate(ruleset),
			(unsigned long long)ruleset_burst(ruleset));
	if (ruleset->cpus)
		write_cpu_chains(file, ruleset);
	write_side(file, ruleset, "in");
	write_side(file, ruleset, "out");
	write_wire_chains(file);
	write_hook(file, ruleset, "in", "prerouting priority raw", "iifname", "goto from_wire");
	write_hook(file, ruleset, "out", "postrouting priority srcnat + 10", "oifname",
		   "goto to_wire");
	write_hook(file, ruleset, "out_group", "output priority 110", "oifname",
		   "fib daddr type != unicast goto group_to_wire");
	(void)fputs("}\n", file);
	is_written = !ferror(file);
	if (fclose(file) != 0 || !is_written) {
		free(text);
		return NULL;
	}
	return text;
}
