/* agentctl_migration_aggregate.c - nfprobe's aggregate: primitives become the flow key, or fields.
 *
 * Place: agentctl_migrate_nfprobe.c -> here -> migration.h. */
#include "agentctl_migration_nfprobe.h"

#include <string.h>

/* Primitives of aggregate: the part of the key, or why there is none. */
static const struct primitive {
	const char *name, *part;
	enum migration_fate fate;
	const char *text;
} primitives[] = {
	{ "src_host", "addresses", MIGRATION_CARRIED, NULL },
	{ "dst_host", "addresses", MIGRATION_CARRIED, NULL },
	{ "src_port", "ports", MIGRATION_CARRIED, NULL },
	{ "dst_port", "ports", MIGRATION_CARRIED, NULL },
	{ "proto", "protocol", MIGRATION_CARRIED, NULL },
	{ "tos", "tos", MIGRATION_CARRIED, NULL },
	{ "vlan", "vlan", MIGRATION_CARRIED, NULL },
	{ "in_iface", "interfaces", MIGRATION_CARRIED, NULL },
	{ "out_iface", "interfaces", MIGRATION_CARRIED, NULL },
	{ "flows", NULL, MIGRATION_NOT_NEEDED, "nfprobe does not export it" },
	{ "tcpflags", NULL, MIGRATION_NOT_NEEDED, "TCP flags are a field, and no key" },
	{ "src_as", NULL, MIGRATION_NOT_NEEDED, "AS numbers are fields: networks-file, asn-table" },
	{ "dst_as", NULL, MIGRATION_NOT_NEEDED, "AS numbers are fields: networks-file, asn-table" },
	{ "timestamp_start", NULL, MIGRATION_NOT_NEEDED, "each record has its times; no key" },
	{ "timestamp_end", NULL, MIGRATION_NOT_NEEDED, "each record has its times; no key" },
	{ "src_mac", NULL, MIGRATION_CARRIED, NULL }, /* fields: of collectors */
	{ "dst_mac", NULL, MIGRATION_CARRIED, NULL },
	{ "tag", NULL, MIGRATION_LOST, "tags of pre_tag_map" },
};

/* The order in which parts are written. */
static const char *const parts[] = {
	"addresses", "ports", "protocol", "tos", "vlan", "interfaces"
};
#define PARTS (sizeof(parts) / sizeof(parts[0]))

void nfprobe_key_write(struct migration *migration, const char *aggregate)
{
	char *const list = migration_print(
		migration, "%s",
		aggregate ? aggregate : "src_host,dst_host,src_port,dst_port,proto,tos");
	bool has[PARTS] = { false };
	const char *key = "";
	char *rest = NULL;

	for (char *word = strtok_r(list, ", \t", &rest); word;
	     word = strtok_r(NULL, ", \t", &rest)) {
		const struct primitive *row = NULL;

		for (size_t i = 0; i < sizeof(primitives) / sizeof(primitives[0]); i++)
			if (strcmp(primitives[i].name, word) == 0)
				row = &primitives[i];
		if (!row)
			migration_lost(migration, "%s in aggregate", word);
		else if (row->fate == MIGRATION_LOST)
			migration_lost(migration, "%s in aggregate: %s", word, row->text);
		else if (row->fate == MIGRATION_NOT_NEEDED)
			migration_not_needed(migration, "%s in aggregate: %s", word, row->text);
		for (size_t i = 0; row && row->part && i < PARTS; i++)
			has[i] |= strcmp(parts[i], row->part) == 0;
	}
	for (size_t i = 0; i < PARTS; i++)
		if (has[i])
			key = migration_print(migration, "%s%s%s", key, *key ? "," : "", parts[i]);
	if (*key)
		migration_option(migration, "flow-key", "%s", key);
	else
		migration_lost(migration, "aggregate: %s: nothing that flowagent has in its key",
			       aggregate);
}

bool nfprobe_has_primitive(const char *aggregate, const char *name)
{
	const size_t length = strlen(name);

	while (aggregate && *aggregate) {
		aggregate += strspn(aggregate, ", \t");
		if (strcspn(aggregate, ", \t") == length && strncmp(aggregate, name, length) == 0)
			return true;
		aggregate += strcspn(aggregate, ", \t");
	}
	return false;
}
