/* listen_message.c - headers, sets, templates and data records.
 *
 * Everything is read through struct reader: what ends too early is a finding, and what comes before
 * it still counts. */
#include "listen_message.h"

#include "bytes.h"

#include <errno.h>

enum {
	NETFLOW1_HEADER_SIZE = 16,
	FIXED_HEADER_SIZE = 24, /* of versions 5 and 7 */
	NETFLOW9_HEADER_SIZE = 20,
	SET_HEADER_SIZE = 4,
	NETFLOW9_TEMPLATES = 0,
	NETFLOW9_OPTIONS_TEMPLATES = 1,
	IPFIX_TEMPLATES = 2,
	IPFIX_OPTIONS_TEMPLATES = 3,
	DATA_LOWEST = 256,
	VARIABLE = 65535,        /* RFC 7011 section 7 */
	ENTERPRISE_BIT = 0x8000, /* RFC 7011 section 3.2 */
	PADDING_MAX = 7,         /* up to a multiple of 8 */
};

/* A message under way. */
struct walk {
	struct listen_stream *stream;
	const struct listen_sink *sink;
	const struct listen_header *header;
	unix_ms now;
	uint32_t sets;
	uint32_t records; /* of all kinds */
	uint32_t data;    /* data records, those of options included */
	bool is_whole;    /* all records were counted */
	struct listen_record record;
};

#define FOUND(walk, finding, ...)                                                        \
	listen_stream_found((walk)->stream, (walk)->sink, (walk)->now, LISTEN_##finding, \
			    __VA_ARGS__)

/* Records of the versions without templates as the fields that they mean; what has no element is
 * left out. All begin alike, up to the ports at 34. */
struct fixed_field {
	uint16_t element, offset, size;
};

static const struct fixed_field netflow1_fields[] = {
	{ 8, 0, 4 },   { 12, 4, 4 }, { 15, 8, 4 },  { 10, 12, 2 }, { 14, 14, 2 },
	{ 2, 16, 4 },  { 1, 20, 4 }, { 22, 24, 4 }, { 21, 28, 4 }, { 7, 32, 2 },
	{ 11, 34, 2 }, { 4, 38, 1 }, { 5, 39, 1 },  { 6, 40, 1 },
};

/* In version 7 the router follows. */
static const struct fixed_field netflow5_fields[] = {
	{ 8, 0, 4 },  { 12, 4, 4 },  { 15, 8, 4 },  { 10, 12, 2 }, { 14, 14, 2 }, { 2, 16, 4 },
	{ 1, 20, 4 }, { 22, 24, 4 }, { 21, 28, 4 }, { 7, 32, 2 },  { 11, 34, 2 }, { 6, 37, 1 },
	{ 4, 38, 1 }, { 5, 39, 1 },  { 16, 40, 2 }, { 17, 42, 2 }, { 9, 44, 1 },  { 13, 45, 1 },
};

#define FIELDS(rows) rows, sizeof(rows) / sizeof((rows)[0])

static const struct fixed_format {
	uint16_t version;
	bool has_sequence; /* and what follows it in the header */
	uint16_t record_size;
	const struct fixed_field *fields;
	size_t field_count;
} fixed_formats[] = {
	{ LISTEN_NETFLOW1, false, 48, FIELDS(netflow1_fields) },
	{ LISTEN_NETFLOW5, true, 48, FIELDS(netflow5_fields) },
	{ LISTEN_NETFLOW7, true, 52, FIELDS(netflow5_fields) },
};

/* NULL: it has templates, or is not known. */
static const struct fixed_format *fixed_format_of(uint16_t version)
{
	for (size_t i = 0; i < sizeof(fixed_formats) / sizeof(fixed_formats[0]); i++)
		if (fixed_formats[i].version == version)
			return &fixed_formats[i];
	return NULL;
}

static int fixed_header_parse(const struct fixed_format *format, struct reader *reader,
			      struct listen_header *header)
{
	uint32_t seconds, nanoseconds;

	header->count = reader_u16(reader);
	header->uptime_ms = reader_u32(reader);
	seconds = reader_u32(reader);
	nanoseconds = reader_u32(reader);
	header->exported_ms = (unix_ms)seconds * 1000 + nanoseconds / 1000000;
	header->has_uptime = true;
	header->has_sequence = format->has_sequence;
	if (format->has_sequence)
		header->sequence = reader_u32(reader);
	if (format->version == LISTEN_NETFLOW5) {
		header->domain = reader_u16(reader);
		header->sampling = reader_u16(reader);
	} else if (format->version == LISTEN_NETFLOW7) {
		(void)reader_u32(reader); /* reserved */
	}
	return reader->failed ? -EMSGSIZE : 0;
}

