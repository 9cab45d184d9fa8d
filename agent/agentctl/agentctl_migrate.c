/* agentctl_migrate.c - `migrate`: the table of probes, and where their settings come from: the
 * words after --, or a file on standard input. */
#include "agentctl_migrate.h"

#include "migration_fprobe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (4 * 1024 * 1024) /* a ruleset may be long */

static const struct peer {
	const char *name;
	void (*migrate)(struct migration *migration, const char *const *words, size_t count,
			char *text);
	const char *result; /* of what the output is; NULL: it has no opening */
} peers[] = {
	{ "fprobe-ulog", migration_fprobe, "flowagent.conf" },
	{ "fprobe", migration_fprobe, "flowagent.conf" },
	{ "softflowd", migrate_softflowd, "flowagent.conf" },
	{ "pmacctd", migrate_nfprobe, "flowagent.conf" },
	{ "uacctd", migrate_nfprobe, "flowagent.conf" },
	{ "ipt_NETFLOW", migrate_ipt_netflow, "flowagent.conf" },
	{ "rules", migrate_rules, NULL },
};

const char *agentctl_migrate_peer(size_t index)
{
	return index < sizeof(peers) / sizeof(peers[0]) ? peers[index].name : NULL;
}

static const struct peer *find_peer(const char *word, struct error_text *error)
{
	char quote[ERROR_QUOTE_SIZE];
	char names[200] = "";

	for (size_t i = 0; i < sizeof(peers) / sizeof(peers[0]); i++) {
		const size_t used = strlen(names);

		if (word && strcmp(word, peers[i].name) == 0)
			return &peers[i];
		(void)snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
			       peers[i].name);
	}
	if (word)
		error_text_set(error, "\"%s\" is not known here; expected %s",
			       error_text_quote(word, strlen(word), quote), names);
	else
		error_text_set(error, "migrate from what? Expected %s", names);
	return NULL;
}

/* All of standard input, for free(); NULL with 'error' filled. */
static char *read_input(struct error_text *error)
{
	char *text = malloc(INPUT_MAX + 1);
	size_t size;

	if (!text) {
		error_text_set(error, "out of memory");
		return NULL;
	}
	size = fread(text, 1, INPUT_MAX + 1, stdin);
	text[size <= INPUT_MAX ? size : 0] = '\0';
	if (!ferror(stdin) && size <= INPUT_MAX && strlen(text) == size)
		return text;
	if (ferror(stdin))
		error_text_set(error, "cannot read standard input");
	else if (size > INPUT_MAX)
		error_text_set(error, "standard input is longer than %d bytes", INPUT_MAX);
	else
		error_text_set(error, "standard input is no text: it has a zero byte");
	free(text);
	return NULL;
}

/* What a person should act on stands in the output as well. */
static void say(struct migration *migration, enum migration_saying saying, const char *line)
{
	(void)migration;
	if (saying <= MIGRATION_SAYS_warning)
		(void)fprintf(stderr, "agentctl: %s: %s\n", migration_saying_text(saying), line);
}

enum agentctl_exit agentctl_migrate(const struct agentctl_command *command,
				    const struct agentctl_options *options)
{
	struct migration migration = { .out = stdout, .say = say };
	struct error_text error = { .text = "" };
	const struct peer *peer = find_peer(options->word_count ? options->words[0] : NULL, &error);
	char *text = NULL;

	(void)command;
	if (peer && options->word_count == 1)
		text = read_input(&error);
	if (!peer || error.text[0]) {
		agentctl_print_error(&error);
		return peer ? AGENTCTL_FAILED : AGENTCTL_USAGE;
	}
	migration.peer = peer->name;
	if (peer->result)
		(void)printf("# %s in the place of %s, by agentctl migrate\n", peer->result,
			     peer->name);
	peer->migrate(&migration, options->words + 1, options->word_count - 1, text);
	migration_end(&migration);
	free(text);
	if (!migration.is_out_of_memory)
		return migration.is_useless ? AGENTCTL_FAILED : AGENTCTL_DONE;
	error_text_set(&error, "out of memory: the output is not whole");
	agentctl_print_error(&error);
	return AGENTCTL_FAILED;
}
