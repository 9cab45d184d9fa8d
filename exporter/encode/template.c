/* template.c - the ordered list of fields, for all shapes of records.
 *
 * Place: export_fields -> template -> encoder. IPv4 and IPv6 have templates of their own, because
 * collectors know the IP version of a record by the address fields that its template has. Masks go
 * with AS numbers always: without a mask pmacct prefers its own file to our AS numbers. A field of
 * a datum that the flow key leaves out is left out as well: a 0 in it would be read as port 0.
 *
 * An operator may put together another set for a collector (template_fields.h). What he does not
 * name comes in only where a collector cannot do without: the IP version beside no address. */
#include "template.h"

#include "flow_columns.h"
#include "template_rows.h"

#include <string.h>

/* The first rows. */
enum { ROW_source_address, ROW_destination_address };

/* The field of a row for one address family in one protocol. */
static const struct export_field *field_of(const struct template_row *row, bool is_ipv6,
					   enum export_protocol protocol)
{
	const struct export_field *field = export_field_find(is_ipv6 ? row->ipv6 : row->ipv4);

	if (!(field->protocols & protocol))
		field = export_field_find(row->ipv4);
	return field;
}

/* Whether a template of these parts has a row: what the operator says of it comes first. */
static bool has_row(const struct template_choice *choice, unsigned int parts, size_t index)
{
	const struct template_fields *fields = &choice->fields;
	const enum template_part part = template_row_at(index)->part;

	if (!template_row_is_in_key(index, &choice->key) || fields->removed >> index & 1)
		return false;
	if (fields->added >> index & 1 || part & parts)
		return true;
	return part == PART_always && fields->base != TEMPLATE_BASE_none;
}

/* Parts that a default template has. IPFIX has no SysUptime in its header. */
static unsigned int default_parts(const struct template_choice *choice, bool is_ipv6,
				  enum export_protocol protocol)
{
	const bool has_prefixes = flow_key_prefix_length(&choice->key, is_ipv6 ? 6 : 4) != 0;
	const bool has_all = choice->fields.base == TEMPLATE_BASE_all;

	return (choice->has_uptime && protocol == EXPORT_V9 ? PART_uptime : PART_milliseconds) |
	       (choice->has_as_numbers || has_all ? PART_as_numbers : 0u) |
	       (choice->has_peers || has_all ? PART_peers : 0u) |
	       (choice->has_next_hop || has_all ? PART_next_hop : 0u) |
	       (choice->has_applications || has_all ? PART_application : 0u) |
	       (has_all ? PART_chosen : 0u) |
	       (choice->has_as_numbers || has_prefixes || has_all ? PART_masks : 0u) |
	       (protocol == EXPORT_JSON || has_all ? PART_ip_version : 0u);
}

/* The sampler in the way of the protocol. IPFIX has both numbers: pmacct 1.7.7 knows no parameters
 * of a selector report but samplingPacketInterval and samplingPacketSpace, which are of one
 * algorithm. */
static unsigned int sampler_part(const struct template_choice *choice,
				 enum export_protocol protocol)
{
	if (!choice->has_samplers)
		return 0;
	if (protocol == EXPORT_JSON)
		return PART_selector_id;
	return PART_sampler_id | (protocol == EXPORT_IPFIX ? PART_selector_id : 0u);
}

/* All that the choice brings in for one address family. */
static unsigned int parts_of(const struct template_choice *choice, bool is_ipv6,
			     enum export_protocol protocol)
{
	const bool has_addresses = has_row(choice, 0, ROW_source_address) ||
				   has_row(choice, 0, ROW_destination_address);
	unsigned int parts = has_addresses ? 0u : PART_ip_version;

	if (choice->fields.base != TEMPLATE_BASE_none)
		parts |= default_parts(choice, is_ipv6, protocol);
	return parts | sampler_part(choice, protocol);
}

/* What is looked up, and masks, as a number below 12: masks come with AS numbers always. */
static unsigned int lookups_of(unsigned int parts)
{
	const unsigned int others = (parts & (PART_peers | PART_next_hop)) / PART_peers;

	if (parts & PART_as_numbers)
		return 8 + others;
	return parts & PART_masks ? 4 + others : others;
}

/* Which kind of times, samplers and applications, as a number below 8. Biflows have the numbers of
 * SysUptime, which IPFIX has not. */
static unsigned int variant_of(unsigned int parts)
{
	return (parts & (PART_uptime | PART_biflow) ? 1u : 0u) |
	       (parts & (PART_sampler_id | PART_selector_id) ? 2u : 0u) |
	       (parts & PART_application ? 4u : 0u);
}

