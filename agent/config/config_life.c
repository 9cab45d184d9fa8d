/* config_life.c - a struct config from its defaults to its end.
 *
 * Place: config_load() -> config_init(), config_apply() for each value, config_finish() -> daemon.
 */
#include "config_life.h"

#include "config_apply.h"
#include "config_collector.h"
#include "config_fields.h"
#include "config_flow_key.h"
#include "config_offload.h"
#include "config_options.h"
#include "config_source.h"
#include "config_source_id.h"
#include "config_timeout.h"
#include "memory_limit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FLOWS_OF_FILES 65536

int config_init(struct config *config, struct error_text *error)
{
	struct error_text why = { .text = "" };

	(void)memset(config, 0, sizeof(*config));
	config->export_rate = -1;
	config->origins = calloc(CONFIG_OPTION_COUNT, sizeof(*config->origins));
	if (!config->origins) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	for (int i = 0; i < CONFIG_OPTION_COUNT; i++) {
		const struct config_option *option = &config_options[i];
		int result = 0;

		if (option->default_text)
			result = option->type->parse(config, option, option->default_text, &why);
		if (!result)
			continue;
		error_text_set(error, "default of %s: %s", option->name, why.text);
		return result;
	}
	return 0;
}

void config_clear(struct config *config)
{
	config_sources_clear(config);
	config_collectors_clear(config);
	for (size_t i = 0; i < config->file_name_count; i++)
		free(config->file_names[i]);
	free(config->file_names);
	for (size_t i = 0; i < config->text_count; i++) {
		free(config->texts[i].name);
		free(config->texts[i].bytes);
	}
	free(config->texts);
	config_variables_clear(&config->variables);
	interface_rules_clear(&config->if_map);
	free(config->asn_table);
	free(config->networks_file);
	free(config->applications_file);
	free(config->hash_key_file);
	free(config->source_address);
	free(config->config_file);
	free(config->control);
	free(config->summary);
	free(config->user);
	free(config->admin_group);
	free(config->origins);
	(void)memset(config, 0, sizeof(*config));
}

static int check_one_table(const struct config *config, struct error_text *error)
{
	if (!config->asn_table || !config->networks_file)
		return 0;
	config_fail(error, &config->origins[OPTION_asn_table],
		    "asn-table and networks-file: expected one of them; flowagent-asn makes one "
		    "table of several files");
	return -EINVAL;
}

/* A file must give the same records on each machine, so the machine's memory does not count there.
 */
static uint32_t max_flows_default(const struct config *config)
{
	if (!config->sources[0].type->is_live)
		return MAX_FLOWS_OF_FILES;
	return memory_limit_flows(memory_limit_machine(),
				  memory_limit_read("/proc/self/cgroup", "/sys/fs/cgroup"));
}

int config_finish(struct config *config, struct error_text *error)
{
	int result = config_sources_finish(config, error);

	if (!result)
		result = config_collectors_finish(config, error);
	if (!result)
		result = config_flow_key_finish(config, error);
	if (!result)
		result = config_fields_finish(config, error);
	if (!result)
		result = config_offload_finish(config, error);
	if (!result)
		result = check_one_table(config, error);
	if (result)
		return result;
	config_timeouts_finish(config);
	if (!config->origins[OPTION_source_id].file)
		config_source_id_choose(config);
	if (!config->origins[OPTION_max_flows].file)
		config->max_flows = max_flows_default(config);
	return 0;
}
