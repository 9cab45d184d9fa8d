/* config_overlap.c - interfaces that are read twice, by their names. Which packets a rule logs is
 * not known here: agentctl doctor compares rules. */
#include "config_overlap.h"

#include "config_source.h"
#include "log.h"

#include <string.h>

/* The interface whose packets a source sees; NULL: it is none of an interface. */
static const char *interface_of(const struct source_config *source)
{
	const enum config_option_id option = config_source_option(source->type);

	if (option != OPTION_interface && option != OPTION_bpf)
		return NULL;
	return source->name + strlen(source->type->prefix);
}

static bool is_any(const struct source_config *source)
{
	return strcmp(source->name, "any") == 0;
}

static bool overlaps(const struct source_config *one, const struct source_config *other)
{
	const char *first = interface_of(one);
	const char *second = interface_of(other);

	if (!first || !second || one->filter[0] || other->filter[0])
		return false;
	return is_any(one) || is_any(other) || strcmp(first, second) == 0;
}

const char *config_overlap_find(const struct config *config, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (overlaps(&config->sources[i], &config->sources[index]))
			return config->sources[i].name;
	return NULL;
}

static bool is_doubled(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->source_count; i++)
		if (strcmp(config->sources[i].name, name) == 0)
			return config_overlap_find(config, i) != NULL;
	return false;
}

void config_overlap_warn(const struct config *config, const struct config *before)
{
	for (size_t i = 0; before && i < before->source_count; i++)
		if (!is_doubled(config, before->sources[i].name))
			log_problem_over("overlap", before->sources[i].name);
	for (size_t i = 0; i < config->source_count; i++) {
		const char *name = config->sources[i].name;
		const char *other = config_overlap_find(config, i);

		if (other)
			log_problem(LOG_LEVEL_warning, "overlap", "duplicates", name,
				    "%s and %s see the same packets, so their flows count twice: "
				    "read one of them, or part them by filters",
				    other, name);
	}
}
