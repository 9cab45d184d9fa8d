/* control_templates.c - the data templates that collectors get, as rows.
 *
 * They are made anew from the table that the encoders use, for each export version in use (NetFlow
 * v5 has none); without a collector for the default version, so that one can see what would be
 * sent. */
#include "control_rows.h"
#include "control_server.h"

#include "encoder.h"

static int write_template(const struct template *template, uint8_t version, int family,
			  struct control_output *output)
{
	int result = 0;

	for (size_t i = 0; !result && i < template->field_count; i++) {
		const struct export_field *field = template->fields[i];

		result = control_output_row(
			output,
			json_pack("{s:i, s:i, s:i, s:I, s:s, s:i, s:i, s:i}", "version", version,
				  "template", template->id, "family", family, "position",
				  (json_int_t)(i + 1), "field", field->name, "element", field->id,
				  "size", field->size, "record_size", template->record_size));
	}
	return result;
}

/* NetFlow v5 has no templates: one row says so. */
static int write_none(uint8_t version, struct control_output *output)
{
	return control_output_row(output,
				  json_pack("{s:i, s:n, s:i, s:n, s:s, s:n, s:n, s:n}", "version",
					    version, "template", "family", 4, "position", "field",
					    "none", "element", "size", "record_size"));
}

static int write_templates(const struct control_context *context, uint8_t version, bool has_uptime,
			   struct control_output *output)
{
	struct template_choice choice = *pipeline_template_choice(context->pipeline);
	const struct encoder_type *encoder = encoder_find(version);
	struct template_set set;
	int result;

	if (!encoder->add_templates)
		return write_none(version, output);
	choice.has_uptime = has_uptime;
	template_set_init(&set, encoder->protocol, &choice);
	result = write_template(&set.ipv4, version, 4, output);
	return result ? result : write_template(&set.ipv6, version, 6, output);
}

int control_write_templates(const struct control_context *context, struct control_output *output)
{
	const struct config *config = context->config;
	bool is_used[256][2] = { 0 }; /* by version, and whether times are SysUptime */
	int result = 0;

	for (size_t i = 0; i < config->collector_count; i++)
		is_used[config->collectors[i].version][config->collectors[i].uptime] = true;
	if (config->collector_count == 0)
		is_used[config->export_version][0] = true;
	for (unsigned int version = 0; !result && version < 256; version++)
		for (int has_uptime = 0; !result && has_uptime < 2; has_uptime++)
			if (is_used[version][has_uptime])
				result = write_templates(context, (uint8_t)version, has_uptime,
							 output);
	return result;
}