int listen_header_parse(const uint8_t *bytes, size_t size, struct listen_header *header)
{
	struct reader reader = reader_of(bytes, size);
	const struct fixed_format *format;

	*header = (struct listen_header){ .version = reader_u16(&reader) };
	format = fixed_format_of(header->version);
	if (format)
		return fixed_header_parse(format, &reader, header);
	header->has_sequence = true;
	switch (header->version) {
	case LISTEN_NETFLOW9:
		header->count = reader_u16(&reader);
		header->uptime_ms = reader_u32(&reader);
		header->has_uptime = true;
		break;
	case LISTEN_IPFIX: (void)reader_u16(&reader); break; /* length */
	default: return reader.failed ? -EMSGSIZE : -EPROTONOSUPPORT;
	}
	header->exported_ms = (unix_ms)reader_u32(&reader) * 1000;
	header->sequence = reader_u32(&reader);
	header->domain = reader_u32(&reader);
	return reader.failed ? -EMSGSIZE : 0;
}

/* 'reader' stands after the header. */
static void take_fixed(struct walk *walk, const struct fixed_format *format, struct reader *reader)
{
	struct listen_record *record = &walk->record;

	*record = (struct listen_record){ .field_count = (uint16_t)format->field_count };
	while (walk->data < walk->header->count) {
		const uint8_t *bytes = reader_take(reader, format->record_size);

		if (!bytes) {
			FOUND(walk, message_cut, "%u records announced, %u there",
			      walk->header->count, walk->data);
			return;
		}
		for (size_t i = 0; i < format->field_count; i++)
			record->fields[i] = (struct listen_field){
				.element = format->fields[i].element,
				.size = format->fields[i].size,
				.bytes = bytes + format->fields[i].offset,
			};
		walk->data++;
		listen_stream_record(walk->stream, walk->sink, walk->now, walk->header, record);
	}
	if (reader_left(reader) > 0)
		FOUND(walk, message_long, "%zu bytes after %u records", reader_left(reader),
		      walk->header->count);
}

/* Field specifiers of a template; 'is_enterprise' where the high bit says that an enterprise number
 * follows. */
static void take_specifiers(struct reader *reader, struct listen_specifier *fields, size_t count,
			    bool is_ipfix)
{
	for (size_t i = 0; i < count; i++) {
		fields[i] = (struct listen_specifier){ .element = reader_u16(reader) };
		fields[i].size = reader_u16(reader);
		if (is_ipfix && fields[i].element & ENTERPRISE_BIT) {
			fields[i].element &= (uint16_t)~ENTERPRISE_BIT;
			fields[i].enterprise = reader_u32(reader);
		}
	}
}

/* Octets that a record has at least; a value of variable length has one for its length. */
static size_t least_size(const struct listen_template *template, bool is_ipfix)
{
	size_t size = 0;

	for (size_t i = 0; i < template->field_count; i++)
		size += is_ipfix && template->fields[i].size == VARIABLE ? 1
									 : template->fields[i].size;
	return size;
}

static void learn(struct walk *walk, const struct listen_template *template)
{
	if (template->id < DATA_LOWEST ||
	    least_size(template, walk->header->version == LISTEN_IPFIX) == 0) {
		FOUND(walk, template_malformed, "template %u has %u fields and no octet",
		      template->id, template->field_count);
		return;
	}
	walk->stream->templates_announced++;
	switch (listen_templates_learn(&walk->stream->templates, template)) {
	case LISTEN_LEARNED_same:
	case LISTEN_LEARNED_new: break;
	case LISTEN_LEARNED_changed:
		FOUND(walk, template_changed, "template %u is another one now", template->id);
		break;
	case LISTEN_LEARNED_refused:
		FOUND(walk, template_refused, "template %u has no place", template->id);
		break;
	}
}

/* RFC 7011 section 8.1: a template without fields takes one back, or all of its kind. */
static void withdraw(struct walk *walk, uint16_t id, bool is_options)
{
	const bool is_all = id == IPFIX_TEMPLATES || id == IPFIX_OPTIONS_TEMPLATES;

	listen_templates_withdraw(&walk->stream->templates, is_all ? 0 : id, is_options);
}

