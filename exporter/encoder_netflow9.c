/* encoder_netflow9.c - NetFlow version 9, RFC 3954.
 *
 * Place: exporter -> encoder. A message is a header and FlowSets; each begins and ends at a
 * multiple of 4 bytes, so a message whose buffer is a multiple of 4 never lacks room for its
 * padding. Every FlowSet holds at least one record: pmacct reads no more FlowSets than the header
 * counts records.
 *
 * IPv4 and IPv6 records may alternate; each change closes a FlowSet and opens another, at 4 bytes
 * and the padding. With one record in five IPv6 that is 3 % of a datagram, and the order stays. */
#include "encoder.h"

#include <errno.h>

/* RFC 3954 sections 5.1, 5.2, 6.1 */
enum {
	NETFLOW9_VERSION = 9,
	HEADER_SIZE = 20,
	HEADER_SEQUENCE_OFFSET = 12,
	SET_HEADER_SIZE = 4,
	SET_TEMPLATE = 0,
	SET_OPTIONS_TEMPLATE = 1,
	SCOPE_SYSTEM = 1,
	SCOPE_INTERFACE = 2,
	SPECIFIER_SIZE = 4,        /* type and length of a field */
	SCOPE_SIZE = 4,            /* bytes of the scope's value in options data */
	TEMPLATE_HEADER_SIZE = 4,  /* id, field count */
	OPTIONS_TEMPLATE_SIZE = 6, /* id, scope length, option length */
	STATISTIC_SIZE = 8,
};

/* Type and length of one field of an options template. */
struct specifier {
	uint16_t id;
	uint16_t size;
};

enum { IE_interfaceName = 82, IE_interfaceDescription = 83 };

static const struct specifier interface_fields[] = {
	{ IE_ingressInterface, 4 },
	{ IE_interfaceName, sizeof(((struct interface_name *)0)->name) },
	{ IE_interfaceDescription, sizeof(((struct interface_name *)0)->description) },
};

