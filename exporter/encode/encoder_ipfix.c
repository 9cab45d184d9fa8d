/* encoder_ipfix.c - IPFIX, RFC 7011.
 *
 * Place: exporter -> encoder. A message is a header and sets. Over UDP templates are
 * sent again and again, and run out at the collector (RFC 7011 section 8.4); in a session they hold
 * until its end, or until they are withdrawn, because records are to carry more. Elements
 * are IANA's, their reverse (RFC 5103), or described by a type record (RFC 5610).
 *
 * Scopes of options are elements: an interface name has ingressInterface (10), the statistics
 * observationDomainId (149). */
#include "message_set.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* RFC 7011 sections 3.1, 3.3.2, 3.4.2.2 */
enum {
	IPFIX_VERSION = 10,
	HEADER_SIZE = 16,
	HEADER_SEQUENCE_OFFSET = 8,
	SET_TEMPLATE = 2,
	SET_OPTIONS_TEMPLATE = 3,
	OPTIONS_TEMPLATE_HEADER_SIZE = 6, /* id, field count, scope field count */
	SCOPE_COUNT = 1,                  /* of most options templates; the first fields */
};

enum {
	IE_samplingInterval = 34,
	IE_samplingAlgorithm = 35,
	IE_samplerMode = 49,
	IE_samplerRandomInterval = 50,
	IE_interfaceName = 82,
	IE_interfaceDescription = 83,
	IE_applicationName = 96,
	IE_observationDomainId = 149,
	IE_selectorAlgorithm = 304,
	IE_samplingPacketInterval = 305,
	IE_samplingPacketSpace = 306,
	IE_samplingProbability = 311,
	IE_hashIPPayloadOffset = 327,
	IE_hashIPPayloadSize = 328,
	IE_hashOutputRangeMin = 329,
	IE_hashOutputRangeMax = 330,
	IE_hashSelectedRangeMin = 331,
	IE_hashSelectedRangeMax = 332,
	IE_hashDigestOutput = 333,
	IE_informationElementId = 303,
	IE_informationElementDataType = 339,
	IE_informationElementDescription = 340,
	IE_informationElementName = 341,
	IE_informationElementSemantics = 344,
	IE_informationElementUnits = 345,
	IE_privateEnterpriseNumber = 346,
};

