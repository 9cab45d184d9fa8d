/* encoder_netflow9.c - NetFlow version 9, RFC 3954.
 *
 * Place: exporter -> encoder. A message is a header and FlowSets, as message_set.h makes them. */
#include "export_clock.h"
#include "message_set.h"

#include <errno.h>

/* RFC 3954 sections 5.1, 5.2, 6.1 */
enum {
	NETFLOW9_VERSION = 9,
	HEADER_SIZE = 20,
	HEADER_SEQUENCE_OFFSET = 12,
	SET_TEMPLATE = 0,
	SET_OPTIONS_TEMPLATE = 1,
	SCOPE_SYSTEM = 1,
	SCOPE_INTERFACE = 2,
	SCOPE_SIZE = 4,            /* bytes of the scope's value in options data */
	OPTIONS_TEMPLATE_SIZE = 6, /* id, scope length, option length */
};

enum {
	IE_samplingInterval = 34,
	IE_samplingAlgorithm = 35,
	IE_samplerMode = 49,
	IE_samplerRandomInterval = 50,
	IE_applicationName = 96,
	IE_interfaceName = 82,
	IE_interfaceDescription = 83,
};

static const struct message_set_specifier interface_fields[] = {
	{ IE_ingressInterface, 4 },
	{ IE_interfaceName, sizeof(((struct interface_name *)0)->name) },
	{ IE_interfaceDescription, sizeof(((struct interface_name *)0)->description) },
};

static const struct message_set_specifier rate_fields[] = {
	{ IE_samplingInterval, 4 },
	{ IE_samplingAlgorithm, 1 },
};

static const struct message_set_specifier sampler_fields[] = {
	{ IE_samplerId, 1 },
	{ IE_samplerMode, 1 },
	{ IE_samplerRandomInterval, 4 },
};

