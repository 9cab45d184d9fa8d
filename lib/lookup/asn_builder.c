/* asn_builder.c - collects prefixes, sorts them, and writes the image of an AS table.
 *
 * Place: between the sources of prefixes (asn_file.c in the agent, flowagent-asn) and asn_table.c.
 * Adding only notes: equal routes are kept once. The order does not matter but for equal prefixes,
 * of which the last one counts.
 *
 * Invariant: what was added and then replaced leaves no trace in what look-ups give, nor in
 * has_next_hops and has_peers. */
#include "asn_builder.h"

#include "asn_image.h"
#include "asn_names.h"
#include "asn_nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An entry as it is kept in the pool. */
struct entry_key {
	uint32_t route_and_length; /* as in the image */
	uint32_t peers;
};

struct asn_builder {
	struct asn_vector prefixes[2]; /* of struct asn_prefix: IPv4, IPv6 */
	struct asn_pool entries;       /* of struct entry_key */
	struct asn_pool routes;        /* of struct asn_route */
	struct asn_pool next_hops;     /* of 16 bytes */
	struct asn_build_report report;
	struct asn_names names;
};

static const size_t address_sizes[] = { 4, 16 };

struct asn_builder *asn_builder_create(void)
{
	struct asn_builder *builder = calloc(1, sizeof(*builder));

	if (!builder)
		return NULL;
	builder->prefixes[0].element_size = sizeof(struct asn_prefix);
	builder->prefixes[1].element_size = sizeof(struct asn_prefix);
	builder->entries.elements.element_size = sizeof(struct entry_key);
	builder->routes.elements.element_size = sizeof(struct asn_route);
	builder->next_hops.elements.element_size = 16;
	asn_names_init(&builder->names);
	return builder;
}

void asn_builder_destroy(struct asn_builder *builder)
{
	if (!builder)
		return;
	asn_vector_clear(&builder->prefixes[0]);
	asn_vector_clear(&builder->prefixes[1]);
	asn_pool_clear(&builder->entries);
	asn_pool_clear(&builder->routes);
	asn_pool_clear(&builder->next_hops);
	asn_names_clear(&builder->names);
	free(builder);
}

/* ---- adding ---- */

static int number_entry(struct asn_builder *builder, const struct asn_entry *entry,
			size_t address_size, uint32_t *number)
{
	struct asn_route route = { .as_number = entry->as_number,
				   .peer_as_number = entry->peer_as_number };
	struct entry_key key = { .peers = entry->peers };
	uint64_t next_hop[2] = { 0, 0 };
	uint32_t route_number;
	int result = 0;

	if (entry->has_next_hop) {
		memcpy(next_hop, entry->next_hop, address_size);
		result = asn_pool_number(&builder->next_hops, next_hop, &route.next_hop);
	}
	if (result == 0)
		result = asn_pool_number(&builder->routes, &route, &route_number);
	if (result)
		return result;
	if (route_number > ASN_ROUTE_MAX)
		return -EOVERFLOW;
	key.route_and_length = route_number << 8 | entry->prefix_length;
	return asn_pool_number(&builder->entries, &key, number);
}

int asn_builder_add(struct asn_builder *builder, uint8_t ip_version, const uint8_t *address,
		    const struct asn_entry *entry)
{
	const int family = ip_version == 6;
	const size_t size = address_sizes[family];
	struct asn_prefix prefix = { .length = entry->prefix_length };
	struct asn_prefix *added;
	int result;

	if ((ip_version != 4 && ip_version != 6) || prefix.length > 8 * size)
		return -EINVAL;
	memcpy(prefix.address, address, size);
	if (address_clear_host_bits(prefix.address, size, prefix.length))
		return -EINVAL;
	result = number_entry(builder, entry, size, &prefix.entry);
	if (result < 0)
		return result;
	prefix.order = (uint32_t)builder->prefixes[family].count;
	added = asn_vector_add(&builder->prefixes[family]);
	if (!added)
		return -ENOMEM;
	*added = prefix;
	return 0;
}

size_t asn_builder_added(const struct asn_builder *builder)
{
	return builder->prefixes[0].count + builder->prefixes[1].count;
}

int asn_builder_name(struct asn_builder *builder, uint32_t as_number, const char *name)
{
	return asn_names_add(&builder->names, as_number, name);
}

/* ---- sorting ---- */

static int compare_prefixes(const void *one, const void *other)
{
	const struct asn_prefix *a = one;
	const struct asn_prefix *b = other;
	int order = memcmp(a->address, b->address, sizeof(a->address));

	if (order != 0)
		return order;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return a->order < b->order ? -1 : 1;
}