/* A number made of the fields (FNV-1a). */
static uint32_t hash_of(const struct template *template)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < template->field_count; i++) {
		hash = (hash ^ (template->fields[i]->id & 0xff)) * 16777619u;
		hash = (hash ^ (template->fields[i]->id >> 8)) * 16777619u;
	}
	return hash;
}

/* For shapes and sets of fields that are too many for a number each. One half is for records with
 * samplers, so that those that were there before have another; the shapes of one list of fields are
 * neighbours, and a biflow never has the number of the same fields of one direction. */
static uint16_t id_by_hash(const struct template *template, bool has_samplers, bool is_biflow,
			   unsigned int shape)
{
	enum { LISTS = TEMPLATE_ID_FIELDS_PAIRS / (TEMPLATE_SHAPES / 2) };
	const uint32_t list = (hash_of(template) + is_biflow) % LISTS;
	const uint32_t half = has_samplers ? 2 * TEMPLATE_ID_FIELDS_PAIRS : 0;

	return (uint16_t)(TEMPLATE_ID_FIELDS + half + list * TEMPLATE_SHAPES + shape);
}

/* One number for each template of a default key there can be. With the default flow key masks
 * follow from the AS numbers; PART_ip_version follows from the key. */
static uint16_t id_of_default(unsigned int parts, unsigned int shape)
{
	enum { PAIRS = 64 };
	static const uint16_t firsts[] = {
		[0] = TEMPLATE_ID_SHAPES,
		[TEMPLATE_wide / 2] = TEMPLATE_ID_FIRST,
		[TEMPLATE_sideless / 2] = TEMPLATE_ID_SHAPES + 2 * PAIRS,
		[(TEMPLATE_sideless | TEMPLATE_wide) / 2] = TEMPLATE_ID_SHAPES + 4 * PAIRS,
	};

	return (uint16_t)(firsts[shape / 2] + 2 * (variant_of(parts) * 8 + (parts & 7)) +
			  (shape & TEMPLATE_ipv6));
}

/* 'whole' is the template of one direction that is wide and has flowDirection. */
static uint16_t id_of(const struct template_choice *choice, const struct template *whole,
		      unsigned int parts, unsigned int shape)
{
	if (template_fields_is_default(&choice->fields) && flow_key_is_default(&choice->key))
		return id_of_default(parts, shape);
	if (template_fields_is_default(&choice->fields) && shape / 2 == TEMPLATE_wide / 2)
		return (uint16_t)(TEMPLATE_ID_OTHER_KEY +
				  2 * ((variant_of(parts) * 256 + choice->key.changed) * 12 +
				       lookups_of(parts)) +
				  (shape & TEMPLATE_ipv6));
	return id_by_hash(whole, choice->has_samplers, parts & PART_biflow, shape);
}

static const struct template *whole_of(const struct template *templates, unsigned int shape)
{
	return &templates[TEMPLATE_wide | (shape & TEMPLATE_ipv6)];
}

static bool has_same_fields(const struct template *one, const struct template *other)
{
	return one->field_count == other->field_count &&
	       memcmp(one->fields, other->fields, one->field_count * sizeof(one->fields[0])) == 0;
}

/* Where fields leave nothing out, a shape is the same as a fuller one: it takes that one's place.
 */
static void find_alias(struct template *templates, unsigned int shape)
{
	static const unsigned int fuller[] = { TEMPLATE_wide, 0,
					       TEMPLATE_sideless | TEMPLATE_wide };
	const unsigned int family = shape & TEMPLATE_ipv6;

	for (size_t i = 0; i < sizeof(fuller) / sizeof(fuller[0]); i++) {
		const struct template *other = &templates[fuller[i] | family];

		if (other == &templates[shape])
			return;
		if (!has_same_fields(other, &templates[shape]))
			continue;
		templates[shape] = *other;
		templates[shape].is_alias = true;
		return;
	}
}

static void template_init(struct template *templates, unsigned int shape,
			  enum export_protocol protocol, const struct template_choice *choice)
{
	const bool is_ipv6 = shape & TEMPLATE_ipv6;
	const unsigned int parts = parts_of(choice, is_ipv6, protocol);
	struct template *template = &templates[shape];

	*template = (struct template){ .field_count = 0 };
	for (size_t i = 0; i < template_row_count(); i++) {
		const struct export_field *field = field_of(template_row_at(i), is_ipv6, protocol);

		if (!has_row(choice, parts, i) || !(field->protocols & protocol))
			continue;
		if (shape & TEMPLATE_sideless && field->id == IE_flowDirection)
			continue;
		if (!(shape & TEMPLATE_wide) && field->protocols & EXPORT_OMITTED &&
		    !(choice->fields.added >> i & 1))
			continue;
		template->fields[template->field_count++] =
			shape &TEMPLATE_wide ? field : export_field_compact(field);
	}
	template->id = id_of(choice, whole_of(templates, shape), parts, shape);
	template->record_size =
		record_plan_init(&template->plan, template->fields, template->field_count);
	find_alias(templates, shape);
}