/* IANA "PSAMP Parameters", selectorAlgorithm (RFC 5477 section 8.2.1). */
enum {
	SELECTOR_systematicCountBased = 1,
	SELECTOR_uniformProbabilistic = 4,
	SELECTOR_hashBOB = 6,
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct message_set_specifier interface_scope = { IE_ingressInterface, 4 };
static const struct message_set_specifier interface_fields[] = {
	{ IE_interfaceName, sizeof(((struct interface_name *)0)->name) },
	{ IE_interfaceDescription, sizeof(((struct interface_name *)0)->description) },
};

/* The one rate of all records, as in NetFlow v9. The registry calls both fields deprecated in
 * favour of selector reports, but many collectors read nothing else, and some take
 * samplingPacketInterval for N. */
static const struct message_set_specifier domain_scope = { IE_observationDomainId, 4 };
static const struct message_set_specifier rate_fields[] = {
	{ IE_samplingInterval, 4 },
	{ IE_samplingAlgorithm, 1 },
};

/* A sampler as in NetFlow v9, for collectors that do not know the parameters of its selector
 * report. */
static const struct message_set_specifier sampler_fields[] = {
	{ IE_samplerId, 1 },
	{ IE_samplerMode, 1 },
	{ IE_samplerRandomInterval, 4 },
};

/* Selector reports, RFC 5477 section 6.5.2: each algorithm has parameters of its own. */
static const struct message_set_specifier selector_scope = { IE_selectorId, 8 };
static const struct message_set_specifier count_fields[] = {
	{ IE_selectorAlgorithm, 2 },
	{ IE_samplingPacketInterval, 4 },
	{ IE_samplingPacketSpace, 4 },
};
static const struct message_set_specifier chance_fields[] = {
	{ IE_selectorAlgorithm, 2 },
	{ IE_samplingProbability, 8 },
};
static const struct message_set_specifier hash_fields[] = {
	{ IE_selectorAlgorithm, 2 },    { IE_hashIPPayloadOffset, 8 },
	{ IE_hashIPPayloadSize, 8 },    { IE_hashOutputRangeMin, 8 },
	{ IE_hashOutputRangeMax, 8 },   { IE_hashSelectedRangeMin, 8 },
	{ IE_hashSelectedRangeMax, 8 }, { IE_hashDigestOutput, 1 },
};

/* RFC 6759 section 4.4: the id is the scope of the name. */
static const struct message_set_specifier application_scope = { IE_applicationId,
								APPLICATION_ID_SIZE };
static const struct message_set_specifier application_fields[] = {
	{ IE_applicationName, APPLICATION_NAME_SIZE },
};

/* RFC 5610 section 3.9. The scope has two fields. */
static const struct message_set_specifier element_scope[] = {
	{ IE_privateEnterpriseNumber, 4 },
	{ IE_informationElementId, 2 },
};
enum { ELEMENT_NAME_SIZE = 40, ELEMENT_TEXT_SIZE = 80 };
static const struct message_set_specifier element_fields[] = {
	{ IE_informationElementDataType, 1 },
	{ IE_informationElementSemantics, 1 },
	{ IE_informationElementUnits, 2 },
	{ IE_informationElementName, ELEMENT_NAME_SIZE },
	{ IE_informationElementDescription, ELEMENT_TEXT_SIZE },
};

/* IANA "IPFIX Information Element Data Types", "... Semantics" and "... Units". */
enum { TYPE_unsigned32 = 3 };
enum { SEMANTICS_quantity = 1, SEMANTICS_deltaCounter = 3 };
enum { UNITS_packets = 3, UNITS_milliseconds = 6 };

/* The elements of export_fields.def that are not IANA's, in both directions of a biflow. */
static const struct element {
	uint16_t number; /* of enterprise EXPORT_NTOP_ENTERPRISE */
	uint8_t semantics, units;
	char name[ELEMENT_NAME_SIZE];
	char text[ELEMENT_TEXT_SIZE];
} elements[] = {
	{ IE_retransmittedInPackets - EXPORT_NTOP_FIRST, SEMANTICS_deltaCounter, UNITS_packets,
	  "retransmittedInPackets", "TCP packets of the flow that had been sent before" },
	{ IE_retransmittedInPackets - EXPORT_NTOP_FIRST + 1, SEMANTICS_deltaCounter, UNITS_packets,
	  "retransmittedOutPackets", "the same, of the other direction" },
	{ IE_outOfOrderInPackets - EXPORT_NTOP_FIRST, SEMANTICS_deltaCounter, UNITS_packets,
	  "outOfOrderInPackets", "TCP packets of the flow that were overtaken on their way here" },
	{ IE_outOfOrderInPackets - EXPORT_NTOP_FIRST + 1, SEMANTICS_deltaCounter, UNITS_packets,
	  "outOfOrderOutPackets", "the same, of the other direction" },
	{ IE_clientNetworkLatencyMilliseconds - EXPORT_NTOP_FIRST, SEMANTICS_quantity,
	  UNITS_milliseconds, "clientNetworkLatencyMilliseconds",
	  "half the round trip from here to who opened the connection; 0: not known" },
	{ IE_serverNetworkLatencyMilliseconds - EXPORT_NTOP_FIRST, SEMANTICS_quantity,
	  UNITS_milliseconds, "serverNetworkLatencyMilliseconds",
	  "half the round trip from here to who answered; 0: not known" },
};

static void begin(struct message *message, const struct export_time *time)
{
	(void)time;
	message_set_begin(message, HEADER_SIZE);
}

static size_t options_template_size(size_t field_count)
{
	return OPTIONS_TEMPLATE_HEADER_SIZE + field_count * MESSAGE_SET_SPECIFIER_SIZE;
}

/* Options templates, in this order; message_set_has_options() says which are used. */
struct options_template {
	uint16_t id;
	const struct message_set_specifier *scope;
	const struct message_set_specifier *fields;
	size_t count;
};

static const struct options_template options_templates[] = {
	{ TEMPLATE_ID_INTERFACE, &interface_scope, interface_fields, COUNT(interface_fields) },
	{ TEMPLATE_ID_STATISTICS, &domain_scope, message_set_statistics,
	  COUNT(message_set_statistics) },
	{ TEMPLATE_ID_RATE, &domain_scope, rate_fields, COUNT(rate_fields) },
	{ TEMPLATE_ID_SAMPLER, &domain_scope, sampler_fields, COUNT(sampler_fields) },
	{ TEMPLATE_ID_COUNT, &selector_scope, count_fields, COUNT(count_fields) },
	{ TEMPLATE_ID_CHANCE, &selector_scope, chance_fields, COUNT(chance_fields) },
	{ TEMPLATE_ID_HASH, &selector_scope, hash_fields, COUNT(hash_fields) },
	{ TEMPLATE_ID_APPLICATION, &application_scope, application_fields,
	  COUNT(application_fields) },
	{ TEMPLATE_ID_ELEMENT, element_scope, element_fields, COUNT(element_fields) },
};

/* RFC 7011 section 3.4.2.2: the field count includes the scope fields. Each has a set of its own,
 * as in v9, where pmacct 1.7.7 wants it. Returns 0 or -EMSGSIZE with the message unchanged. */
static int add_options_template(struct message *message, const struct options_template *template)
{
	const size_t scopes =
		template->id == TEMPLATE_ID_ELEMENT ? COUNT(element_scope) : SCOPE_COUNT;
	struct writer *writer = &message->writer;

	if (!message_set_open(message, SET_OPTIONS_TEMPLATE,
			      options_template_size(scopes + template->count)))
		return -EMSGSIZE;
	writer_u16(writer, template->id);
	writer_u16(writer, (uint16_t)(scopes + template->count));
	writer_u16(writer, (uint16_t)scopes);
	message_set_specifiers(writer, template->scope, scopes);
	message_set_specifiers(writer, template->fields, template->count);
	message_set_close(message);
	message->records++;
	return 0;
}

static int add_element(struct message *message, const struct element *element)
{
	struct writer *writer = &message->writer;

	if (!message_set_open(message, TEMPLATE_ID_ELEMENT,
			      4 + 2 + 1 + 1 + 2 + ELEMENT_NAME_SIZE + ELEMENT_TEXT_SIZE))
		return -EMSGSIZE;
	writer_u32(writer, EXPORT_NTOP_ENTERPRISE); /* the scope, both */
	writer_u16(writer, element->number);
	writer_u8(writer, TYPE_unsigned32);
	writer_u8(writer, element->semantics);
	writer_u16(writer, element->units);
	writer_bytes(writer, element->name, ELEMENT_NAME_SIZE);
	writer_bytes(writer, element->text, ELEMENT_TEXT_SIZE);
	message_set_close_data(message);
	return 0;
}

/* Type records follow the templates: they hold as long. */
static int add_templates(struct message *message, const struct template_set *templates,
			 size_t *next)
{
	const size_t first = message_set_template_count(templates);
	const size_t types = first + COUNT(options_templates);
	int result = message_set_add_templates(message, SET_TEMPLATE, templates, next);

	for (; !result && *next < types; *next += !result)
		if (message_set_has_options(templates, options_templates[*next - first].id))
			result = add_options_template(message, &options_templates[*next - first]);
	for (; !result && templates->has_enterprise && *next < types + COUNT(elements);
	     *next += !result)
		result = add_element(message, &elements[*next - types]);
	return result;
}

/* Each name has a set of its own, as in v9, for nfcapd. */
static int add_interface(struct message *message, const struct interface_name *interface)
{
	struct writer *writer = &message->writer;

	if (!message_set_open(message, TEMPLATE_ID_INTERFACE,
			      4 + sizeof(interface->name) + sizeof(interface->description)))
		return -EMSGSIZE;
	writer_u32(writer, interface->index); /* the scope */
	writer_bytes(writer, interface->name, sizeof(interface->name));
	writer_bytes(writer, interface->description, sizeof(interface->description));
	message_set_close_data(message);
	return 0;
}

static int add_rate(struct message *message, struct sampler rate)
{
	struct writer *writer = &message->writer;

	if (!message_set_open(message, TEMPLATE_ID_RATE, 4 + 4 + 1))
		return -EMSGSIZE;
	writer_u32(writer, message->source_id); /* the scope */
	writer_u32(writer, rate.interval);
	writer_u8(writer, message_set_sampling_mode((enum sampling_method)rate.method));
	message_set_close_data(message);
	return 0;
}

/* One packet is taken, and the next N - 1 are not: RFC 5477 section 6.5.2.1. Also for number 0,
 * every packet. */
static int add_count_selector(struct message *message, uint8_t number, uint32_t interval)
{
	struct writer *writer = &message->writer;

	if (!message_set_open(message, TEMPLATE_ID_COUNT, 8 + 2 + 4 + 4))
		return -EMSGSIZE;
	writer_u64(writer, number); /* the scope */
	writer_u16(writer, SELECTOR_systematicCountBased);
	writer_u32(writer, 1);
	writer_u32(writer, interval - 1);
	message_set_close_data(message);
	return 0;
}

/* RFC 5477 section 6.5.2.4. A float64 is the bytes of the number as IEEE 754 has it (RFC 7011
 * section 6.1.3). */
static int add_chance_selector(struct message *message, uint8_t number, uint32_t interval)
{
	const double probability = 1.0 / interval;
	struct writer *writer = &message->writer;
	uint64_t bits;

	static_assert(sizeof(bits) == sizeof(probability), "a double is a float64");
	if (!message_set_open(message, TEMPLATE_ID_CHANCE, 8 + 2 + 8))
		return -EMSGSIZE;
	memcpy(&bits, &probability, sizeof(bits));
	writer_u64(writer, number); /* the scope */
	writer_u16(writer, SELECTOR_uniformProbabilistic);
	writer_u64(writer, bits);
	message_set_close_data(message);
	return 0;
}

/* RFC 5477 section 6.5.2.6: what of the range of the hash is taken (sampling.c). The hash of a flow
 * is of no payload. */
static int add_hash_selector(struct message *message, uint8_t number, struct sampler sampler)
{
	enum { DIGEST_is_not_exported = 2, PAYLOAD_SIZE = 32 }; /* RFC 7011 section 6.1.5: false */
	struct writer *writer = &message->writer;

	if (!message_set_open(message, TEMPLATE_ID_HASH, 8 + 2 + 6 * 8 + 1))
		return -EMSGSIZE;
	writer_u64(writer, number); /* the scope */
	writer_u16(writer, SELECTOR_hashBOB);
	writer_u64(writer, 0);
	writer_u64(writer, sampler.method == SAMPLING_hash ? PAYLOAD_SIZE : 0);
	writer_u64(writer, 0);
	writer_u64(writer, UINT32_MAX);
	writer_u64(writer, 0);
	writer_u64(writer, UINT32_MAX / sampler.interval);
	writer_u8(writer, DIGEST_is_not_exported);
	message_set_close_data(message);
	return 0;
}

static int add_selector(struct message *message, uint8_t number, struct sampler sampler)
{
	switch ((enum sampling_method)sampler.method) {
	case SAMPLING_random: return add_chance_selector(message, number, sampler.interval);
	case SAMPLING_hash:
	case SAMPLING_flows: return add_hash_selector(message, number, sampler);
	default: return add_count_selector(message, number, sampler.interval);
	}
}

/* Both go into one message. */
static int add_sampler(struct message *message, uint8_t number, struct sampler sampler)
{
	enum { BOTH_SIZE = 3 + 16 + 64 }; /* padding of an open set, two sets */
	struct writer *writer = &message->writer;

	if (message_set_bytes_left(message) < BOTH_SIZE ||
	    !message_set_open(message, TEMPLATE_ID_SAMPLER, 4 + 1 + 1 + 4))
		return -EMSGSIZE;
	writer_u32(writer, message->source_id); /* the scope */
	writer_u8(writer, number);
	writer_u8(writer, message_set_sampling_mode((enum sampling_method)sampler.method));
	writer_u32(writer, sampler.interval);
	message_set_close_data(message);
	return add_selector(message, number, sampler);
}

static int add_application(struct message *message, const struct application *application)
{
	struct writer *writer = &message->writer;

	if (!message_set_open(message, TEMPLATE_ID_APPLICATION,
			      APPLICATION_ID_SIZE + APPLICATION_NAME_SIZE))
		return -EMSGSIZE;
	writer_bytes(writer, application->id, APPLICATION_ID_SIZE); /* the scope */
	writer_bytes(writer, application->name, APPLICATION_NAME_SIZE);
	message_set_close_data(message);
	return 0;
}

enum { WITHDRAWAL_SIZE = 4 }; /* id and number of fields */

static void withdraw(struct message *message, const struct template *template)
{
	if (template->is_alias)
		return;
	writer_u16(&message->writer, template->id);
	writer_u16(&message->writer, 0);
	message->records++;
}

/* RFC 7011 section 8.1: a template without fields takes back the one with its id. */
static int withdraw_templates(struct message *message, const struct template_set *templates)
{
	const size_t count = message_set_template_count(templates);

	if (!message_set_open(message, SET_TEMPLATE, count * WITHDRAWAL_SIZE))
		return -EMSGSIZE;
	for (size_t i = 0; i < count; i++)
		withdraw(message, message_set_template(templates, i));
	message_set_close(message);
	return 0;
}

/* RFC 7011 section 3.1. */
static size_t finish(struct message *message, const struct export_time *time, uint32_t source_id)
{
	struct writer header = writer_of(message->writer.start, HEADER_SIZE);

	message_set_close(message);
	writer_u16(&header, IPFIX_VERSION);
	writer_u16(&header, (uint16_t)writer_size(&message->writer));
	writer_u32(&header, export_time_seconds(time));
	writer_u32(&header, 0); /* sequence number: stored when the message is sent */
	writer_u32(&header, source_id);
	return writer_size(&message->writer);
}

/* RFC 7011 section 3.1: the sequence number counts data records, those of options too, but no
 * templates. */
static uint32_t sequence_step(const struct message *message)
{
	return message->data_records;
}

const struct encoder_type encoder_ipfix = {
	.name = "ipfix",
	.version = IPFIX_VERSION,
	.protocol = EXPORT_IPFIX,
	.sequence_offset = HEADER_SEQUENCE_OFFSET,
	.is_delimited = true, /* RFC 7011 section 3.1: the header has the length */
	.has_ipv6 = true,
	.counter_max = UINT64_MAX,
	.begin = begin,
	.add_templates = add_templates,
	.add_statistics = message_set_add_statistics,
	.add_interface = add_interface,
	.add_rate = add_rate,
	.add_sampler = add_sampler,
	.add_application = add_application,
	.withdraw_templates = withdraw_templates,
	.add_record = message_set_add_record,
	.add_biflow = message_set_add_biflow,
	.finish = finish,
	.sequence_step = sequence_step,
};
