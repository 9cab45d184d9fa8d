/* config_load.h - command line and flowagent.conf -> struct config, by way of the table
 * config_options.def.
 *
 * Place: flowagent.c -> here -> config_arguments.c, config_file.c -> struct config.
 *
 * The command line wins over the file for options with one value. Sources (nflog, interface, read)
 * on the command line replace all sources of the file, and collectors all its collectors. A file is
 * read only with --config (the service unit passes it), and with it the files of conf.d beside
 * it; later files win. */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config.h"

enum config_result {
	CONFIG_run,     /* continue */
	CONFIG_done,    /* --help, --version, --check-config: printed, exit status 0 */
	CONFIG_invalid, /* wrong usage or file: 'error' filled, exit status 2 */
	CONFIG_failed,  /* cannot be served (no memory): 'error' filled, exit status 1 */
};

/* Parse the command line, then the file that it names. 'config' is filled with defaults first;
 * clear it in any case (config_life.h). */
enum config_result config_load(struct config *config, int argc, char *const *argv,
			       struct error_text *error);

/* The same with 'count' texts in place of that file, and of those of conf.d beside it. 'variables'
 * stand in them, before those of the environment; copied, NULL: none. */
enum config_result config_load_texts(struct config *config, int argc, char *const *argv,
				     const struct config_text *texts, size_t count,
				     const struct config_variables *variables,
				     struct error_text *error);

/* What `agentctl set` has said. */
struct config_override {
	char *name;  /* of an option */
	char *value; /* both are the caller's */
};

/* All of it again, for a running agent: from the files, or with 'texts' not NULL from those, then
 * from the command line, then from 'settings'. What a start would read is read, as with
 * --check-config. Only CONFIG_run means that there is a configuration. */
struct config_again {
	int argc;
	char *const *argv;
	const struct config_text *texts;
	size_t text_count;
	const struct config_variables *variables; /* of the texts; NULL: none are known */
	const struct config_override *settings;
	size_t setting_count;
};
enum config_result config_load_again(struct config *config, const struct config_again *again,
				     struct error_text *error);

/* Whether `agentctl set` may change an option: a value of its own, for which no restart is needed.
 * 'adds' says whether values add up. Returns 0 or -EINVAL with 'error' filled. */
int config_override_check(const char *name, bool *adds, struct error_text *error);

#endif