/* Header of a template record; false if the template cannot be. 'scopes' is 0 for flows. */
static bool take_template_header(struct walk *walk, struct reader *set, bool is_options,
				 struct listen_template *template)
{
	const bool is_ipfix = walk->header->version == LISTEN_IPFIX;
	uint32_t fields, scopes = 0;

	*template = (struct listen_template){ .id = reader_u16(set), .is_options = is_options };
	fields = reader_u16(set);
	if (is_options && is_ipfix && fields > 0)
		scopes = reader_u16(set);
	if (is_options && !is_ipfix) { /* RFC 3954 section 6.1: octets of both kinds */
		scopes = fields / 4;
		fields = scopes + (uint32_t)reader_u16(set) / 4;
	}
	if (set->failed || fields > LISTEN_FIELDS_MAX || scopes > fields ||
	    (is_options && is_ipfix && fields > 0 && scopes == 0)) {
		FOUND(walk, template_malformed,
		      "template %u of %u fields and %u scopes: expected at most %d fields, and "
		      "scopes among them",
		      template->id, fields, scopes, LISTEN_FIELDS_MAX);
		return false;
	}
	template->field_count = (uint16_t)fields;
	template->scope_count = (uint16_t)scopes;
	return true;
}

static void take_templates(struct walk *walk, struct reader *set, bool is_options)
{
	const bool is_ipfix = walk->header->version == LISTEN_IPFIX;
	struct listen_specifier fields[LISTEN_FIELDS_MAX];
	struct listen_template template;

	while (reader_left(set) >= (is_options && !is_ipfix ? 6 : 4)) {
		if (!take_template_header(walk, set, is_options, &template)) {
			walk->is_whole = false;
			return;
		}
		if (template.id == 0 && template.field_count == 0)
			return; /* padding */
		walk->records++;
		template.fields = fields;
		take_specifiers(set, fields, template.field_count, is_ipfix);
		if (set->failed) {
			FOUND(walk, template_malformed, "template %u ends after its set",
			      template.id);
			walk->is_whole = false;
			return;
		}
		if (template.field_count == 0 && is_ipfix)
			withdraw(walk, template.id, is_options);
		else
			learn(walk, &template);
	}
}

/* RFC 7011 section 7: one octet of length, or 255 and two more. */
static uint16_t variable_size(struct reader *set)
{
	const uint8_t size = reader_u8(set);

	return size < 255 ? size : reader_u16(set);
}

/* The fields of one record; false if they end after the set. */
static bool take_record(struct walk *walk, const struct listen_template *template,
			struct reader *set)
{
	struct listen_record *record = &walk->record;
	const bool is_ipfix = walk->header->version == LISTEN_IPFIX;

	record->template_id = template->id;
	record->is_options = template->is_options;
	record->has_v9_scopes = !is_ipfix;
	record->scope_count = template->scope_count;
	record->field_count = template->field_count;
	for (size_t i = 0; i < template->field_count; i++) {
		const struct listen_specifier *specifier = &template->fields[i];
		const uint16_t size = is_ipfix && specifier->size == VARIABLE ? variable_size(set)
									      : specifier->size;

		record->fields[i] = (struct listen_field){
			.enterprise = specifier->enterprise,
			.element = specifier->element,
			.size = size,
			.bytes = reader_take(set, size),
		};
	}
	return !set->failed;
}

static void check_padding(struct walk *walk, uint16_t id, struct reader *set)
{
	const size_t size = reader_left(set);
	uint8_t any = 0;

	for (size_t i = 0; i < size; i++)
		any |= set->next[i];
	if (size > PADDING_MAX || any)
		FOUND(walk, padding, "%zu bytes after the last record of set %u%s", size, id,
		      any ? ", not all zero" : "");
}

static void take_data(struct walk *walk, uint16_t id, struct reader *set)
{
	const struct listen_template *template =
		listen_templates_find(&walk->stream->templates, id);
	size_t least;

	if (!template) {
		walk->stream->sets_skipped++;
		walk->is_whole = false;
		FOUND(walk, template_missing,
		      "template %u was not announced: %zu bytes of records are not read", id,
		      reader_left(set));
		return;
	}
	least = least_size(template, walk->header->version == LISTEN_IPFIX);
	while (reader_left(set) >= least) {
		if (!take_record(walk, template, set)) {
			FOUND(walk, record_cut, "a record of template %u ends after its set", id);
			walk->is_whole = false;
			return;
		}
		walk->records++;
		walk->data++;
		listen_stream_record(walk->stream, walk->sink, walk->now, walk->header,
				     &walk->record);
	}
	check_padding(walk, id, set);
}

