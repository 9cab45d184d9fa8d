/* config.c - the order of things: defaults, file, drop-ins, command line, what follows from them.
 *
 * argv names the file, so it is split first and applied last. Each value goes through
 * config_apply(), which knows where it came from. */
#include "config.h"

#include "config_arguments.h"
#include "config_file.h"
#include "config_service.h"
#include "config_tables.h"
#include "config_help.h"
#include "config_options.h"
#include "defaults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	interface_rules_clear(&config->if_map);
	free(config->networks_file);
	free(config->applications_file);
	free(config->source_address);
	free(config->config_file);
	free(config->control);
	free(config->summary);
	free(config->user);
	free(config->origins);
	(void)memset(config, 0, sizeof(*config));
}

const char *config_file_name(struct config *config, const char *name)
{
	char **names = realloc(config->file_names, (config->file_name_count + 1) * sizeof(*names));
	char *copy = strdup(name);

	if (names)
		config->file_names = names;
	if (names && copy) {
		names[config->file_name_count++] = copy;
		return copy;
	}
	free(copy);
	return NULL;
}

/* Values of a file have a line. */
static bool is_of_file(const struct config_origin *origin)
{
	return origin->line > 0;
}

void config_fail(struct error_text *error, const struct config_origin *origin, const char *format,
		 ...)
{
	char text[sizeof(error->text)];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (is_of_file(origin))
		error_text_set(error, "%s:%d: %s", origin->file, origin->line, text);
	else
		error_text_set(error, "%s", text);
}

static void fail_value(const struct config_option *option, const char *value,
		       const struct config_origin *origin, const struct error_text *why,
		       struct error_text *error)
{
	if (is_of_file(origin))
		config_fail(error, origin, "%s: value \"%.100s\": %s", option->name, value,
			    why->text);
	else
		config_fail(error, origin, "--%s \"%.100s\": %s", option->name, value, why->text);
	if (why->hint[0])
		error_text_hint(error, "%s", why->hint);
	else if (is_of_file(origin) && strstr(value, " #"))
		error_text_hint(error, "behind a value a comment starts with ;");
}

/* What an option may change beside its own value: its origin is to be told where that is shown. */
static void mark_others(struct config *config, const struct config *before,
			enum config_option_id id, const struct config_origin *origin)
{
	if (id == OPTION_collector)
		config->collectors[config->collector_count - 1].origin = *origin;
	if (id != OPTION_timeout)
		return;
	if (config->expiry.active_ms != before->expiry.active_ms)
		config->origins[OPTION_active_timeout] = *origin;
	if (config->inactive_timeout_ms != before->inactive_timeout_ms)
		config->origins[OPTION_inactive_timeout] = *origin;
}

int config_apply(struct config *config, enum config_option_id id, const char *value,
		 const struct config_origin *origin, struct error_text *error)
{
	const struct config_option *option = &config_options[id];
	const struct config before = *config;
	struct config_origin *last = &config->origins[id];
	struct error_text why = { .text = "" };
	int result = -EINVAL;

	if (!(option->flags & OPTION_LIST) && is_of_file(origin) && last->file == origin->file) {
		config_fail(error, origin, "%s: set in line %d already", option->name, last->line);
		return -EINVAL;
	}
	if (option->argument && !*value)
		error_text_set(&why, "expected %s", option->argument);
	else
		result = option->type->parse(config, option, value, &why);
	if (result) {
		fail_value(option, value, origin, &why, error);
		return result;
	}
	*last = *origin;
	mark_others(config, &before, id, origin);
	return 0;
}

/* FNV-1a, 32 bits: short, and the same on every machine for ever, which is all that is asked. */
static uint32_t mix(uint32_t hash, const char *text)
{
	do
		hash = (hash ^ (uint8_t)*text) * 16777619u;
	while (*text++);
	return hash;
}

uint32_t config_source_id(const char *machine, const char *instance)
{
	uint32_t hash = mix(mix(2166136261u, machine), instance);

	return hash ? hash : 1;
}

/* The machine id (machine-id(5)) is not for the wire, but its hash may go there; without one the
 * host's name. */
static void read_machine(char *machine, size_t size)
{
	int descriptor = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	ssize_t got = descriptor < 0 ? -1 : read(descriptor, machine, size - 1);

	if (descriptor >= 0)
		(void)close(descriptor);
	if (got >= 32) {
		machine[32] = '\0';
		return;
	}
	(void)memset(machine, 0, size);
	(void)gethostname(machine, size - 1);
}

/* What tells agents of one host apart: the control socket, else $INSTANCE, which a service template
 * may set, else whether it reads a file. */
static const char *instance_name(const struct config *config)
{
	const char *instance = getenv("INSTANCE");

	if (config->control)
		return config->control;
	if (instance)
		return instance;
	return config->sources[0].type->is_live ? "" : "read";
}

