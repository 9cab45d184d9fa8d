/* encoder_ipfix.c - IPFIX, RFC 7011.
 *
 * Place: exporter -> encoder. A message is a header and sets. Over UDP templates are
 * sent again and again, and run out at the collector (RFC 7011 section 8.4); in a session they hold
 * until its end, or until they are withdrawn, because records are to carry more. All elements are
 * IANA's or their reverse (RFC 5103), so none needs a type record of RFC 5610.
 *
 * Scopes of options are elements: an interface name has ingressInterface (10), the statistics
 * observationDomainId (149). */
#include "message_set.h"

#include <errno.h>

/* RFC 7011 sections 3.1, 3.3.2, 3.4.2.2 */
enum {
	IPFIX_VERSION = 10,
	HEADER_SIZE = 16,
	HEADER_SEQUENCE_OFFSET = 8,
	SET_TEMPLATE = 2,
	SET_OPTIONS_TEMPLATE = 3,
	OPTIONS_TEMPLATE_HEADER_SIZE = 6, /* id, field count, scope field count */
	SCOPE_COUNT = 1,                  /* of both options templates; the first field */
};

enum {
	IE_interfaceName = 82,
	IE_interfaceDescription = 83,
	IE_applicationName = 96,
	IE_observationDomainId = 149,
	IE_selectorAlgorithm = 304,
	IE_samplingPacketInterval = 305,
	IE_samplingPacketSpace = 306,
	IE_samplingSize = 309,
	IE_samplingPopulation = 310,
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

/* One packet in N, in both ways in which it can be said: one and a space of N - 1, for methods that
 * go by the order of packets, and one out of N. Collectors know one or the other. */
static const struct message_set_specifier sampler_scope = { IE_selectorId, 8 };
static const struct message_set_specifier sampler_fields[] = {
	{ IE_selectorAlgorithm, 2 },   { IE_samplingPacketInterval, 4 },
	{ IE_samplingPacketSpace, 4 }, { IE_samplingSize, 4 },
	{ IE_samplingPopulation, 4 },
};

/* RFC 6759 section 4.4: the id is the scope of the name. */
static const struct message_set_specifier application_scope = { IE_applicationId,
								APPLICATION_ID_SIZE };
static const struct message_set_specifier application_fields[] = {
	{ IE_applicationName, APPLICATION_NAME_SIZE },
};

static const struct message_set_specifier statistics_scope = { IE_observationDomainId, 4 };

static void begin(struct message *message, const struct export_time *time)
{
	(void)time;
	message_set_begin(message, HEADER_SIZE);
}

static size_t options_template_size(size_t field_count)
{
	return OPTIONS_TEMPLATE_HEADER_SIZE +
	       (SCOPE_COUNT + field_count) * MESSAGE_SET_SPECIFIER_SIZE;
}

/* RFC 7011 section 3.4.2.2: the field count includes the scope fields. Each has a set of its own,
 * as in v9, where pmacct 1.7.7 wants it. */
static void add_options_template(struct message *message, uint16_t id,
				 const struct message_set_specifier *scope,
				 const struct message_set_specifier *fields, size_t count)
{
	struct writer *writer = &message->writer;

	(void)message_set_open(message, SET_OPTIONS_TEMPLATE, options_template_size(count));
	writer_u16(writer, id);
	writer_u16(writer, (uint16_t)(SCOPE_COUNT + count));
	writer_u16(writer, SCOPE_COUNT);
	message_set_specifiers(writer, scope, SCOPE_COUNT);
	message_set_specifiers(writer, fields, count);
	message_set_close(message);
	message->records++;
}

/* Options templates, in this order; those behind the first two only where they are used. */
struct options_template {
	uint16_t id;
	const struct message_set_specifier *scope;
	const struct message_set_specifier *fields;
	size_t count;
};

static const struct options_template options_templates[] = {
	{ TEMPLATE_ID_INTERFACE, &interface_scope, interface_fields, COUNT(interface_fields) },
	{ TEMPLATE_ID_STATISTICS, &statistics_scope, message_set_statistics,
	  COUNT(message_set_statistics) },
	{ TEMPLATE_ID_SAMPLER, &sampler_scope, sampler_fields, COUNT(sampler_fields) },
	{ TEMPLATE_ID_APPLICATION, &application_scope, application_fields,
	  COUNT(application_fields) },
};

/* Those that go with these data templates. Returns how many; sizes are for
 * message_set_templates_size(). */
static size_t options_used(const struct template_set *templates,
			   const struct options_template *used[static COUNT(options_templates)],
			   size_t sizes[static COUNT(options_templates)])
{
	size_t count = 0;

	for (size_t i = 0; i < COUNT(options_templates); i++) {
		const struct options_template *row = &options_templates[i];

		if (!message_set_has_options(templates, row->id))
			continue;
		sizes[count] = options_template_size(row->count);
		used[count++] = row;
	}
	return count;
}

/* Bytes of all templates behind what is there. */
static size_t templates_size(const struct message *message, const struct template_set *templates)
{
	const struct options_template *used[COUNT(options_templates)];
	size_t sizes[COUNT(options_templates)];
	const size_t count = options_used(templates, used, sizes);

	return message_set_templates_size(message, templates, sizes, count);
}

static int add_templates(struct message *message, const struct template_set *templates)
{
	const struct options_template *used[COUNT(options_templates)];
	size_t sizes[COUNT(options_templates)];
	const size_t count = options_used(templates, used, sizes);

	if (message_set_templates_size(message, templates, sizes, count) >
	    message_set_bytes_left(message))
		return -EMSGSIZE;
	message_set_add_templates(message, SET_TEMPLATE, templates);
	for (size_t i = 0; i < count; i++)
		add_options_template(message, used[i]->id, used[i]->scope, used[i]->fields,
				     used[i]->count);
	return 0;
}

/* All templates, those of samplers too, which may come later: larger than any record. Without
 * biflows they fit into any datagram. */
static size_t size_min(const struct template_set *templates)
{
	enum { TEMPLATES = 4 }; /* each gets a selectorId, and one may be withdrawn */
	uint8_t header[HEADER_SIZE];
	struct message message = { .writer = writer_of(header, sizeof(header)) };
	struct template_set all = *templates;

	if (!templates->has_biflows)
		return 0;
	all.has_samplers = true;
	message_set_begin(&message, HEADER_SIZE);
	return HEADER_SIZE + templates_size(&message, &all) +
	       TEMPLATES * MESSAGE_SET_SPECIFIER_SIZE + MESSAGE_SET_HEADER_SIZE +
	       TEMPLATES * MESSAGE_SET_SPECIFIER_SIZE;
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

static uint16_t algorithm_of(enum sampling_method method)
{
	switch (method) {
	case SAMPLING_random: return SELECTOR_uniformProbabilistic;
	case SAMPLING_hash:
	case SAMPLING_flows: return SELECTOR_hashBOB; /* of the packet, of its flow key */
	default: return SELECTOR_systematicCountBased;
	}
}

/* RFC 5477 sections 8.2 and 8.3. */
static int add_sampler(struct message *message, uint8_t number, struct sampler sampler)
{
	struct writer *writer = &message->writer;

	if (!message_set_open(message, TEMPLATE_ID_SAMPLER, 8 + 2 + 4 * 4))
		return -EMSGSIZE;
	writer_u64(writer, number); /* the scope */
	writer_u16(writer, algorithm_of((enum sampling_method)sampler.method));
	writer_u32(writer, 1);
	writer_u32(writer, sampler.interval - 1);
	writer_u32(writer, 1);
	writer_u32(writer, sampler.interval);
	message_set_close_data(message);
	return 0;
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

static void withdraw(struct message *message, uint16_t id)
{
	writer_u16(&message->writer, id);
	writer_u16(&message->writer, 0);
	message->records++;
}

/* RFC 7011 section 8.1: a template without fields takes back the one with its id. */
static int withdraw_templates(struct message *message, const struct template_set *templates)
{
	const size_t count = templates->has_biflows ? 4 : 2;

	if (!message_set_open(message, SET_TEMPLATE, count * WITHDRAWAL_SIZE))
		return -EMSGSIZE;
	withdraw(message, templates->ipv4.id);
	withdraw(message, templates->ipv6.id);
	if (templates->has_biflows) {
		withdraw(message, templates->ipv4_biflow.id);
		withdraw(message, templates->ipv6_biflow.id);
	}
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
	.size_min = size_min,
	.begin = begin,
	.add_templates = add_templates,
	.add_statistics = message_set_add_statistics,
	.add_interface = add_interface,
	.add_sampler = add_sampler,
	.add_application = add_application,
	.withdraw_templates = withdraw_templates,
	.add_record = message_set_add_record,
	.add_biflow = message_set_add_biflow,
	.finish = finish,
	.sequence_step = sequence_step,
};
