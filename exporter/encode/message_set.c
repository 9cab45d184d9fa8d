/* message_set.c - opens, pads and closes sets; data templates, records and statistics in them.
 *
 * Place: encoder_netflow9, encoder_ipfix -> message_set. Every set holds at least one record:
 * pmacct reads no more FlowSets of v9 than the header counts records.
 *
 * IPv4 and IPv6 records may alternate; each change closes a set and opens another, at 4 bytes and
 * the padding. With one record in five IPv6 that is 3 % of a datagram, and the order stays. */
#include "message_set.h"

#include <assert.h>
#include <errno.h>

enum {
	TEMPLATE_HEADER_SIZE = 4, /* id, field count */
	NO_SET = 255,             /* reserved: RFC 3954 section 5.3, RFC 7011 section 3.3.2 */
	ENTERPRISE_BIT = 0x8000,  /* of an element's id, RFC 7011 section 3.2: */
	ENTERPRISE_SPECIFIER_SIZE = MESSAGE_SET_SPECIFIER_SIZE + 4,
	STATISTICS_SCOPE_SIZE = 4,
};

const struct message_set_specifier message_set_statistics[] = {
#define STATISTICS_FIELD(name, id, value) { id, MESSAGE_SET_STATISTIC_SIZE },
#include "statistics_fields.def"
#undef STATISTICS_FIELD
};

static size_t padded(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

void message_set_begin(struct message *message, size_t header_size)
{
	struct writer *writer = &message->writer;

	writer->end = writer->start + ((size_t)(writer->end - writer->start) & ~(size_t)3);
	(void)writer_take(writer, header_size);
	message->records = 0;
	message->data_records = 0;
	message->set_id = NO_SET;
}

/* Fewer than 4 bytes, so fewer than any record has (RFC 7011 section 3.3.1). */
void message_set_close(struct message *message)
{
	struct writer *writer = &message->writer;

	if (message->set_id == NO_SET)
		return;
	while ((writer->next - message->set_start) % 4)
		*writer->next++ = 0;
	store_be16(message->set_start + 2, (uint16_t)(writer->next - message->set_start));
	message->set_id = NO_SET;
}

void message_set_close_data(struct message *message)
{
	message_set_close(message);
	message->records++;
	message->data_records++;
}

size_t message_set_bytes_left(const struct message *message)
{
	return writer_left(&message->writer);
}

__attribute__((noinline)) bool message_set_open(struct message *message, uint16_t set_id,
						size_t size)
{
	const size_t used = writer_size(&message->writer);

	if (message->set_id == set_id)
		return size <= message_set_bytes_left(message);
	if (padded(used) - used + MESSAGE_SET_HEADER_SIZE + size > message_set_bytes_left(message))
		return false;
	message_set_close(message);
	message->set_id = set_id;
	message->set_start = writer_take(&message->writer, MESSAGE_SET_HEADER_SIZE);
	assert(message->set_start);             /* there is room */
	store_be16(message->set_start, set_id); /* and the length: message_set_close() */
	return true;
}

static size_t template_size(const struct template *template, bool is_ipfix)
{
	size_t size = TEMPLATE_HEADER_SIZE + template->reverse_count * ENTERPRISE_SPECIFIER_SIZE;

	for (size_t i = 0; i < template->field_count; i++)
		size += is_ipfix && export_field_enterprise(template->fields[i])
				? ENTERPRISE_SPECIFIER_SIZE
				: MESSAGE_SET_SPECIFIER_SIZE;
	return size;
}

bool message_set_has_options(const struct template_set *templates, uint16_t id)
{
	switch (id) {
	case TEMPLATE_ID_SAMPLER:
	case TEMPLATE_ID_COUNT:
	case TEMPLATE_ID_CHANCE:
	case TEMPLATE_ID_HASH: return templates->has_samplers;
	case TEMPLATE_ID_APPLICATION: return templates->has_applications;
	case TEMPLATE_ID_ELEMENT: return templates->has_enterprise;
	default: return true;
	}
}

static void add_enterprise_specifier(struct writer *writer, uint16_t element, uint16_t size,
				     uint32_t enterprise)
{
	writer_u16(writer, element | ENTERPRISE_BIT);
	writer_u16(writer, size);
	writer_u32(writer, enterprise);
}

/* The other direction of a biflow. RFC 5103 section 6.1 has reverse elements of IANA's only; those
 * of ntop come in pairs: what comes in (from the source), and with the next number what goes out.
 */
static void add_reverse_specifier(struct writer *writer, const struct export_field *field)
{
	if (export_field_enterprise(field))
		add_enterprise_specifier(writer, export_field_element(field) + 1, field->size,
					 EXPORT_NTOP_ENTERPRISE);
	else
		add_enterprise_specifier(writer, field->id, field->size, EXPORT_REVERSE_ENTERPRISE);
}

/* The same bytes in both: RFC 3954 section 5.2, RFC 7011 section 3.4.1; fields of an enterprise are
 * IPFIX only. */
static void add_template(struct message *message, const struct template *template, bool is_ipfix)
{
	struct writer *writer = &message->writer;

	writer_u16(writer, template->id);
	writer_u16(writer, (uint16_t)(template->field_count + template->reverse_count));
	for (size_t i = 0; i < template->reverse_count; i++)
		add_reverse_specifier(writer, template->reverse_fields[i]);
	for (size_t i = 0; i < template->field_count; i++) {
		const struct export_field *field = template->fields[i];

		if (is_ipfix && export_field_enterprise(field)) {
			add_enterprise_specifier(writer, export_field_element(field), field->size,
						 export_field_enterprise(field));
			continue;
		}
		writer_u16(writer, field->id);
		writer_u16(writer, field->size);
	}
	message->records++;
}

size_t message_set_template_count(const struct template_set *templates)
{
	return templates->has_biflows ? 2 * TEMPLATE_SHAPES : TEMPLATE_SHAPES;
}

const struct template *message_set_template(const struct template_set *templates, size_t number)
{
	return number < TEMPLATE_SHAPES ? &templates->records[number]
					: &templates->biflows[number - TEMPLATE_SHAPES];
}

int message_set_add_templates(struct message *message, uint16_t set_id,
			      const struct template_set *templates, size_t *next)
{
	const bool is_ipfix = set_id != 0; /* RFC 3954 section 5.2 */

	for (; *next < message_set_template_count(templates); ++*next) {
		const struct template *template = message_set_template(templates, *next);

		if (template->is_alias)
			continue;
		if (!message_set_open(message, set_id, template_size(template, is_ipfix)))
			return -EMSGSIZE;
		add_template(message, template, is_ipfix);
	}
	return 0;
}

void message_set_specifiers(struct writer *writer, const struct message_set_specifier *fields,
			    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		writer_u16(writer, fields[i].id);
		writer_u16(writer, fields[i].size);
	}
}