/* The fields of one direction and biflowDirection, and before them those that the reverse has a
 * value of its own for: of those that nfcapd 1.7.1 does not know by enterprise (all but packets and
 * octets) it keeps the last. */
static void biflow_template_init(struct template_set *set, unsigned int shape,
				 enum export_protocol protocol,
				 const struct template_choice *choice)
{
	const unsigned int parts = parts_of(choice, shape & TEMPLATE_ipv6, protocol) | PART_biflow;
	struct template *template = &set->biflows[shape];

	*template = set->records[shape];
	template->id = id_of(choice, whole_of(set->records, shape), parts, shape);
	template->fields[template->field_count++] = export_field_find(IE_biflowDirection);
	for (size_t i = 0; i < template->field_count; i++)
		if (template->fields[i]->protocols & EXPORT_REVERSE)
			template->reverse_fields[template->reverse_count++] = template->fields[i];
	template->reverse_size = record_plan_init(&template->reverse_plan, template->reverse_fields,
						  template->reverse_count);
	template->record_size = (uint16_t)(template->reverse_size +
					   record_plan_init(&template->plan, template->fields,
							    template->field_count));
	find_alias(set->biflows, shape);
}

static bool is_same(const struct template *one, const struct template *other)
{
	return one->id == other->id && has_same_fields(one, other) &&
	       one->reverse_count == other->reverse_count;
}

bool template_set_is_same(const struct template_set *one, const struct template_set *other)
{
	bool same = one->has_biflows == other->has_biflows &&
		    one->has_uptime == other->has_uptime &&
		    one->has_samplers == other->has_samplers &&
		    one->has_applications == other->has_applications;

	for (size_t i = 0; same && i < TEMPLATE_SHAPES; i++) {
		same = is_same(&one->records[i], &other->records[i]);
		if (same && one->has_biflows)
			same = is_same(&one->biflows[i], &other->biflows[i]);
	}
	return same;
}

unsigned int template_set_columns(const struct template_set *set)
{
	unsigned int columns = 0;

	for (size_t shape = 0; shape < TEMPLATE_SHAPES; shape++) {
		const struct template *template = &set->records[shape];

		for (size_t i = 0; i < template->field_count; i++) {
			const size_t offset = template->fields[i]->offset;

			columns |= flow_column_at(offset - offsetof(struct export_record, flow));
			if (offset == offsetof(struct export_record, user_name))
				columns |=
					EXPORT_RECORD_USER_NAME | FLOW_COLUMN_BIT(FLOW_COLUMN_user);
			else if (offset >= offsetof(struct export_record, nat))
				columns |= EXPORT_RECORD_NAT;
		}
	}
	return columns;
}

static bool has_kind(const struct template *template, enum export_kind kind)
{
	for (size_t i = 0; i < template->field_count; i++)
		if (template->fields[i]->kind == kind)
			return true;
	return false;
}

void template_set_init(struct template_set *set, enum export_protocol protocol,
		       const struct template_choice *choice)
{
	/* The fullest first: what others are aliases of, and get their ids from. */
	static const unsigned int order[TEMPLATE_SHAPES] = {
		TEMPLATE_wide,
		TEMPLATE_wide | TEMPLATE_ipv6,
		0,
		TEMPLATE_ipv6,
		TEMPLATE_sideless | TEMPLATE_wide,
		TEMPLATE_sideless | TEMPLATE_wide | TEMPLATE_ipv6,
		TEMPLATE_sideless,
		TEMPLATE_sideless | TEMPLATE_ipv6,
	};

	set->has_samplers = choice->has_samplers;
	set->has_applications = choice->has_applications;
	for (size_t i = 0; i < TEMPLATE_SHAPES; i++)
		template_init(set->records, order[i], protocol, choice);
	set->has_uptime = has_kind(&set->records[TEMPLATE_wide], EXPORT_SYSUPTIME);
	set->has_exporter = has_kind(&set->records[TEMPLATE_wide], EXPORT_EXPORTER);
	set->has_enterprise = false;
	for (size_t i = 0; i < set->records[TEMPLATE_wide].field_count; i++)
		set->has_enterprise |=
			export_field_enterprise(set->records[TEMPLATE_wide].fields[i]);
	set->has_biflows = choice->has_biflows && (protocol & EXPORT_IPFIX);
	for (size_t i = 0; set->has_biflows && i < TEMPLATE_SHAPES; i++)
		biflow_template_init(set, order[i], protocol, choice);
}
