/* agentctl_rules_make.c - the interfaces of the default routes, the CPUs that are online, and the
 * text of the rules for them. */
#include "agentctl_rules_make.h"

#include "agentctl_rules_firewall.h"
#include "agentctl_ruleset_iptables.h"
#include "defaults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *agentctl_rules_read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t got = file ? getdelim(&text, &size, '\0', file) : -1;

	if (file)
		(void)fclose(file);
	if (got >= 0)
		return text;
	free(text);
	return strdup("");
}

/* Have packets go to a group for each CPU that is online. */
static bool set_cpus(struct ruleset *ruleset, struct cpu_list *cpus, struct error_text *error)
{
	cpu_list_online(cpus);
	ruleset->cpus = cpus;
	if (ruleset->group + cpus->count - 1 <= UINT16_MAX)
		return true;
	error_text_set(error, "--group %u: %zu CPUs need as many groups, up to 65535",
		       ruleset->group, cpus->count);
	return false;
}

enum agentctl_exit agentctl_rules_interfaces(const struct agentctl_options *options,
					     struct ruleset *ruleset, struct error_text *error)
{
	for (size_t i = 0; i < options->interface_count; i++)
		if (!ruleset_add_interface(ruleset, options->interfaces[i], error))
			return AGENTCTL_USAGE;
	if (options->interface_count == 0) {
		char *ipv4 = agentctl_rules_read_file("/proc/net/route");
		char *ipv6 = agentctl_rules_read_file("/proc/net/ipv6_route");

		if (ipv4 && ipv6)
			ruleset_add_default_routes(ruleset, ipv4, ipv6);
		free(ipv4);
		free(ipv6);
	}
	if (ruleset->interface_count > 0)
		return AGENTCTL_DONE;
	error_text_set(error, "there is no default route to take the interface from");
	error_text_hint(error, "name it: --interface IF; ip link shows which there are");
	return AGENTCTL_FAILED;
}

/* The rules that the options ask for. 'cpus' is what they may borrow from. */
static enum agentctl_exit make_ruleset(const struct agentctl_options *options,
				       struct ruleset *ruleset, struct cpu_list *cpus,
				       struct error_text *error)
{
	*ruleset = (struct ruleset){ .group = options->group,
				     .snaplen = options->snaplen,
				     .sample = options->sample,
				     .max_rate = options->max_rate };
	if (options->per_cpu && !set_cpus(ruleset, cpus, error))
		return AGENTCTL_USAGE;
	return agentctl_rules_interfaces(options, ruleset, error);
}

enum agentctl_exit agentctl_rules_make(const struct agentctl_options *options,
				       struct ruleset *ruleset, struct cpu_list *cpus, char **text,
				       struct error_text *error)
{
	enum agentctl_exit result = make_ruleset(options, ruleset, cpus, error);

	*text = NULL;
	if (!result && options->firewall != FIREWALL_nft && !ruleset_iptables_check(ruleset, error))
		return AGENTCTL_USAGE;
	if (!result && options->firewall == FIREWALL_nft)
		*text = ruleset_format(ruleset);
	else if (!result)
		*text = ruleset_iptables_format(ruleset,
						agentctl_firewalls[options->firewall].suffix);
	if (!result && !*text) {
		error_text_set(error, "out of memory");
		result = AGENTCTL_FAILED;
	}
	return result;
}

uint16_t agentctl_rules_last_group(const struct ruleset *ruleset)
{
	return (uint16_t)(ruleset->group + (ruleset->cpus ? ruleset->cpus->count - 1 : 0));
}

void agentctl_rules_print_groups(const struct ruleset *ruleset)
{
	if (ruleset->cpus)
		(void)fprintf(stderr,
			      "the agent has to read all groups: nflog = %u-%u,cpu=auto in "
			      "a file of " DEFAULT_CONFIG_DIRECTORY ", or --nflog %u-%u,cpu=auto\n",
			      ruleset->group, agentctl_rules_last_group(ruleset), ruleset->group,
			      agentctl_rules_last_group(ruleset));
}
