/* encoder_json.c - JSON lines: a message is some lines, each of them an object (RFC 8259) and a
 * line feed.
 *
 * Place: exporter -> encoder. There is no header and no sequence number, and a line is whole or not
 * there. "type" says what a line is: "flow", "statistics" or "interface"; the other keys are
 * elements by their IANA names. A flow has the fields that an IPFIX template has under the same
 * choice, and ipVersion, in the template's order. Numbers are numbers of up to 64 bits, times
 * milliseconds since 1970, those before 1970 negative. The header's place is taken by
 * observationDomainId in every line and observationTimeMilliseconds in those that are not flows. */
#include "encoder.h"

#include "ip_protocol.h"
#include "json_line.h"
#include "packet_note.h"

#include <errno.h>
#include <string.h>

#define TYPE_FLOW       "{\"type\":\"flow\",\"observationDomainId\":"
#define TYPE_STATISTICS "{\"type\":\"statistics\",\"observationDomainId\":"
#define TYPE_INTERFACE  "{\"type\":\"interface\",\"observationDomainId\":"
#define TIME_KEY        ",\"observationTimeMilliseconds\":"
#define LINE_END        "}\n"

/* What is before the fields and after them; the longest of the three types. */
#define FRAME_SIZE \
	(sizeof(TYPE_STATISTICS) + sizeof(TIME_KEY) + 2 * JSON_LINE_NUMBER_SIZE + sizeof(LINE_END))
/* What samplers add, which may come later than the first line. */
#define SELECTOR_MAX    ",\"selectorId\":255"
#define INTERVAL_KEY    ",\"samplingInterval\":"
#define APPLICATION_KEY ",\"applicationName\":"
#define APPLICATION_LENGTH \
	(sizeof("\"255:65535\"" APPLICATION_KEY) - 1 + JSON_LINE_TEXT_SIZE(APPLICATION_NAME_SIZE))
/* Of the only field of text that there is. */
#define TEXT_LENGTH JSON_LINE_TEXT_SIZE(sizeof(((struct export_record *)0)->user_name))
#define FLOW_SIZE                                                               \
	(FRAME_SIZE + APPLICATION_LENGTH + TEXT_LENGTH + sizeof(INTERVAL_KEY) + \
	 JSON_LINE_NUMBER_SIZE + RECORD_FIELDS_MAX * (EXPORT_KEY_SIZE + JSON_LINE_ADDRESS_SIZE))

/* What stands for the first KEY_NAME_OFFSET characters of a key of the reverse. */
#define REVERSE_KEY     ",\"reverse"
#define KEY_NAME_OFFSET 2
#define BIFLOW_SIZE  \
	(FLOW_SIZE + \
	 RECORD_FIELDS_MAX * (sizeof(REVERSE_KEY) + EXPORT_KEY_SIZE + JSON_LINE_ADDRESS_SIZE))

#define STATISTICS_SIZE (FRAME_SIZE + STATISTICS_KEYS_SIZE + COUNTERS * JSON_LINE_NUMBER_SIZE)
#define INTERFACE_SIZE                                                                             \
	(FRAME_SIZE + sizeof(INDEX_KEY) + sizeof(NAME_KEY) + sizeof(DESCRIPTION_KEY) +             \
	 JSON_LINE_NUMBER_SIZE + JSON_LINE_TEXT_SIZE(sizeof(((struct interface_name *)0)->name)) + \
	 JSON_LINE_TEXT_SIZE(sizeof(((struct interface_name *)0)->description)))

#define INDEX_KEY       ",\"ingressInterface\":"
#define NAME_KEY        ",\"interfaceName\":"
#define DESCRIPTION_KEY ",\"interfaceDescription\":"

/* Of all keys of the statistics together. */
enum {
	STATISTICS_KEYS_SIZE = 0
#define STATISTICS_FIELD(name, id, value) +sizeof(",\"" #name "\":")
#include "statistics_fields.def"
#undef STATISTICS_FIELD
};

enum {
#define STATISTICS_FIELD(name, id, value) COUNTER_##name,
#include "statistics_fields.def"
#undef STATISTICS_FIELD
	COUNTERS
};

#define PUT_LITERAL(to, literal) put(to, literal, sizeof(literal) - 1)

static inline char *put(char *to, const char *text, size_t size)
{
	memcpy(to, text, size);
	return to + size;
}

static void begin(struct message *message, const struct export_time *time)
{
	message->records = 0;
	message->data_records = 0;
	message->sampling = (struct sampling_terms){ .samplers = NULL };
	message->export_ms = time->unix_ms;
}

/* End the line that goes from 'line' to 'end', and take it over if it fits. */
static int add_line(struct message *message, const char *line, char *end)
{
	size_t size;

	end = PUT_LITERAL(end, LINE_END);
	size = (size_t)(end - line);
	if (size > writer_left(&message->writer))
		return -EMSGSIZE;
	writer_bytes(&message->writer, line, size);
	message->records++;
	message->data_records++;
	return 0;
}

