/* config_load.c - the order of things: defaults, file, drop-ins, command line, what follows from
 * them.
 *
 * argv names the file, so it is split first and applied last. Each value goes through
 * config_apply(), which knows where it came from. */
#include "config_load.h"

#include "asn_report.h"
#include "config_apply.h"
#include "config_arguments.h"
#include "config_file.h"
#include "config_hash_key.h"
#include "config_help.h"
#include "config_life.h"
#include "config_options.h"
#include "config_service.h"
#include "config_source.h"
#include "config_tables.h"
#include "config_transport.h"
#include "defaults.h"
#include "fault_text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int check_file(const struct config *config, enum config_option_id option, const char *path,
		      struct error_text *error)
{
	int result;

	if (!path || access(path, R_OK) == 0)
		return 0;
	result = -errno;
	config_fail(error, &config->origins[option], "cannot read %s %s: %s",
		    config_options[option].name, path, fault_text(-result));
	config_fail_hint(error, &config->origins[option], path, NULL);
	return result;
}

/* What a start would read, read as it would. Errors of a file's content name its own line, and so
 * does what is skipped. */
static int check_tables(const struct config *config, struct error_text *error)
{
	const bool has_table = config->asn_table || config->networks_file;
	struct asn_file_report report;
	struct asn_table *table = has_table ? config_asn_load(config, &report, error) : NULL;
	struct application_table *applications = NULL;
	int result = has_table && !table ? -EINVAL : 0;

	if (table)
		asn_report_log(config->asn_table ? config->asn_table : config->networks_file, table,
			       &report);
	asn_table_destroy(table);
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
		if (result && why.hint[0])
			error_text_hint(error, "%s", why.hint);
	}
	return result;
}

/* --check-config promises that a start will not fail for a file that is not there, or does not hold
 * what it should. */
static int check_files(const struct config *config, struct error_text *error)
{
	struct hash_key key;
	int result = check_file(config, OPTION_asn_table, config->asn_table, error);

	if (!result)
		result = check_file(config, OPTION_networks_file, config->networks_file, error);
	if (!result)
		result = check_file(config, OPTION_applications_file, config->applications_file,
				    error);
	if (!result)
		result = check_file(config, OPTION_hash_key_file, config->hash_key_file, error);
	if (!result)
		result = config_hash_key_load(config, &key, error);
	if (!result)
		result = check_tables(config, error);
	if (!result)
		result = check_captures(config, error);
	for (size_t i = 0; !result && i < config->collector_count; i++)
		result = config_transport_check_files(&config->collectors[i], error);
	return result;
}

/* Texts in place of files; NULL: the files. */
struct kept_texts {
	const struct config_text *texts;
	size_t count;
	const struct config_variables *variables; /* that stand in them; NULL: none are known */
};

/* Read and apply everything, now that the words of the command line are known. */
static int load(struct config *config, const struct config_arguments *arguments,
		const struct kept_texts *kept, struct error_text *error)
{
	const char *file = config_arguments_find(arguments, OPTION_config);
	int result = 0;

	if (!file && config_arguments_find(arguments, OPTION_check_config))
		file = DEFAULT_CONFIG_FILE;
	if (kept && kept->variables)
		result = config_variables_copy(&config->variables, kept->variables, error);
	if (!result && kept)
		result = config_file_read_texts(config, kept->texts, kept->count, error);
	else if (!kept && file && *file)
		result = config_file_read(config, file, error);
	if (!result)
		result = config_arguments_apply(arguments, config, error);
	return result;
}

/* The same, and what follows from it. */
static int load_whole(struct config *config, const struct config_arguments *arguments,
		      const struct kept_texts *kept, struct error_text *error)
{
	int result = load(config, arguments, kept, error);

	if (!result)
		result = config_finish(config, error);
	if (!result && config->check_only)
		result = check_files(config, error);
	return result;
}

/* All of it again, for config_service_run(). */
static int load_again(void *context, struct error_text *error)
{
	const struct config_arguments *arguments = context;
	struct config config;
	int result = config_init(&config, error);

	if (!result)
		result = load_whole(&config, arguments, NULL, error);
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
	error_text_set(error, "cannot write to standard output: %s", fault_text(errno));
	return CONFIG_failed;
}

static enum config_result load_from(struct config *config, int argc, char *const *argv,
				    const struct kept_texts *kept, struct error_text *error)
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
		result = load_whole(config, &arguments, kept, error);
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

enum config_result config_load(struct config *config, int argc, char *const *argv,
			       struct error_text *error)
{
	return load_from(config, argc, argv, NULL, error);
}

enum config_result config_load_texts(struct config *config, int argc, char *const *argv,
				     const struct config_text *texts, size_t count,
				     const struct config_variables *variables,
				     struct error_text *error)
{
	return load_from(config, argc, argv, &(struct kept_texts){ texts, count, variables },
			 error);
}

int config_override_check(const char *name, bool *adds, struct error_text *error)
{
	char guess[CONFIG_GUESS_SIZE];
	const int option = config_option_find(name, true, guess);
	char quote[ERROR_QUOTE_SIZE];

	error_text_quote(name, strlen(name), quote);
	if (option < 0) {
		error_text_set(error, "unknown option \"%s\"%s", quote, guess);
	} else if (config_option_is_of_objects(option)) {
		error_text_set(error, "%s: stands for several: change the file, and reload", quote);
	} else if (config_options[option].needs_restart) {
		error_text_set(error, "%s: needs a restart", quote);
		error_text_hint(error, "change the file, and restart the agent");
	} else {
		*adds = (config_options[option].flags & OPTION_LIST) != 0;
		return 0;
	}
	return -EINVAL;
}

static int apply_settings(struct config *config, const struct config_again *again,
			  struct error_text *error)
{
	static const struct config_origin origin = { .file = "agentctl set" };
	char guess[CONFIG_GUESS_SIZE];
	int result = 0;

	for (size_t i = 0; !result && i < again->setting_count; i++) {
		const int option = config_option_find(again->settings[i].name, true, guess);

		result = config_apply(config, (enum config_option_id)option,
				      again->settings[i].value, &origin, error);
	}
	return result;
}

enum config_result config_load_again(struct config *config, const struct config_again *again,
				     struct error_text *error)
{
	const struct kept_texts kept = { again->texts, again->text_count, again->variables };
	struct config_arguments arguments = { .count = 0 };
	int result;

	error_text_set(error, "%s", "");
	result = config_init(config, error);
	if (!result)
		result = config_arguments_parse(&arguments, again->argc, again->argv, error);
	if (!result)
		result = load(config, &arguments, again->texts ? &kept : NULL, error);
	if (!result)
		result = apply_settings(config, again, error);
	if (!result)
		result = config_finish(config, error);
	if (!result)
		result = check_files(config, error);
	config_arguments_clear(&arguments);
	if (!result)
		return CONFIG_run;
	return result == -ENOMEM ? CONFIG_failed : CONFIG_invalid;
}