static bool is_same_prefix(const struct asn_prefix *one, const struct asn_prefix *other)
{
	return one->length == other->length &&
	       memcmp(one->address, other->address, sizeof(one->address)) == 0;
}

static const struct asn_route *route_of(const struct asn_builder *builder, uint32_t entry)
{
	const struct entry_key *entries = builder->entries.elements.elements;
	const struct asn_route *routes = builder->routes.elements.elements;

	return &routes[entries ? entries[entry].route_and_length >> 8 : 0];
}

/* Two prefixes are equal, of which the first one is dropped. */
static void note_duplicate(struct asn_builder *builder, int family,
			   const struct asn_prefix *dropped, const struct asn_prefix *kept)
{
	struct asn_build_report *report = &builder->report;
	const uint32_t before = route_of(builder, dropped->entry)->as_number;
	const uint32_t after = route_of(builder, kept->entry)->as_number;

	report->duplicates++;
	if (before == after || report->conflicts++)
		return;
	report->conflict = (struct prefix){ .ip_version = family ? 6 : 4, .length = kept->length };
	memcpy(report->conflict.address, kept->address, sizeof(kept->address));
	report->conflict_as[0] = before;
	report->conflict_as[1] = after;
}

/* Keep the last of each run of equal prefixes. A second time it finds nothing to do. */
static void sort_prefixes(struct asn_builder *builder, int family)
{
	struct asn_prefix *prefixes = builder->prefixes[family].elements;
	const size_t count = builder->prefixes[family].count;
	size_t kept = 0;

	if (!count)
		return;
	qsort(prefixes, count, sizeof(*prefixes), compare_prefixes);
	for (size_t i = 0; i < count; i++) {
		if (i + 1 < count && is_same_prefix(&prefixes[i], &prefixes[i + 1]))
			note_duplicate(builder, family, &prefixes[i], &prefixes[i + 1]);
		else
			prefixes[kept++] = prefixes[i];
	}
	builder->prefixes[family].count = kept;
}

static struct asn_entry entry_of(const struct asn_builder *builder, uint32_t number)
{
	const struct entry_key *entries = builder->entries.elements.elements;
	const struct asn_route *route = route_of(builder, number);
	const uint8_t *next_hops = builder->next_hops.elements.elements;
	struct asn_entry entry = {
		.as_number = route->as_number,
		.peer_as_number = route->peer_as_number,
		.has_next_hop = route->next_hop != 0,
	};

	if (entries) { /* without any, all entries are number 0 */
		entry.prefix_length = (uint8_t)entries[number].route_and_length;
		entry.peers = (uint16_t)entries[number].peers;
	}
	if (entry.has_next_hop)
		memcpy(entry.next_hop, next_hops + (size_t)16 * route->next_hop, 16);
	return entry;
}

int asn_builder_each(struct asn_builder *builder,
		     int (*visit)(void *context, const struct prefix *prefix,
				  const struct asn_entry *entry),
		     void *context)
{
	int result = 0;

	for (int family = 0; family < 2; family++) {
		const struct asn_prefix *prefixes;

		sort_prefixes(builder, family);
		prefixes = builder->prefixes[family].elements;
		for (size_t i = 0; result == 0 && i < builder->prefixes[family].count; i++) {
			const struct asn_entry entry = entry_of(builder, prefixes[i].entry);
			struct prefix prefix = { .ip_version = family ? 6 : 4,
						 .length = prefixes[i].length };

			memcpy(prefix.address, prefixes[i].address, sizeof(prefix.address));
			result = visit(context, &prefix, &entry);
		}
	}
	return result;
}

/* Only prefixes that are in the table count. */
static void note_fields(const struct asn_builder *builder, struct asn_image_header *header)
{
	for (int family = 0; family < 2; family++) {
		const struct asn_prefix *prefixes = builder->prefixes[family].elements;

		for (size_t i = 0; i < builder->prefixes[family].count; i++) {
			const struct asn_route *route = route_of(builder, prefixes[i].entry);

			header->has_next_hops |= route->next_hop != 0;
			header->has_peers |= route->peer_as_number != 0;
		}
	}
}

/* ---- writing ---- */

static struct asn_image_header header_of(const struct asn_builder *builder,
					 const struct asn_build_facts *facts)
{
	struct asn_image_header header = {
		.magic = ASN_IMAGE_MAGIC,
		.byte_order = ASN_IMAGE_BYTE_ORDER,
		.version = ASN_IMAGE_VERSION,
		.created_s = facts->created_s,
		.peer_count = facts->peer_count,
		.root_bits = builder->prefixes[0].count < ASN_LARGE_PREFIXES ? 16 : 24,
	};

	if (facts->source)
		strncpy(header.source, facts->source, sizeof(header.source) - 1);
	for (int family = 0; family < 2; family++)
		header.prefix_counts[family] = (uint32_t)builder->prefixes[family].count;
	note_fields(builder, &header);
	return header;
}

