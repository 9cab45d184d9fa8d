/* config_value.c - each row of config_options.def, written by its type. */
#include "config_value.h"

#include "config_apply.h"
#include "config_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

size_t config_option_count(void)
{
	size_t count = 0;

	while (count < CONFIG_OPTION_COUNT && !(config_options[count].flags & OPTION_ACTION))
		count++;
	return count;
}

int config_value(const struct config *config, size_t index, struct config_value *value)
{
	const struct config_option *option = &config_options[index];
	const struct config_origin *origin = &config->origins[index];
	size_t size = 0;
	FILE *out;

	(void)memset(value, 0, sizeof(*value));
	value->name = option->name;
	value->is_default = !origin->file;
	value->needs_restart = option->needs_restart;
	if (config_origin_is_file(origin))
		(void)snprintf(value->origin, sizeof(value->origin), "%s:%d", origin->file,
			       origin->line);
	else
		(void)snprintf(value->origin, sizeof(value->origin), "%s",
			       origin->file ? origin->file : "default");
	out = open_memstream(&value->value, &size);
	if (!out)
		return -ENOMEM;
	option->type->format(config, option, out);
	if (fclose(out)) {
		config_value_clear(value);
		return -ENOMEM;
	}
	if (!size)
		config_value_clear(value);
	return 0;
}

void config_value_clear(struct config_value *value)
{
	free(value->value);
	value->value = NULL;
}
