/* config_offload.c - offload= of a source: what only the packets themselves say cannot be had. */
#include "config_offload.h"

#include "config_apply.h"
#include "config_keys.h"
#include "config_text.h"
#include "encoder.h"
#include "flow_columns.h"
#include "template.h"

#include <errno.h>

/* Optional data of flows that depend on the order of packets. */
#define LINKS                                                                 \
	(FLOW_COLUMNS_OF_LINK | FLOW_COLUMN_BIT(FLOW_COLUMN_physical_input) | \
	 FLOW_COLUMN_BIT(FLOW_COLUMN_physical_output))

static unsigned int columns_of(const struct config *config,
			       const struct config_collector *collector)
{
	const struct encoder_type *encoder = encoder_find(collector->version);
	const struct template_choice choice = { .key = config->flow_key,
						.fields = collector->field_set };
	struct template_set set;

	if (!encoder->protocol)
		return 0;
	template_set_init(&set, (enum export_protocol)encoder->protocol, &choice);
	return template_set_columns(&set);
}

static int check_collector(const struct config *config, const struct config_collector *collector,
			   struct error_text *error)
{
	const unsigned int columns = columns_of(config, collector);

	if (!(columns & (FLOW_COLUMNS_OF_TCP | LINKS)))
		return 0;
	config_fail(error, config_key_origin(collector, KEY_collector_fields),
		    "collector %s: fields: %s cannot be had of flows that the kernel counts",
		    collector->name,
		    columns & FLOW_COLUMNS_OF_TCP ? "round-trip times and retransmissions"
						  : "link addresses and ports of a bridge");
	error_text_hint(error, "leave out these fields, or offload= of the source");
	return -EINVAL;
}

int config_offload_finish(const struct config *config, struct error_text *error)
{
	const struct source_config *source = NULL;
	int result = 0;

	for (size_t i = 0; i < config->source_count; i++)
		if (config->sources[i].offload)
			source = &config->sources[i];
	if (!source)
		return 0;
	if (flow_key_has(&config->flow_key, FLOW_KEY_mark) || config->flow_key.has_mark_as_tos) {
		config_fail(error, &config->origins[OPTION_flow_key],
			    "source %s: offload: expected without the mark in flow-key: the "
			    "kernel tells flows apart without it",
			    source->name);
		return -EINVAL;
	}
	for (size_t i = 0; !result && i < config->collector_count; i++)
		result = check_collector(config, &config->collectors[i], error);
	return result;
}
