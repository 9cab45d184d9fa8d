/* migration.h - what the translations of other probes' settings share: the configuration that they
 * write, what they say beside it, and the forms of their input.
 *
 * Place: words or file of another probe -> here -> text of a flowagent.conf. `agentctl migrate`
 * prints it; the daemon under the name fprobe-ulog runs with it.
 *
 * Each thing that the other probe was asked for ends as one of these: an option; "not carried over"
 * (a comment and a saying); "not needed" or a note (likewise). */
#ifndef MIGRATION_H
#define MIGRATION_H

#include "defaults.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define MIGRATION_WORDS     256
#define MIGRATION_VARIABLES 128

/* The NFLOG group in the place of the target NETFLOW, which has none: flowagent's default. */
#define MIGRATION_NETFLOW_GROUP DEFAULT_NFLOG_GROUP

/* What is said beside the configuration. */
enum migration_saying {
	MIGRATION_SAYS_lost,
	MIGRATION_SAYS_wrong,
	MIGRATION_SAYS_warning,
	/* Those above want somebody's attention. */
	MIGRATION_SAYS_not_needed,
	MIGRATION_SAYS_note,
};

struct migration {
	const char *peer; /* name of the other probe */
	FILE *out;        /* the configuration, borrowed */
	/* Gets what is said, each time after its comment is written; NULL: nobody listens. */
	void (*say)(struct migration *migration, enum migration_saying saying, const char *line);
	char **kept; /* memory that lives as long as the migration, owned */
	size_t kept_count, kept_room;
	size_t wrong_count; /* of sayings that the source is wrong */
	bool is_useless;    /* the source exports nothing: what is written replaces nothing */
	bool is_out_of_memory;
};

/* What a saying begins with: "not carried over". */
const char *migration_saying_text(enum migration_saying saying);

/* Write "NAME = VALUE". What is not printable becomes '?', so that a value is one line. */
void migration_option(struct migration *migration, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Say that something cannot be carried over. */
void migration_lost(struct migration *migration, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Say that the source is wrong by itself. */
void migration_wrong(struct migration *migration, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Say something that a person should act on. */
void migration_warn(struct migration *migration, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void migration_not_needed(struct migration *migration, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void migration_note(struct migration *migration, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Have the migration own 'text', which may be NULL: then "" is returned and memory is short. */
char *migration_keep(struct migration *migration, char *text);
char *migration_print(struct migration *migration, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Frees what it owns. */
void migration_end(struct migration *migration);

/* What becomes of an option of the other probe. */
enum migration_fate {
	MIGRATION_CARRIED,    /* the module takes it */
	MIGRATION_NOT_NEEDED, /* it has no meaning here */
	MIGRATION_LOST,
};

struct migration_letter {
	char letter; /* '\0' ends a table */
	bool has_value;
	enum migration_fate fate;
	const char *text; /* why, for the last two fates; NULL for the first */
};

/* Receives an option that is carried, or with letter '\0' a word that is none. */
typedef void migration_take(struct migration *migration, void *context, char letter,
			    const char *value);

/* Say of an option that is not carried what its row says. */
void migration_letter_say(struct migration *migration, const struct migration_letter *row,
			  const char *value);
/* Go through a command line of single letters, as getopt(3) does. */
void migration_letters(struct migration *migration, const struct migration_letter *letters,
		       const char *const *words, size_t count, migration_take *take, void *context);

/* Words of a command line, borrowed or kept by the migration. */
struct migration_words {
	const char *words[MIGRATION_WORDS];
	size_t count;
};

void migration_words_add(struct migration *migration, struct migration_words *words,
			 const char *word);
/* Add the words of a text: blanks separate them, quotes keep them together. */
void migration_words_split(struct migration *migration, struct migration_words *words,
			   const char *text);

/* NAME=VALUE lines as a shell or /etc/config has them. */
struct migration_variables {
	const char *names[MIGRATION_VARIABLES];
	const char *values[MIGRATION_VARIABLES];
	size_t count;
};

/* Read lines NAME=VALUE with quotes, comments, $NAME and ${NAME}. 'text' is changed. */
void migration_variables_read(struct migration *migration, char *text,
			      struct migration_variables *variables);
/* Read "option NAME VALUE" lines of OpenWrt. 'text' is changed. */
void migration_uci_read(struct migration *migration, char *text,
			struct migration_variables *variables);
/* The value of a name in any case; NULL if there is none or it is empty. */
const char *migration_variable(const struct migration_variables *variables, const char *name);

/* A whole number; false if 'text' is none. */
bool migration_number(const char *text, unsigned long *number);

/* The keys "snaplen" and "buffer" of a source with the other probe's number, within flowagent's
 * bounds: another one is lost. "" if 'text' is NULL or no number. */
const char *migration_snaplen(struct migration *migration, const char *text);
const char *migration_buffer(struct migration *migration, const char *text, unsigned long unit);

/* The fields 'names', "+NAME+NAME", of link addresses for NetFlow 'version', with a note that they
 * are no part of the key; "" where the version has none, which is lost. 'option' is what the other
 * probe was asked for them with. */
const char *migration_link_fields(struct migration *migration, const char *option,
				  const char *version, const char *names);

/* Write the active timeout. Zero is off there. */
void migration_active_timeout(struct migration *migration, unsigned long long seconds);

/* 'seconds', or flowagent's longest timeout if that is less, which is said of 'name' then. */
unsigned long long migration_timeout(struct migration *migration, const char *name,
				     unsigned long long seconds);

/* Write how many flows are cached: at most flowagent's most, which is said then. 'flows' is not 0.
 */
void migration_max_flows(struct migration *migration, unsigned long flows);

/* Write the inactive timeout, also for flows that FIN or RST ends: those probes wait for it then,
 * as always. Zero, which is off there and is called 'zero' in the message, is lost: 'otherwise' is
 * written. Seconds. */
void migration_inactive_timeout(struct migration *migration, const char *zero,
				unsigned long seconds, unsigned long otherwise);

/* The key of a source for a filter of libpcap; "" for NULL or an empty one. */
const char *migration_packet_filter(struct migration *migration, const char *filter);

#endif
