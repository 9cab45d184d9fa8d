/* config_source.c - packet sources: nflog, interface, read, ulog, and [source "NAME"].
 *
 * A source is known by its name ("nflog:40", "eth0", a file). Named again, by an option or by its
 * section, it is the same one and takes over what is said of it. */
#include "config_options.h"

#include "cpu_list.h"
#include "defaults.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX 256 /* each is a thread */

/* "auto": the first of several groups on the first CPU that is online, and so on, around when there
 * are more groups. So `agentctl rules --per-cpu` numbers them, too. */
static void cpu_resolve(struct source_config *source, size_t position)
{
	struct cpu_list list;

	if (source->cpu != CONFIG_CPU_AUTO)
		return;
	cpu_list_online(&list);
	source->cpu = list.numbers[position % list.count] + 1u;
}

static struct source_config *source_find(struct config *config, const char *name)
{
	for (size_t i = 0; i < config->source_count; i++)
		if (!strcmp(config->sources[i].name, name))
			return &config->sources[i];
	return NULL;
}

/* Find or add. 'settings' has kind and group, and what it says of sizes is taken over. */
static int source_add(struct config *config, const char *name, const struct source_config *settings,
		      struct error_text *error)
{
	struct source_config *source = source_find(config, name);

	if (!source) {
		struct source_config added = *settings;
		struct source_config *sources;

		if (config->source_count == SOURCES_MAX) {
			error_text_set(error, "expected at most %d sources in all", SOURCES_MAX);
			return -EINVAL;
		}
		sources = realloc(config->sources, (config->source_count + 1) * sizeof(*sources));
		if (sources)
			config->sources = sources;
		added.name = NULL;
		if (!sources || config_text_replace(&added.name, name, error)) {
			error_text_set(error, "out of memory");
			return -ENOMEM;
		}
		config->sources[config->source_count++] = added;
		return 0;
	}
	return config_keys_take(source, settings, SECTION_source, error);
}

/* Of one interface only: a log group gets what passes the hook, and "any" has no device to set. */
static int promiscuous_check(const struct source_config *source, const char *name,
			     struct error_text *error)
{
	if (source->promiscuous != SOURCE_SWITCH_on ||
	    (source->kind == SOURCE_INTERFACE && strcmp(name, "any") != 0))
		return 0;
	error_text_set(error, "promiscuous: expected with one interface, such as eth0");
	return -EINVAL;
}

/* "40" or "40-43". */
static int groups_parse(const char *text, uint16_t *first, uint16_t *last, struct error_text *error)
{
	char copy[UNITS_TEXT_SIZE];
	uint64_t from = 0;
	uint64_t to = 0;
	char *dash;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		goto wrong;
	dash = strchr(copy, '-');
	if (dash)
		*dash++ = '\0';
	if (units_number_parse(copy, &from) || units_number_parse(dash ? dash : copy, &to))
		goto wrong;
	if (to > UINT16_MAX || from > to)
		goto wrong;
	if (to - from >= SOURCES_MAX) {
		error_text_set(error, "expected at most %d groups, each has a thread", SOURCES_MAX);
		return -EINVAL;
	}
	*first = (uint16_t)from;
	*last = (uint16_t)to;
	return 0;
wrong:
	error_text_set(error, "expected a netfilter log group from 0 to 65535, or a range such as "
			      "40-43");
	return -EINVAL;
}

static int nflog_add(struct config *config, const char *groups,
		     const struct source_config *settings, struct error_text *error)
{
	struct source_config source = *settings;
	uint16_t first;
	uint16_t last;
	int result = groups_parse(groups, &first, &last, error);

	source.kind = SOURCE_NFLOG;
	if (!result)
		result = promiscuous_check(&source, groups, error);
	for (uint32_t group = first; !result && group <= last; group++) {
		char name[UNITS_TEXT_SIZE];

		(void)snprintf(name, sizeof(name), "nflog:%" PRIu32, group);
		source.group = (uint16_t)group;
		source.cpu = settings->cpu;
		cpu_resolve(&source, group - first);
		result = source_add(config, name, &source, error);
	}
	return result;
}

/* What the kernel takes as a name of an interface (net/core/dev.c, dev_valid_name). */
static bool is_interface_name(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || isspace((unsigned char)*name))
			return false;
	return true;
}