static void take_set(struct walk *walk, uint16_t id, struct reader *set)
{
	const bool is_ipfix = walk->header->version == LISTEN_IPFIX;

	walk->sets++;
	if (id == (is_ipfix ? IPFIX_TEMPLATES : NETFLOW9_TEMPLATES)) {
		take_templates(walk, set, false);
	} else if (id == (is_ipfix ? IPFIX_OPTIONS_TEMPLATES : NETFLOW9_OPTIONS_TEMPLATES)) {
		take_templates(walk, set, true);
	} else if (id >= DATA_LOWEST) {
		take_data(walk, id, set);
	} else {
		FOUND(walk, set_malformed, "set %u is of no kind that there is", id);
		walk->is_whole = false;
	}
}

static void take_sets(struct walk *walk, struct reader *reader)
{
	while (reader_left(reader) >= SET_HEADER_SIZE) {
		const uint16_t id = reader_u16(reader);
		const uint16_t size = reader_u16(reader);
		const uint8_t *body;
		struct reader set;

		if (size < SET_HEADER_SIZE ||
		    (size_t)(size - SET_HEADER_SIZE) > reader_left(reader)) {
			FOUND(walk, set_malformed, "set %u of %u bytes, %zu are left", id, size,
			      reader_left(reader) + SET_HEADER_SIZE);
			walk->is_whole = false;
			return;
		}
		body = reader_take(reader, (size_t)(size - SET_HEADER_SIZE));
		set = reader_of(body, (size_t)(size - SET_HEADER_SIZE));
		take_set(walk, id, &set);
	}
	if (reader_left(reader) > 0)
		FOUND(walk, message_long, "%zu bytes after the last set", reader_left(reader));
}

/* RFC 3954 section 5.1: the count is of all records. nfacctd 1.7.7 takes it for that of sets, and
 * most others never look at it. */
static void check_count(struct walk *walk)
{
	const uint16_t count = walk->header->count;

	if (count < walk->sets)
		FOUND(walk, count_low, "the header counts %u, there are %u sets", count,
		      walk->sets);
	else if (walk->is_whole && count != walk->records)
		FOUND(walk, count_differs, "the header counts %u, there are %u records", count,
		      walk->records);
}

static void take_netflow9(struct walk *walk, struct reader *reader)
{
	take_sets(walk, reader);
	check_count(walk);
}

static void take_ipfix(struct walk *walk, const uint8_t *bytes, size_t size)
{
	const size_t length = load_be16(bytes + 2);
	struct reader reader;

	if (length < LISTEN_IPFIX_HEADER_SIZE || length > size) {
		FOUND(walk, message_cut, "a message of %zu bytes in %zu", length, size);
		walk->is_whole = false;
	} else if (length < size) {
		FOUND(walk, message_long, "%zu bytes after a message of %zu", size - length,
		      length);
		size = length;
	}
	reader = reader_of(bytes + LISTEN_IPFIX_HEADER_SIZE, size - LISTEN_IPFIX_HEADER_SIZE);
	take_sets(walk, &reader);
}

void listen_message_parse(struct listen_stream *stream, const struct listen_sink *sink, unix_ms now,
			  const struct listen_header *header, const uint8_t *bytes, size_t size)
{
	const struct fixed_format *format = fixed_format_of(header->version);
	struct walk walk;
	struct reader reader = reader_of(bytes, size);
	uint32_t step = 1;

	walk.stream = stream;
	walk.sink = sink;
	walk.header = header;
	walk.now = now;
	walk.sets = walk.records = walk.data = 0;
	walk.is_whole = true;
	stream->messages++;
	stream->bytes += size;
	listen_stream_begin(stream, sink, now, header);
	if (format) {
		(void)reader_take(&reader,
				  format->has_sequence ? FIXED_HEADER_SIZE : NETFLOW1_HEADER_SIZE);
		take_fixed(&walk, format, &reader);
		step = header->count;
	} else if (header->version == LISTEN_NETFLOW9) {
		(void)reader_take(&reader, NETFLOW9_HEADER_SIZE);
		take_netflow9(&walk, &reader);
		walk.is_whole = true; /* datagrams count */
	} else {
		take_ipfix(&walk, bytes, size);
		step = walk.data;
	}
	listen_stream_end(stream, header, step, walk.is_whole);
}
