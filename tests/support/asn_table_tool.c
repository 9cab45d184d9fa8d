/* asn_table_tool.c - AS tables for the tests.
 *
 * asn_table_tool make TABLE SOURCE CREATED_S PEER_COUNT: standard input has a prefix a line, as
 * "ORIGIN PREFIX [PEERS [PEER_AS [NEXT_HOP]]]" or "name ORIGIN NAME...".
 * asn_table_tool find TABLE: standard input has an address a line; for each "ORIGIN LENGTH PEERS".
 * asn_table_tool tell TABLE: the same, for each "ORIGIN LENGTH PEERS PEER_AS NEXT_HOP", with - for
 * none; before it the number of IPv4 and IPv6 prefixes, and of peers in all.
 */
#include "address.h"
#include "asn_table_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const char *what)
{
	(void)fprintf(stderr, "asn_table_tool: %s\n", what);
	return 1;
}

static int add_line(struct asn_builder *builder, char *line)
{
	int begin = 0;
	struct asn_entry entry = { .as_number = 0 };
	char text[64], next_hop[64];
	struct prefix prefix;
	int fields;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "name %" SCNu32 " %n", &entry.as_number, &begin) == 1 && begin)
		return asn_builder_name(builder, entry.as_number, line + begin);
	fields = sscanf(line, "%" SCNu32 " %63s %hu %" SCNu32 " %63s", &entry.as_number, text,
			&entry.peers, &entry.peer_as_number, next_hop);
	if (fields < 2 || prefix_parse(text, &prefix) != 0)
		return -1;
	entry.prefix_length = prefix.length;
	entry.has_next_hop = fields == 5 && address_parse(next_hop, entry.next_hop) > 0;
	return asn_builder_add(builder, prefix.ip_version, prefix.address, &entry);
}

static int make(const char *path, const struct asn_build_facts *facts)
{
	struct asn_builder *builder = asn_builder_create();
	struct error_text error;
	struct asn_image image;
	char line[256];

	if (!builder)
		return fail("no memory");
	while (fgets(line, sizeof(line), stdin))
		if (add_line(builder, line) != 0)
			return fail(line);
	if (asn_builder_finish(builder, facts, &image, NULL) != 0)
		return fail("no memory");
	asn_builder_destroy(builder);
	if (asn_table_file_write(path, &image, &error) != 0)
		return fail(error.text);
	asn_image_release(image.bytes, image.size);
	return 0;
}

static void print_more(uint8_t version, const struct asn_entry *entry)
{
	char text[ADDRESS_TEXT_SIZE];

	(void)printf(" %" PRIu32 " %s", entry->peer_as_number,
		     entry->has_next_hop ? address_format(version, entry->next_hop, text) : "-");
}

static int find(const char *path, bool tells_all)
{
	struct error_text error;
	struct asn_table *table = asn_table_file_open(path, &error);
	char line[256];

	if (!table)
		return fail(error.text);
	if (tells_all)
		(void)printf("%zu %zu %" PRIu32 "\n", asn_table_count(table, 4),
			     asn_table_count(table, 6), asn_table_peer_count(table));
	while (fgets(line, sizeof(line), stdin)) {
		struct asn_entry entry;
		uint8_t address[16];
		int version;

		line[strcspn(line, "\n")] = '\0';
		version = address_parse(line, address);
		if (version <= 0)
			return fail(line);
		asn_table_find(table, (uint8_t)version, address, &entry);
		(void)printf("%" PRIu32 " %u %u", entry.as_number, entry.prefix_length,
			     entry.peers);
		if (tells_all)
			print_more((uint8_t)version, &entry);
		(void)putchar('\n');
	}
	asn_table_destroy(table);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "make") == 0)
		return make(argv[2], &(struct asn_build_facts){
					     .source = argv[3],
					     .created_s = strtoll(argv[4], NULL, 10),
					     .peer_count = (uint32_t)strtoul(argv[5], NULL, 10) });
	if (argc == 3 && strcmp(argv[1], "find") == 0)
		return find(argv[2], false);
	if (argc == 3 && strcmp(argv[1], "tell") == 0)
		return find(argv[2], true);
	return fail("expected make, find or tell");
}