static int interface_add(struct config *config, const char *name,
			 const struct source_config *settings, struct error_text *error)
{
	struct source_config source = *settings;

	source.kind = SOURCE_INTERFACE;
	cpu_resolve(&source, 0);
	if (!is_interface_name(name)) {
		error_text_set(error, "expected the name of a network interface, such as eth0");
		return -EINVAL;
	}
	if (promiscuous_check(&source, name, error))
		return -EINVAL;
	return source_add(config, name, &source, error);
}

/* "WHAT,KEY=VALUE..." by way of 'add'. */
static int source_parse(struct config *config, const char *value,
			int (*add)(struct config *config, const char *what,
				   const struct source_config *settings, struct error_text *error),
			struct error_text *error)
{
	struct source_config settings = { .name = NULL };
	char *copy = strdup(value);
	char *keys = copy;
	int result;

	if (!copy) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	(void)strsep(&keys, ",");
	result = config_inline_keys(keys, SECTION_source, config_key_set, &settings, error);
	if (!result)
		result = add(config, copy, &settings, error);
	free(copy);
	return result;
}

static void source_format(const struct config *config, enum source_kind kind, FILE *out)
{
	const char *space = "";

	for (size_t i = 0; i < config->source_count; i++) {
		const struct source_config *source = &config->sources[i];

		if (source->kind != kind)
			continue;
		(void)fputs(space, out);
		space = " ";
		if (kind == SOURCE_NFLOG)
			(void)fprintf(out, "%u", (unsigned int)source->group);
		else
			(void)fputs(source->name, out);
		config_keys_format(source, SECTION_source, out);
	}
}

static int nflog_parse(struct config *config, const struct config_option *option, const char *value,
		       struct error_text *error)
{
	(void)option;
	return source_parse(config, value, nflog_add, error);
}

static void nflog_format(const struct config *config, const struct config_option *option, FILE *out)
{
	(void)option;
	source_format(config, SOURCE_NFLOG, out);
}

const struct config_type config_type_nflog = { nflog_parse, nflog_format, NULL };

static int interface_parse(struct config *config, const struct config_option *option,
			   const char *value, struct error_text *error)
{
	(void)option;
	return source_parse(config, value, interface_add, error);
}

static void interface_format(const struct config *config, const struct config_option *option,
			     FILE *out)
{
	(void)option;
	source_format(config, SOURCE_INTERFACE, out);
}

const struct config_type config_type_interface = { interface_parse, interface_format, "INTERFACE" };

/* A file's name may have commas: keys begin at the first one with the name of a key and '=' behind
 * it. NULL if there are none. */
static char *file_keys(char *value)
{
	char guess[CONFIG_GUESS_SIZE];

	for (char *comma = strchr(value, ','); comma; comma = strchr(comma + 1, ',')) {
		const size_t length = strcspn(comma + 1, "=,");
		char name[UNITS_TEXT_SIZE];

		if (comma[1 + length] != '=' || length >= sizeof(name))
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)length, comma + 1);
		if (config_key_find(SECTION_source, name, true, guess) < 0)
			continue;
		*comma = '\0';
		return comma + 1;
	}
	return NULL;
}

/* What makes sense for a file only. */
static int file_key_set(void *object, enum config_key_id key, const char *value,
			struct error_text *error)
{
	if (key != KEY_source_snaplen && key != KEY_source_buffer && key != KEY_source_wait &&
	    key != KEY_source_promiscuous)
		return config_key_set(object, key, value, error);
	error_text_set(error, "%s: a file has no %s", config_keys[key].name, config_keys[key].name);
	return -EINVAL;
}

static int file_add(struct config *config, const char *name, const struct source_config *settings,
		    struct error_text *error)
{
	struct source_config source = *settings;

	source.kind = SOURCE_FILE;
	cpu_resolve(&source, 0);
	return source_add(config, name, &source, error);
}

static int read_parse(struct config *config, const struct config_option *option, const char *value,
		      struct error_text *error)
{
	struct source_config source = { .kind = SOURCE_FILE };
	char *copy;
	int result;

