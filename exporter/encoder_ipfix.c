/* encoder_ipfix.c - IPFIX, RFC 7011.
 *
 * Place: exporter -> encoder. A message is a header and sets. Templates are never withdrawn: over
 * UDP they are sent again and again, and run out at the collector (RFC 7011 section 8.4); in a
 * session they hold until its end. All elements are IANA's, so none needs a type record of RFC
 * 5610.
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

enum { IE_interfaceName = 82, IE_interfaceDescription = 83, IE_observationDomainId = 149 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct message_set_specifier interface_scope = { IE_ingressInterface, 4 };
static const struct message_set_specifier interface_fields[] = {
	{ IE_interfaceName, sizeof(((struct interface_name *)0)->name) },
	{ IE_interfaceDescription, sizeof(((struct interface_name *)0)->description) },
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

static int add_templates(struct message *message, const struct template_set *templates)
{
	const size_t options_sizes[] = {
		options_template_size(COUNT(interface_fields)),
		options_template_size(COUNT(message_set_statistics)),
	};

	if (message_set_templates_size(message, templates, options_sizes, COUNT(options_sizes)) >
	    message_set_bytes_left(message))
		return -EMSGSIZE;

	message_set_add_templates(message, SET_TEMPLATE, templates);
	add_options_template(message, TEMPLATE_ID_INTERFACE, &interface_scope, interface_fields,
			     COUNT(interface_fields));
	add_options_template(message, TEMPLATE_ID_STATISTICS, &statistics_scope,
			     message_set_statistics, COUNT(message_set_statistics));
	return 0;
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
	message_set_close(message);
	message->records++;
	message->data_records++;
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
	.add_record = message_set_add_record,
	.finish = finish,
	.sequence_step = sequence_step,
};