static const struct message_set_specifier application_fields[] = {
	{ IE_applicationId, APPLICATION_ID_SIZE },
	{ IE_applicationName, APPLICATION_NAME_SIZE },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void begin(struct message *message, const struct export_time *time)
{
	message_set_begin(message, HEADER_SIZE);
	message->sender.clock = export_clock_begin(time);
	message->has_uptime = false;
}

static size_t options_template_size(size_t field_count)
{
	return OPTIONS_TEMPLATE_SIZE + (1 + field_count) * MESSAGE_SET_SPECIFIER_SIZE;
}

/* Options templates, in this order; message_set_has_options() says which are used. */
struct options_template {
	uint16_t id;
	uint16_t scope;
	const struct message_set_specifier *fields;
	size_t count;
};

static const struct options_template options_templates[] = {
	{ TEMPLATE_ID_INTERFACE, SCOPE_INTERFACE, interface_fields, COUNT(interface_fields) },
	{ TEMPLATE_ID_STATISTICS, SCOPE_SYSTEM, message_set_statistics,
	  COUNT(message_set_statistics) },
	{ TEMPLATE_ID_RATE, SCOPE_SYSTEM, rate_fields, COUNT(rate_fields) },
	{ TEMPLATE_ID_SAMPLER, SCOPE_SYSTEM, sampler_fields, COUNT(sampler_fields) },
	{ TEMPLATE_ID_APPLICATION, SCOPE_SYSTEM, application_fields, COUNT(application_fields) },
};

/* RFC 3954 section 6.1: scope and options lengths are in bytes of specifiers. Each has a FlowSet of
 * its own: pmacct 1.7.7 takes the second of two in one as malformed, and drops what follows.
 * Returns 0 or -EMSGSIZE with the message unchanged. */
static int add_options_template(struct message *message, const struct options_template *template)
{
	struct writer *writer = &message->writer;

	if (!message_set_open(message, SET_OPTIONS_TEMPLATE,
			      options_template_size(template->count)))
		return -EMSGSIZE;
	writer_u16(writer, template->id);
	writer_u16(writer, MESSAGE_SET_SPECIFIER_SIZE);
	writer_u16(writer, (uint16_t)(template->count * MESSAGE_SET_SPECIFIER_SIZE));
	writer_u16(writer, template->scope);
	writer_u16(writer, SCOPE_SIZE);
	message_set_specifiers(writer, template->fields, template->count);
	message_set_close(message);
	message->records++;
	return 0;
}

static int add_templates(struct message *message, const struct template_set *templates,
			 size_t *next)
{
	const size_t first = message_set_template_count(templates);
	int result = message_set_add_templates(message, SET_TEMPLATE, templates, next);

	for (; !result && *next < first + COUNT(options_templates); *next += !result)
		if (message_set_has_options(templates, options_templates[*next - first].id))
			result = add_options_template(message, &options_templates[*next - first]);
	return result;
}

/* Each name has a FlowSet of its own: of several in one, nfcapd 1.7.1 reads only the first rightly
 * ("invalid utf8 if/vrf name"), because it steps by less than a record. */
static int add_interface(struct message *message, const struct interface_name *interface)
{
	struct writer *writer = &message->writer;

	if (!message_set_open(message, TEMPLATE_ID_INTERFACE,
			      SCOPE_SIZE + 4 + sizeof(interface->name) +
				      sizeof(interface->description)))
		return -EMSGSIZE;
	writer_u32(writer, interface->index); /* the scope */
	writer_u32(writer, interface->index); /* and the field that nfdump looks for */
	writer_bytes(writer, interface->name, sizeof(interface->name));
	writer_bytes(writer, interface->description, sizeof(interface->description));
	message_set_close_data(message);
	return 0;
}

/* What Cisco's exporters and most collectors know. It is announced where every packet counts, too:
 * akvorado drops the flows of an exporter that announces no rate. */
static int add_rate(struct message *message, struct sampler rate)
{
	struct writer *writer = &message->writer;

	if (!message_set_open(message, TEMPLATE_ID_RATE, SCOPE_SIZE + 4 + 1))
		return -EMSGSIZE;
	writer_u32(writer, message->source_id); /* the scope */
	writer_u32(writer, rate.interval);
	writer_u8(writer, message_set_sampling_mode((enum sampling_method)rate.method));
	message_set_close_data(message);
	return 0;
}

static int add_sampler(struct message *message, uint8_t number, struct sampler sampler)
{
	struct writer *writer = &message->writer;

	if (!message_set_open(message, TEMPLATE_ID_SAMPLER, SCOPE_SIZE + 1 + 1 + 4))
		return -EMSGSIZE;
	writer_u32(writer, message->source_id); /* the scope */
	writer_u8(writer, number);
	writer_u8(writer, message_set_sampling_mode((enum sampling_method)sampler.method));
	writer_u32(writer, sampler.interval);
	message_set_close_data(message);
	return 0;
}

static int add_application(struct message *message, const struct application *application)
{
	struct writer *writer = &message->writer;

	if (!message_set_open(message, TEMPLATE_ID_APPLICATION,
			      SCOPE_SIZE + APPLICATION_ID_SIZE + APPLICATION_NAME_SIZE))
		return -EMSGSIZE;
	writer_u32(writer, message->source_id); /* the scope */
	writer_bytes(writer, application->id, APPLICATION_ID_SIZE);
	writer_bytes(writer, application->name, APPLICATION_NAME_SIZE);
	message_set_close_data(message);
	return 0;
}

/* With times on the clock of export_clock.h the header's clock and its seconds are of one moment,
 * the full second that comes next: so collectors compute exact milliseconds, and no record is ahead
 * of its header, which pmacct 1.7.7 takes for a flow 49 days old. */
static void write_times(struct writer *header, const struct message *message,
			const struct export_time *time)
{
	uint32_t seconds = export_time_seconds(time);

	if (!message->has_uptime) {
		writer_u32(header, time->uptime_ms);
	} else {
		seconds += time->unix_ms > (unix_ms)seconds * 1000;
		writer_u32(header, export_clock_of(message->sender.clock.start_ms,
						   (unix_ms)seconds * 1000));
	}
	writer_u32(header, seconds);
}

/* RFC 3954 section 5.1. Count is of all records: templates, options and data. */
static size_t finish(struct message *message, const struct export_time *time, uint32_t source_id)
{
	struct writer header = writer_of(message->writer.start, HEADER_SIZE);

	message_set_close(message);
	writer_u16(&header, NETFLOW9_VERSION);
	writer_u16(&header, (uint16_t)message->records);
	write_times(&header, message, time);
	writer_u32(&header, 0); /* sequence number: stored when the message is sent */
	writer_u32(&header, source_id);
	return writer_size(&message->writer);
}

/* The sequence number counts messages, not records. */
static uint32_t sequence_step(const struct message *message)
{
	(void)message;
	return 1;
}

const struct encoder_type encoder_netflow9 = {
	.name = "netflow9",
	.version = NETFLOW9_VERSION,
	.protocol = EXPORT_V9,
	.sequence_offset = HEADER_SEQUENCE_OFFSET,
	.has_ipv6 = true,
	.counter_max = UINT64_MAX,
	.begin = begin,
	.add_templates = add_templates,
	.add_statistics = message_set_add_statistics,
	.add_interface = add_interface,
	.add_rate = add_rate,
	.add_sampler = add_sampler,
	.add_application = add_application,
	.add_record = message_set_add_record,
	.finish = finish,
	.sequence_step = sequence_step,
};
