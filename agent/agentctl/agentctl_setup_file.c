/* agentctl_setup_file.c - the file that `setup` writes into conf.d: settings for the daemon, and,
 * as comments, what there is to take back.
 *
 * Place: agentctl_setup.c -> here -> conf.d; the daemon checks it. */
#include "agentctl_setup.h"

#include "agentctl_program.h"
#include "agentctl_rules_make.h"
#include "agentctl_rules_system.h"
#include "fault_text.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *text;
	size_t member;
} lines[] = {
	{ "# It has installed the rules.\n", offsetof(struct setup_state, has_rules) },
	{ "# It has installed the drop-in for --bpf.\n",
	  offsetof(struct setup_state, has_drop_in) },
	{ "# It has enabled the service.\n", offsetof(struct setup_state, has_enabled) },
	{ "# It has started the service.\n", offsetof(struct setup_state, has_started) },
};

enum { LINES = sizeof(lines) / sizeof(lines[0]) };

char *setup_format(const struct setup_file *file)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	(void)fputs("# Made by agentctl setup; agentctl setup --undo takes it back.\n", stream);
	for (size_t i = 0; i < LINES; i++)
		if (*((const bool *)&file->state + lines[i].member))
			(void)fputs(lines[i].text, stream);
	(void)fputs("[agent]\n", stream);
	if (*file->collector)
		(void)fprintf(stream, "collector = %s\n", file->collector);
	for (size_t i = 0; i < file->bpf.interface_count; i++)
		(void)fprintf(stream, "bpf = %s\n", file->bpf.interfaces[i]);
	if (fclose(stream) == 0)
		return text;
	free(text);
	return NULL;
}

/* The value in a line such as "key = value", cut to 'size'; false if the line is another one. */
static bool value_of(const char *line, const char *key, char *value, size_t size)
{
	const size_t length = strlen(key);

	if (strncmp(line, key, length) != 0)
		return false;
	(void)snprintf(value, size, "%.*s", (int)strcspn(line + length, "\n"), line + length);
	return true;
}

void setup_parse(const char *text, struct setup_file *file)
{
	struct error_text ignored;
	char interface[IF_NAMESIZE];

	*file = (struct setup_file){ .state = { .has_rules = false } };
	for (size_t i = 0; i < LINES; i++)
		*((bool *)&file->state + lines[i].member) = strstr(text, lines[i].text) != NULL;
	for (const char *line = text; *line; line += *line == '\n') {
		(void)value_of(line, "collector = ", file->collector, sizeof(file->collector));
		if (value_of(line, "bpf = ", interface, sizeof(interface)))
			(void)ruleset_add_interface(&file->bpf, interface, &ignored);
		line += strcspn(line, "\n");
	}
}

/* Have the daemon look at all files, as the service will. */
static enum agentctl_exit check_config(struct error_text *error)
{
	static const char *const check[] = { "flowagent", "--check-config", "--config",
					     DEFAULT_CONFIG_FILE, NULL };
	struct program_result result;
	const int fault = agentctl_program_run(check, NULL, &result);
	enum agentctl_exit status = AGENTCTL_DONE;

	if (fault) {
		error_text_set(error, "flowagent cannot be run: %s", fault_text(-fault));
		return AGENTCTL_FAILED;
	}
	if (result.status != 0) {
		error_text_set(error, "%s: nothing was changed", result.fault);
		status = AGENTCTL_FAILED;
	}
	agentctl_program_clear(&result);
	return status;
}

/* Write the file, or take it away with NULL. */
static enum agentctl_exit put_file(const char *text, struct error_text *error)
{
	char temporary[4096];
	int fault = text ? agentctl_rules_write(SETUP_FILE, text, temporary, sizeof(temporary)) : 0;

	if (text && !fault && rename(temporary, SETUP_FILE) != 0) {
		fault = -errno;
		(void)unlink(temporary);
	}
	if (!text && unlink(SETUP_FILE) != 0 && errno != ENOENT)
		fault = -errno;
	if (!fault)
		return AGENTCTL_DONE;
	error_text_set(error, "cannot write " SETUP_FILE ": %s", fault_text(-fault));
	return AGENTCTL_FAILED;
}

enum agentctl_exit setup_file_write(const struct setup_file *file, bool *is_changed,
				    struct error_text *error)
{
	char *before = agentctl_rules_read_file(SETUP_FILE);
	char *text = setup_format(file);
	enum agentctl_exit result = AGENTCTL_FAILED;
	struct error_text ignored;

	*is_changed = false;
	if (!before || !text) {
		error_text_set(error, "out of memory");
	} else {
		*is_changed = strcmp(text, before) != 0;
		result = *is_changed ? put_file(text, error) : AGENTCTL_DONE;
	}
	if (!result) {
		result = check_config(error);
		if (result)
			(void)put_file(*before ? before : NULL, &ignored);
	}
	free(before);
	free(text);
	return result;
}

enum agentctl_exit setup_file_remove(struct error_text *error)
{
	return put_file(NULL, error);
}