	(void)option;
	for (size_t i = 0; i < config->source_count; i++) {
		if (config->sources[i].kind != SOURCE_FILE)
			continue;
		error_text_set(error, "expected one file, and there is %.100s already",
			       config->sources[i].name);
		error_text_hint(error, "run flowagent once for each file, or join them: "
				       "mergecap -w - FILE... | flowagent --read -");
		return -EINVAL;
	}
	copy = strdup(value);
	if (!copy) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	result = config_inline_keys(file_keys(copy), SECTION_source, file_key_set, &source, error);
	if (!result)
		result = file_add(config, copy, &source, error);
	free(copy);
	return result;
}

static void read_format(const struct config *config, const struct config_option *option, FILE *out)
{
	(void)option;
	source_format(config, SOURCE_FILE, out);
}

const struct config_type config_type_read = { read_parse, read_format, "FILE" };

/* fprobe-ulog's -U: bit N-1 is ULOG group N. ULOG left Linux with 3.17. */
static int ulog_parse(struct config *config, const struct config_option *option, const char *value,
		      struct error_text *error)
{
	char groups[128] = "";
	char options[400] = "";
	char *end;
	unsigned long mask;

	(void)config;
	errno = 0;
	mask = strtoul(value, &end, 0);
	if (*end || errno || !isdigit((unsigned char)*value) || mask < option->range.minimum ||
	    mask > option->range.maximum) {
		error_text_set(error, "expected a mask of ULOG groups from 1 to 0xffffffff");
		return -EINVAL;
	}
	for (unsigned int bit = 0; bit < 32; bit++) {
		size_t length = strlen(groups);
		size_t used = strlen(options);

		if (!(mask & (1ul << bit)))
			continue;
		(void)snprintf(groups + length, sizeof(groups) - length, "%s%u", length ? "," : "",
			       bit + 1);
		(void)snprintf(options + used, sizeof(options) - used, " -g %u", bit + 1);
	}
	error_text_set(error,
		       "Linux has no ULOG since 3.17; use NFLOG instead, also for IPv6 (group %s)",
		       groups);
	error_text_hint(
		error,
		"in each rule write \"-j NFLOG --nflog-group %s --nflog-size 128\" for \"-j "
		"ULOG --ulog-nlgroup %s ...\", and start flowagent%s",
		strchr(groups, ',') ? "N" : groups, strchr(groups, ',') ? "N" : groups,
		strlen(options) < 100 ? options : " with -g N for each");
	return -EOPNOTSUPP;
}

const struct config_type config_type_ulog = { ulog_parse, NULL, NULL };

int config_source_declare(struct config *config, const char *name, struct error_text *error)
{
	static const struct source_config settings = { .name = NULL };
	static const char prefix[] = "nflog:";
	int result;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0) {
		result = interface_add(config, name, &settings, error);
	} else {
		const char *group = name + sizeof(prefix) - 1;
		uint64_t number;

		/* One section, one source: its keys must find it by this name. */
		result = units_number_parse(group, &number) || (*group == '0' && group[1])
				 ? -EINVAL
				 : nflog_add(config, group, &settings, error);
	}
	if (result == -EINVAL)
		error_text_set(error,
			       "source \"%.60s\": expected \"nflog:GROUP\" with a group "
			       "from 0 to 65535, or the name of an interface",
			       name);
	return result;
}

int config_source_set(struct config *config, const char *name, enum config_key_id key,
		      const char *value, struct error_text *error)
{
	struct source_config *source = source_find(config, name);
	int result = config_key_parse(source, key, value, error);

	if (!result)
		result = promiscuous_check(source, name, error);
	cpu_resolve(source, 0);
	return result;
}

void config_sources_clear(struct config *config)
{
	for (size_t i = 0; i < config->source_count; i++)
		free(config->sources[i].name);
	free(config->sources);
	config->sources = NULL;
	config->source_count = 0;
}

int config_sources_finish(struct config *config, struct error_text *error)
{
	static const struct source_config settings = { .name = NULL };
	char group[UNITS_TEXT_SIZE];

	if (!config->source_count) {
		(void)snprintf(group, sizeof(group), "%d", DEFAULT_NFLOG_GROUP);
		return nflog_add(config, group, &settings, error);
	}
	for (size_t i = 0; config->source_count > 1 && i < config->source_count; i++) {
		if (config->sources[i].kind != SOURCE_FILE)
			continue;
		config_fail(error, &config->origins[OPTION_read],
			    "read: a file cannot be read together with other sources");
		error_text_hint(error, "its packets have their own time; run flowagent once for "
				       "the file and once for the rest");
		return -EINVAL;
	}
	return 0;
}