/* Which packets a hash takes does not follow from their order, so it is by chance for all who look
 * at counters. */
uint8_t message_set_sampling_mode(enum sampling_method method)
{
	enum { MODE_deterministic = 1, MODE_random = 2 };

	return method == SAMPLING_none || method == SAMPLING_deterministic ? MODE_deterministic
									   : MODE_random;
}

/* A record that begins a set. A call away, so that the others save no registers. */
__attribute__((noinline)) static int add_first_record(struct message *message,
						      const struct template *template,
						      const struct export_record *record)
{
	if (!message_set_open(message, template->id, template->record_size))
		return -EMSGSIZE;
	record_encode(&template->plan, record, &message->sender, message->writer.next);
	message->writer.next += template->record_size;
	message->records++;
	message->data_records++;
	return 0;
}

/* What a record has beside the common fields, likewise. */
__attribute__((noinline)) static int add_others(const struct message *message,
						const struct template *template,
						const struct export_record *record, uint8_t *bytes)
{
	record_encode_others(&template->plan, record, &message->sender, bytes);
	return 0;
}

/* Flattened: nearly every record goes this way, and encoding it is little more than the call. */
__attribute__((flatten)) int message_set_add_record(struct message *message,
						    const struct template_set *templates,
						    const struct export_record *record)
{
	const struct template *template = &templates->records[template_shape_of(&record->flow)];
	const size_t size = template->record_size;
	uint8_t *const bytes = message->writer.next;

	/* Most records come into the set of the one before. */
	if (message->set_id != template->id || size > message_set_bytes_left(message))
		return add_first_record(message, template, record);
	record_encode_common(&template->plan, record, bytes);
	message->writer.next = bytes + size;
	message->records++;
	message->data_records++;
	return record_plan_has_steps(&template->plan) ? add_others(message, template, record, bytes)
						      : 0;
}

int message_set_add_biflow(struct message *message, const struct template_set *templates,
			   const struct export_record *forward, const struct export_record *reverse)
{
	const struct template *template = &templates->biflows[template_shape_of(&forward->flow) |
							      template_shape_of(&reverse->flow)];
	uint8_t *bytes;

	if (!message_set_open(message, template->id, template->record_size))
		return -EMSGSIZE;
	bytes = writer_take(&message->writer, template->record_size);
	record_encode(&template->reverse_plan, reverse, &message->sender, bytes);
	record_encode(&template->plan, forward, &message->sender, bytes + template->reverse_size);
	message->records++;
	message->data_records++;
	return 0;
}

int message_set_add_statistics(struct message *message, const struct export_statistics *statistics,
			       uint32_t source_id)
{
	struct writer *writer = &message->writer;

	if (!message_set_open(message, TEMPLATE_ID_STATISTICS,
			      STATISTICS_SCOPE_SIZE + sizeof(message_set_statistics) /
							      sizeof(message_set_statistics[0]) *
							      MESSAGE_SET_STATISTIC_SIZE))
		return -EMSGSIZE;
	writer_u32(writer, source_id);
#define STATISTICS_FIELD(name, id, value) writer_u64(writer, value);
#include "statistics_fields.def"
#undef STATISTICS_FIELD
	message->records++;
	message->data_records++;
	return 0;
}