static uint64_t load(const uint8_t *member, size_t size)
{
	uint64_t value = 0;
	uint32_t value_32;
	uint16_t value_16;

	switch (size) {
	case 1: return *member;
	case 2: memcpy(&value_16, member, sizeof(value_16)); return value_16;
	case 4: memcpy(&value_32, member, sizeof(value_32)); return value_32;
	default: memcpy(&value, member, sizeof(value)); return value;
	}
}

/* "engine:selector" and, because there are no options that say it, the name; null without one. */
static char *put_application(char *to, const uint8_t *member)
{
	const struct application *application;

	memcpy(&application, member, sizeof(application));
	if (!application)
		return PUT_LITERAL(to, "null");
	to = json_line_unsigned(PUT_LITERAL(to, "\""), application->id[0]);
	to = json_line_unsigned(PUT_LITERAL(to, ":"),
				(uint64_t)application->id[1] << 8 | application->id[2]);
	to = PUT_LITERAL(to, "\"" APPLICATION_KEY);
	return json_line_text(to, application->name, sizeof(application->name));
}

/* The key of a field; in the reverse of a biflow "reverseOctetDeltaCount", RFC 5103 section 6.1. */
static char *put_key(char *to, const struct export_field *field, bool is_reverse)
{
	if (!is_reverse) {
		memcpy(to, field->key, EXPORT_KEY_SIZE);
		return to + field->key_size;
	}
	to = PUT_LITERAL(to, REVERSE_KEY);
	memcpy(to, field->key + KEY_NAME_OFFSET, EXPORT_KEY_SIZE - KEY_NAME_OFFSET);
	*to = (char)(*to - 'a' + 'A'); /* names of elements begin with a small letter */
	return to + field->key_size - KEY_NAME_OFFSET;
}

static char *put_fields(char *to, const struct export_field *const *fields, size_t count,
			bool is_reverse, const struct export_record *record,
			const struct record_sender *sender)
{
	const uint8_t protocol = record->flow.key.protocol;
	const bool is_icmp = protocol == PROTOCOL_ICMP || protocol == PROTOCOL_IPv6_ICMP;

	for (size_t i = 0; i < count; i++) {
		const struct export_field *field = fields[i];
		const uint8_t *member = (const uint8_t *)record + field->offset;

		to = put_key(to, field, is_reverse);
		switch (field->kind) {
		case EXPORT_ADDRESS: to = json_line_address(to, member, field->size); break;
		case EXPORT_MILLISECONDS:
			to = json_line_signed(to, (int64_t)load(member, sizeof(uint64_t)));
			break;
		case EXPORT_APPLICATION: to = put_application(to, member); break;
		case EXPORT_TEXT: to = json_line_text(to, (const char *)member, field->size); break;
		case EXPORT_MAC: to = json_line_mac(to, load(member, sizeof(uint64_t))); break;
		case EXPORT_LEAVING_MAC:
			to = json_line_mac(to,
					   packet_note_leaving_mac(load(member, sizeof(uint64_t))));
			break;
		case EXPORT_EXPORTER:
			to = json_line_address(to, field->size == 4 ? sender->ipv4 : sender->ipv6,
					       field->size);
			break;
		case EXPORT_TCP_PACKETS:
			to = record->flow.tcp.is_known
				     ? json_line_unsigned(to, load(member, field->size))
				     : PUT_LITERAL(to, "null");
			break;
		case EXPORT_HALF_MILLISECONDS:
			to = load(member, field->size)
				     ? json_line_unsigned(to, record_half_ms((uint32_t)load(
								      member, field->size)))
				     : PUT_LITERAL(to, "null");
			break;
		case EXPORT_WIDENED: to = json_line_unsigned(to, *member); break;
		case EXPORT_ICMP_TYPE_CODE:
			to = json_line_unsigned(to, is_icmp ? load(member, sizeof(uint16_t)) : 0);
			break;
		default: to = json_line_unsigned(to, load(member, field->size)); break;
		}
	}
	return to;
}

/* What selectorId means, because there are no options that say it: one packet in this many, null if
 * that is not known. */
static char *put_interval(char *to, struct sampler sampler)
{
	to = PUT_LITERAL(to, INTERVAL_KEY);
	return sampler.interval ? json_line_unsigned(to, sampler.interval)
				: PUT_LITERAL(to, "null");
}

/* The same for both directions of a biflow: the sampler is part of the flow key. */
static char *put_sampler(char *to, const struct message *message,
			 const struct template_set *templates, const struct export_record *record)
{
	if (!templates->has_samplers)
		return to;
	return put_interval(to, sampling_terms_look(&message->sampling, record->flow.key.sampler));
}

static int add_record(struct message *message, const struct template_set *templates,
		      const struct export_record *record)
{
	const struct template *template =
		&templates->records[template_shape_of(&record->flow) | TEMPLATE_wide];
	char line[FLOW_SIZE];
	char *end = PUT_LITERAL(line, TYPE_FLOW);

	end = json_line_unsigned(end, message->source_id);
	end = put_fields(end, template->fields, template->field_count, false, record,
			 &message->sender);
	end = put_sampler(end, message, templates, record);
	return add_line(message, line, end);
}