static void write_entries(const struct asn_builder *builder, uint8_t *bytes,
			  const uint64_t offsets[static ASN_SECTION_COUNT])
{
	const struct entry_key *entries = builder->entries.elements.elements;

	for (size_t i = 0; i < builder->entries.elements.count; i++) {
		const uint16_t peers = (uint16_t)entries[i].peers;

		memcpy(bytes + offsets[ASN_entries] + i * sizeof(uint32_t),
		       &entries[i].route_and_length, sizeof(uint32_t));
		memcpy(bytes + offsets[ASN_peers] + i * sizeof(peers), &peers, sizeof(peers));
	}
}

static void write_section(uint8_t *bytes, uint64_t offset, const struct asn_vector *vector)
{
	if (vector->count)
		memcpy(bytes + offset, vector->elements, vector->count * vector->element_size);
}

static int write_image(const struct asn_builder *builder, const struct asn_nodes *nodes,
		       struct asn_image_header *header, struct asn_image *image)
{
	const struct asn_vector *const sections[ASN_SECTION_COUNT] = {
		[ASN_bits] = &nodes->bits,
		[ASN_lists] = &nodes->lists,
		[ASN_root] = &nodes->root,
		[ASN_bases] = &nodes->bases,
		[ASN_leaves] = &nodes->leaves,
		[ASN_list_leaves] = &nodes->list_leaves,
		[ASN_routes] = &builder->routes.elements,
		[ASN_next_hops] = &builder->next_hops.elements,
		[ASN_list_slots] = &nodes->list_slots,
		[ASN_names] = &builder->names.names,
		[ASN_name_bytes] = &builder->names.bytes,
	};
	uint64_t offsets[ASN_SECTION_COUNT];
	uint8_t *bytes;

	for (int i = 0; i < ASN_SECTION_COUNT; i++)
		header->counts[i] = (uint32_t)(sections[i] ? sections[i]->count
							   : builder->entries.elements.count);
	/* Number 0 is there, even if nothing was added. */
	for (int i = ASN_entries; i <= ASN_peers; i++)
		if (i != ASN_list_slots && !header->counts[i])
			header->counts[i] = 1;
	header->size = asn_image_layout(header->counts, offsets);
	bytes = calloc(1, header->size);
	if (!bytes)
		return -ENOMEM;
	for (int i = 0; i < ASN_SECTION_COUNT; i++)
		if (sections[i])
			write_section(bytes, offsets[i], sections[i]);
	write_entries(builder, bytes, offsets);
	memcpy(bytes, header, sizeof(*header));
	header->checksum = asn_image_checksum(bytes, header->size);
	memcpy(bytes, header, sizeof(*header));
	*image = (struct asn_image){ bytes, header->size };
	return 0;
}

int asn_builder_finish(struct asn_builder *builder, const struct asn_build_facts *facts,
		       struct asn_image *image, struct asn_build_report *report)
{
	struct asn_image_header header;
	struct asn_nodes nodes;
	int result = 0;

	asn_nodes_init(&nodes);
	asn_names_sort(&builder->names);
	for (int family = 0; family < 2; family++)
		sort_prefixes(builder, family);
	if (report)
		*report = builder->report;
	header = header_of(builder, facts);
	for (int family = 0; result == 0 && family < 2; family++)
		result = asn_nodes_add(&nodes, builder->prefixes[family].elements,
				       builder->prefixes[family].count, address_sizes[family],
				       family ? 2 : header.root_bits / 8,
				       &header.root_words[family]);
	asn_vector_clear(&nodes.runs);
	asn_vector_clear(&builder->prefixes[0]);
	asn_vector_clear(&builder->prefixes[1]);
	if (result == 0)
		result = write_image(builder, &nodes, &header, image);
	asn_nodes_clear(&nodes);
	return result;
}

void asn_image_release(void *bytes, size_t size)
{
	(void)size;
	free(bytes);
}

struct asn_table *asn_builder_table(struct asn_builder *builder, const char *name,
				    const struct asn_build_facts *facts,
				    struct asn_build_report *report, struct error_text *error)
{
	struct asn_image image;
	struct asn_table *table;

	if (asn_builder_finish(builder, facts, &image, report)) {
		error_text_set(error, "%.100s: out of memory for the table", name);
		return NULL;
	}
	table = asn_table_open(name, image.bytes, image.size, asn_image_release, error);
	if (!table)
		asn_image_release(image.bytes, image.size);
	return table;
}
