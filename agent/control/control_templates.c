/* control_templates.c - the data templates that collectors get, as rows.
 *
 * Place: a row in control_commands.c; template_set -> here -> client.
 *
 * They are made anew from the table that the encoders use, for each export version, choice of
 * times and set of fields in use (NetFlow v5 has none; for JSON lines they are the keys); without a
 * collector for the default version, so that one can see what would be sent. */
#include "control_rows.h"
#include "config.h"
#include "control_job.h"
#include "pipeline.h"

#include "encoder.h"
#include "json_text.h"
#include "json_version.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* What the rows of one set of templates have in common. */
struct template_rows {
	struct control_output *output;
	uint8_t version;
	json_t *collectors; /* their names as one text, or null; borrowed */
};

/* A number, or null where lines of JSON have none. */
static json_t *number_of(uint8_t version, uint16_t number)
{
	return version == ENCODER_VERSION_JSON ? json_null() : json_integer(number);
}

/* "octetDeltaCount" -> "reverseOctetDeltaCount", as RFC 5103 section 6.1 names them. */
static void reverse_name(const char *name, char *text, size_t size)
{
	(void)snprintf(text, size, "reverse%c%s", toupper((unsigned char)name[0]), name + 1);
}

/* Of IPFIX; 0: the field is IANA's, or has no enterprise in its protocol. */
static uint32_t enterprise_of(uint8_t version, const struct export_field *field, bool is_reverse)
{
	const uint32_t own = version == 10 ? export_field_enterprise(field) : 0;

	return own || !is_reverse ? own : EXPORT_REVERSE_ENTERPRISE;
}

static int write_field(const struct template_rows *rows, const struct template *template,
		       int family, size_t position)
{
	const uint8_t version = rows->version;
	const bool is_reverse = position < template->reverse_count;
	const struct export_field *field =
		is_reverse ? template->reverse_fields[position]
			   : template->fields[position - template->reverse_count];
	const uint32_t enterprise = enterprise_of(version, field, is_reverse);
	char name[64];

	(void)snprintf(name, sizeof(name), "%s", field->name);
	if (is_reverse)
		reverse_name(field->name, name, sizeof(name));
	return control_output_row(
		rows->output,
		json_pack("{s:o, s:o, s:i, s:I, s:s, s:i, s:o, s:o, s:I, s:O}", "version",
			  json_version(version), "template", number_of(version, template->id),
			  "family", family, "position", (json_int_t)(position + 1), "field", name,
			  "element",
			  version == 10
				  ? export_field_element(field) +
					    (is_reverse && enterprise == EXPORT_NTOP_ENTERPRISE)
				  : field->id,
			  "size", number_of(version, field->size), "record_size",
			  number_of(version, template->record_size), "enterprise",
			  (json_int_t)enterprise, "collectors", rows->collectors));
}

static int write_template(const struct template_rows *rows, const struct template *template,
			  int family)
{
	int result = 0;

	for (size_t i = 0; !result && i < template->field_count + template->reverse_count; i++)
		result = write_field(rows, template, family, i);
	return result;
}

/* Lines of JSON have no templates that differ by shape: those with all keys stand for them. */
static int write_shapes(const struct template_rows *rows, const struct template *templates)
{
	int result = 0;

	for (unsigned int shape = 0; !result && shape < TEMPLATE_SHAPES; shape++)
		if (!templates[shape].is_alias &&
		    (rows->version != ENCODER_VERSION_JSON ||
		     (shape | TEMPLATE_ipv6) == (TEMPLATE_wide | TEMPLATE_ipv6)))
			result = write_template(rows, &templates[shape],
						shape & TEMPLATE_ipv6 ? 6 : 4);
	return result;
}

/* NetFlow v5 has no templates: one row says so. */
static int write_none(const struct template_rows *rows)
{
	return control_output_row(rows->output,
				  json_pack("{s:i, s:n, s:i, s:n, s:s, s:n, s:n, s:n, s:n, s:O}",
					    "version", rows->version, "template", "family", 4,
					    "position", "field", "none", "element", "size",
					    "record_size", "enterprise", "collectors",
					    rows->collectors));
}

static int write_templates(const struct control_context *context,
			   const struct config_collector *collector,
			   const struct template_rows *rows)
{
	struct template_choice choice = pipeline_template_choice(context->pipeline);
	const struct encoder_type *encoder = encoder_find(collector->version);
	struct template_set set;
	int result;

	if (!encoder->protocol)
		return write_none(rows);
	choice.has_uptime = collector->uptime;
	choice.fields = collector->field_set;
	choice.has_samplers |= collector->sampling > 1;
	template_set_init(&set, encoder->protocol, &choice);
	result = write_shapes(rows, set.records);
	if (!result && set.has_biflows)
		result = write_shapes(rows, set.biflows);
	return result;
}

static bool has_same_templates(const struct config_collector *one,
			       const struct config_collector *other)
{
	return one->version == other->version && one->uptime == other->uptime &&
	       (one->sampling > 1) == (other->sampling > 1) &&
	       one->field_set.base == other->field_set.base &&
	       one->field_set.added == other->field_set.added &&
	       one->field_set.removed == other->field_set.removed;
}

/* Whether no collector before this one has the same templates. */
static bool is_first_with_its_templates(const struct config *config, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (has_same_templates(&config->collectors[i], &config->collectors[index]))
			return false;
	return true;
}

/* "a, b": all with the templates of one of them. Returns NULL if memory is short. */
static json_t *names_of(const struct config *config, const struct config_collector *collector)
{
	json_t *names = NULL;
	char *text = NULL;
	size_t size;
	FILE *list = open_memstream(&text, &size);
	const char *separator = "";

	if (!list)
		return NULL;
	for (size_t i = 0; i < config->collector_count; i++) {
		if (!has_same_templates(collector, &config->collectors[i]))
			continue;
		(void)fprintf(list, "%s%s", separator, config->collectors[i].name);
		separator = ", ";
	}
	if (fclose(list) == 0)
		names = json_text(text);
	free(text);
	return names;
}

static int write_for(const struct control_context *context,
		     const struct config_collector *collector, json_t *names,
		     struct control_output *output)
{
	const struct template_rows rows = {
		.output = output,
		.version = collector->version,
		.collectors = names,
	};
	int result = names ? write_templates(context, collector, &rows) : -ENOMEM;

	json_decref(names);
	return result;
}

int control_write_templates(const struct control_context *context, struct control_output *output)
{
	const struct config *config = context->config;
	int result = 0;

	if (config->collector_count == 0)
		return write_for(context,
				 &(struct config_collector){ .version = config->export_version },
				 json_null(), output);
	for (unsigned int version = 0; version < 256; version++)
		for (size_t i = 0; !result && i < config->collector_count; i++)
			if (config->collectors[i].version == version &&
			    is_first_with_its_templates(config, i))
				result =
					write_for(context, &config->collectors[i],
						  names_of(config, &config->collectors[i]), output);
	return result;
}