static int add_biflow(struct message *message, const struct template_set *templates,
		      const struct export_record *forward, const struct export_record *reverse)
{
	const struct template *template =
		&templates->biflows[template_shape_of(&forward->flow) |
				    template_shape_of(&reverse->flow) | TEMPLATE_wide];
	char line[BIFLOW_SIZE];
	char *end = PUT_LITERAL(line, TYPE_FLOW);

	end = json_line_unsigned(end, message->source_id);
	end = put_fields(end, template->fields, template->field_count, false, forward,
			 &message->sender);
	end = put_fields(end, template->reverse_fields, template->reverse_count, true, reverse,
			 &message->sender);
	end = put_sampler(end, message, templates, forward);
	return add_line(message, line, end);
}

static char *put_time(char *to, const struct message *message)
{
	to = PUT_LITERAL(to, TIME_KEY);
	return json_line_signed(to, message->export_ms);
}

static int add_statistics(struct message *message, const struct export_statistics *statistics,
			  uint32_t source_id)
{
	char line[STATISTICS_SIZE];
	char *end = PUT_LITERAL(line, TYPE_STATISTICS);

	end = put_time(json_line_unsigned(end, source_id), message);
#define STATISTICS_FIELD(name, id, value)          \
	end = PUT_LITERAL(end, ",\"" #name "\":"); \
	end = json_line_unsigned(end, value);
#include "statistics_fields.def"
#undef STATISTICS_FIELD
	return add_line(message, line, end);
}

static int add_interface(struct message *message, const struct interface_name *interface)
{
	char line[INTERFACE_SIZE];
	char *end = PUT_LITERAL(line, TYPE_INTERFACE);

	end = put_time(json_line_unsigned(end, message->source_id), message);
	end = json_line_unsigned(PUT_LITERAL(end, INDEX_KEY), interface->index);
	end = json_line_text(PUT_LITERAL(end, NAME_KEY), interface->name, sizeof(interface->name));
	end = json_line_text(PUT_LITERAL(end, DESCRIPTION_KEY), interface->description,
			     sizeof(interface->description));
	return add_line(message, line, end);
}

static size_t finish(struct message *message, const struct export_time *time, uint32_t source_id)
{
	(void)time;
	(void)source_id;
	return writer_size(&message->writer);
}

/* Characters that a value of a field takes at most. */
static size_t value_size(const struct export_field *field)
{
	static const uint8_t digits[] = { [1] = 3, [2] = 5, [4] = 10, [8] = 20 };

	if (field->kind == EXPORT_ADDRESS || field->kind == EXPORT_EXPORTER)
		return field->size == 4 ? JSON_LINE_IPV4_LENGTH : JSON_LINE_IPV6_LENGTH;
	if (field->kind == EXPORT_MAC || field->kind == EXPORT_LEAVING_MAC)
		return JSON_LINE_MAC_LENGTH;
	if (field->kind == EXPORT_APPLICATION)
		return APPLICATION_LENGTH;
	if (field->kind == EXPORT_TEXT)
		return TEXT_LENGTH;
	return digits[field->size];
}

static size_t flow_size(const struct template *template)
{
	size_t size = sizeof(TYPE_FLOW) - 1 + sizeof("4294967295") - 1 + sizeof(LINE_END) - 1 +
		      sizeof(SELECTOR_MAX) - 1 + sizeof(INTERVAL_KEY) - 1 + sizeof("4294967295") -
		      1;

	for (size_t i = 0; i < template->field_count; i++)
		size += template->fields[i]->key_size + value_size(template->fields[i]);
	for (size_t i = 0; i < template->reverse_count; i++)
		size += sizeof(REVERSE_KEY) - 1 + template->reverse_fields[i]->key_size -
			KEY_NAME_OFFSET + value_size(template->reverse_fields[i]);
	return size;
}

static size_t size_min(const struct template_set *templates)
{
	const struct template *fullest =
		templates->has_biflows ? templates->biflows : templates->records;
	const size_t ipv4 = flow_size(&fullest[TEMPLATE_wide]);
	const size_t ipv6 = flow_size(&fullest[TEMPLATE_wide | TEMPLATE_ipv6]);
	const size_t flow = ipv4 > ipv6 ? ipv4 : ipv6;

	return flow > STATISTICS_SIZE ? flow : STATISTICS_SIZE;
}

_Static_assert(INTERFACE_SIZE < STATISTICS_SIZE, "a message that holds statistics holds a name");

const struct encoder_type encoder_json = {
	.name = "json",
	.version = ENCODER_VERSION_JSON,
	.protocol = EXPORT_JSON,
	.is_delimited = true,
	.has_ipv6 = true,
	.counter_max = UINT64_MAX,
	.size_min = size_min,
	.begin = begin,
	.add_statistics = add_statistics,
	.add_interface = add_interface,
	.add_record = add_record,
	.add_biflow = add_biflow,
	.finish = finish,
};