int config_finish(struct config *config, struct error_text *error)
{
	int result = config_sources_finish(config, error);
	char machine[256];

	if (!result)
		result = config_collectors_finish(config, error);
	if (!result)
		result = config_flow_key_finish(config, error);
	if (!result)
		result = config_fields_finish(config, error);
	if (result)
		return result;
	config_timeouts_finish(config);
	if (!config->origins[OPTION_source_id].file) {
		read_machine(machine, sizeof(machine));
		config->source_id = config_source_id(machine, instance_name(config));
	}
	return 0;
}

static int check_file(const struct config *config, enum config_option_id option, const char *path,
		      struct error_text *error)
{
	int result;

	if (!path || access(path, R_OK) == 0)
		return 0;
	result = -errno;
	config_fail(error, &config->origins[option], "cannot read %s %s: %s",
		    config_options[option].name, path, strerror(-result));
	return result;
}

/* What a start would read, read as it would. Errors of a file's content name its own line. */
static int check_tables(const struct config *config, struct error_text *error)
{
	struct asn_file_report report;
	struct asn_table *networks =
		config->networks_file ? config_networks_load(config->networks_file, &report, error)
				      : NULL;
	struct application_table *applications = NULL;
	int result = config->networks_file && !networks ? -EINVAL : 0;

	asn_table_destroy(networks);
	if (result || !config->applications_file)
		return result;
	applications = config_applications_load(config->applications_file, error);
	application_table_destroy(applications);
	return applications ? 0 : -EINVAL;
}

static int check_captures(const struct config *config, struct error_text *error)
{
	int result = 0;

	for (size_t i = 0; !result && i < config->source_count; i++) {
		const struct source_config *source = &config->sources[i];
		struct error_text why = { .text = "" };

		if (!source->type->check_access)
			continue;
		result = source->type->check_access(source, &why);
		if (result)
			config_fail(error, &config->origins[config_source_option(source->type)],
				    "%s", why.text);
	}
	return result;
}

/* --check-config promises that a start will not fail for a file that is not there, or does not hold
 * what it should. */
static int check_files(const struct config *config, struct error_text *error)
{
	int result = check_file(config, OPTION_networks_file, config->networks_file, error);

	if (!result)
		result = check_file(config, OPTION_applications_file, config->applications_file,
				    error);
	if (!result)
		result = check_tables(config, error);
	if (!result)
		result = check_captures(config, error);
	for (size_t i = 0; !result && i < config->collector_count; i++)
		result = config_transport_check_files(&config->collectors[i], error);
	return result;
}

/* Read and apply everything, now that the words of the command line are known. */
static int load(struct config *config, const struct config_arguments *arguments,
		struct error_text *error)
{
	const char *file = config_arguments_find(arguments, OPTION_config);
	int result = 0;

	if (!file && config_arguments_find(arguments, OPTION_check_config))
		file = DEFAULT_CONFIG_FILE;
	if (file && *file)
		result = config_file_read(config, file, error);
	if (!result)
		result = config_arguments_apply(arguments, config, error);
	if (!result)
		result = config_finish(config, error);
	if (!result && config->check_only)
		result = check_files(config, error);
	return result;
}

/* All of it once more, for config_service_run(). */
static int load_again(void *context, struct error_text *error)
{
	const struct config_arguments *arguments = context;
	struct config config;
	int result = config_init(&config, error);

	if (!result)
		result = load(&config, arguments, error);
	config_clear(&config);
	return result;
}

/* --check-config by root of the service's file: may the service read what root may? */
static int check_as_service(struct config_arguments *arguments, struct error_text *error)
{
	const char *file = config_arguments_find(arguments, OPTION_config);

	if (!config_service_applies(file ? file : DEFAULT_CONFIG_FILE))
		return 0;
	return config_service_run(load_again, arguments, error);
}

/* Print and see that it arrived: nobody must take "--check-config >/dev/full" for a yes. */
static enum config_result finish_output(struct error_text *error)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return CONFIG_done;
	error_text_set(error, "cannot write to standard output: %s", strerror(errno));
	return CONFIG_failed;
}

enum config_result config_parse(struct config *config, int argc, char *const *argv,
				struct error_text *error)
{
	struct config_arguments arguments = { .count = 0 };
	bool has_help = false;
	bool has_version = false;
	int result;

	error_text_set(error, "%s", "");
	result = config_init(config, error);
	if (!result)
		result = config_arguments_parse(&arguments, argc, argv, error);
	if (!result) {
		has_help = config_arguments_find(&arguments, OPTION_help) != NULL;
		has_version = config_arguments_find(&arguments, OPTION_version) != NULL;
	}
	if (!result && !has_help && !has_version)
		result = load(config, &arguments, error);
	if (!result && config->check_only)
		result = check_as_service(&arguments, error);
	config_arguments_clear(&arguments);
	if (result)
		return result == -ENOMEM || result == -EOPNOTSUPP ? CONFIG_failed : CONFIG_invalid;
	if (has_help)
		config_print_help(stdout);
	else if (has_version)
		config_print_version(stdout);
	else if (config->check_only)
		config_print_check(config, stdout);
	else
		return CONFIG_run;
	return finish_output(error);
}

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
	if (is_of_file(origin))
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