static const struct specifier statistics_fields[] = {
#define STATISTICS_FIELD(name, id, value) { id, STATISTIC_SIZE },
#include "statistics_fields.def"
#undef STATISTICS_FIELD
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static size_t padded(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/* Pad the open FlowSet with zeros (RFC 3954 section 5.3) and store its length. */
static void set_close(struct message *message)
{
	struct writer *writer = &message->writer;
	struct writer length;

	if (!message->set_start)
		return;
	while (writer_size(writer) % 4)
		writer_u8(writer, 0);
	length = writer_of(message->set_start + 2, 2);
	writer_u16(&length, (uint16_t)(writer->next - message->set_start));
	message->set_start = NULL;
}

/* Bytes that may still be used; a last partial word is for no one, as there padding would not fit.
 */
static size_t bytes_left(const struct message *message)
{
	const size_t capacity = (size_t)(message->writer.end - message->writer.start);

	return (capacity & ~(size_t)3) - writer_size(&message->writer);
}

/* Make sure that FlowSet 'set_id' is open and has room for 'size' bytes. Returns false with the
 * message unchanged if there is none. */
static bool set_open(struct message *message, uint16_t set_id, size_t size)
{
	const size_t used = writer_size(&message->writer);

	if (message->set_start && message->set_id == set_id)
		return size <= bytes_left(message);
	if (padded(used) - used + SET_HEADER_SIZE + size > bytes_left(message))
		return false;
	set_close(message);
	message->set_id = set_id;
	message->set_start = message->writer.next;
	writer_u16(&message->writer, set_id);
	writer_u16(&message->writer, 0); /* length: set_close() */
	return true;
}

static void begin(struct message *message)
{
	(void)writer_take(&message->writer, HEADER_SIZE);
	message->records = 0;
	message->data_records = 0;
	message->set_start = NULL;
}

static size_t template_size(const struct template *template)
{
	return TEMPLATE_HEADER_SIZE + template->field_count * SPECIFIER_SIZE;
}

static void add_template(struct message *message, const struct template *template)
{
	struct writer *writer = &message->writer;

	writer_u16(writer, template->id);
	writer_u16(writer, (uint16_t) template->field_count);
	for (size_t i = 0; i < template->field_count; i++) {
		writer_u16(writer, template->fields[i]->id);
		writer_u16(writer, template->fields[i]->size);
	}
	message->records++;
}

static size_t options_template_size(size_t field_count)
{
	return OPTIONS_TEMPLATE_SIZE + (1 + field_count) * SPECIFIER_SIZE;
}

/* RFC 3954 section 6.1: scope and options lengths are in bytes of specifiers. Each has a FlowSet of
 * its own: pmacct 1.7.7 takes the second of two in one as malformed and drops the datagram's rest.
 */
static void add_options_template(struct message *message, uint16_t id, uint16_t scope,
				 const struct specifier *fields, size_t count)
{
	struct writer *writer = &message->writer;

	(void)set_open(message, SET_OPTIONS_TEMPLATE, options_template_size(count));
	writer_u16(writer, id);
	writer_u16(writer, SPECIFIER_SIZE);
	writer_u16(writer, (uint16_t)(count * SPECIFIER_SIZE));
	writer_u16(writer, scope);
	writer_u16(writer, SCOPE_SIZE);
	for (size_t i = 0; i < count; i++) {
		writer_u16(writer, fields[i].id);
		writer_u16(writer, fields[i].size);
	}
	set_close(message);
	message->records++;
}

static int add_templates(struct message *message, const struct template_set *templates)
{
	const size_t used = writer_size(&message->writer);
	const size_t templates_size =
		template_size(&templates->ipv4) + template_size(&templates->ipv6);
	const size_t needed = padded(used) - used + 3 * (size_t)SET_HEADER_SIZE +
			      padded(templates_size) +
			      padded(options_template_size(COUNT(interface_fields))) +
			      padded(options_template_size(COUNT(statistics_fields)));

	if (needed > bytes_left(message))
		return -EMSGSIZE;

	(void)set_open(message, SET_TEMPLATE, templates_size);
	add_template(message, &templates->ipv4);
	add_template(message, &templates->ipv6);
	add_options_template(message, TEMPLATE_ID_INTERFACE, SCOPE_INTERFACE, interface_fields,
			     COUNT(interface_fields));
	add_options_template(message, TEMPLATE_ID_STATISTICS, SCOPE_SYSTEM, statistics_fields,
			     COUNT(statistics_fields));
	return 0;
}

static int add_statistics(struct message *message, const struct export_statistics *statistics,
			  uint32_t source_id)
{
	struct writer *writer = &message->writer;

	if (!set_open(message, TEMPLATE_ID_STATISTICS,
		      SCOPE_SIZE + COUNT(statistics_fields) * STATISTIC_SIZE))
		return -EMSGSIZE;
	writer_u32(writer, source_id);
#define STATISTICS_FIELD(name, id, value) writer_u64(writer, value);
#include "statistics_fields.def"
#undef STATISTICS_FIELD
	message->records++;
	return 0;
}

/* Each name has a FlowSet of its own: of several in one, nfcapd 1.7.1 reads only the first rightly
 * ("invalid utf8 if/vrf name"), because it steps by less than a record. */
static int add_interface(struct message *message, const struct interface_name *interface)
{
	struct writer *writer = &message->writer;

	if (!set_open(message, TEMPLATE_ID_INTERFACE,
		      SCOPE_SIZE + 4 + sizeof(interface->name) + sizeof(interface->description)))
		return -EMSGSIZE;
	writer_u32(writer, interface->index); /* the scope */
	writer_u32(writer, interface->index); /* and the field that nfdump looks for */
	writer_bytes(writer, interface->name, sizeof(interface->name));
	writer_bytes(writer, interface->description, sizeof(interface->description));
	set_close(message);
	message->records++;
	return 0;
}

static int add_record(struct message *message, const struct template_set *templates,
		      const struct export_record *record)
{
	const struct template *template =
		record->flow.key.ip_version == 4 ? &templates->ipv4 : &templates->ipv6;

	if (!set_open(message, template->id, template->record_size))
		return -EMSGSIZE;
	record_encode(&template->plan, record,
		      writer_take(&message->writer, template->record_size));
	message->records++;
	message->data_records++;
	return 0;
}

/* unix_secs is unsigned 32 bits: right until 2106. */
static uint32_t unix_seconds(unix_ms time)
{
	return time < 0 ? 0 : (uint32_t)(time / 1000);
}

/* RFC 3954 section 5.1. Count is of all records: templates, options and data. */
static size_t finish(struct message *message, const struct export_time *time, uint32_t source_id)
{
	struct writer header = writer_of(message->writer.start, HEADER_SIZE);

	set_close(message);
	writer_u16(&header, NETFLOW9_VERSION);
	writer_u16(&header, (uint16_t)message->records);
	writer_u32(&header, time->uptime_ms);
	writer_u32(&header, unix_seconds(time->unix_ms));
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
	.begin = begin,
	.add_templates = add_templates,
	.add_statistics = add_statistics,
	.add_interface = add_interface,
	.add_record = add_record,
	.finish = finish,
	.sequence_step = sequence_step,
};
