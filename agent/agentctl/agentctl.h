/* agentctl.h - what all parts of agentctl share: exit status, options, the table of commands.
 *
 * Place: included by every file of this room; main() is the only code in agentctl.c.
 *
 * agentctl.c is only main(); everything else is in agentctl_<part>.c and linked into the tests as
 * well. Rows go to standard output, everything else to standard error. */
#ifndef AGENTCTL_H
#define AGENTCTL_H

#include "error_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit status, part of the interface. Functions of agentctl return it. */
enum agentctl_exit {
	AGENTCTL_DONE = 0,
	AGENTCTL_FAILED = 1, /* the request failed, or a check found faults */
	AGENTCTL_USAGE = 2,
	AGENTCTL_BROKEN = 2,      /* doctor: packets or records are missing */
	AGENTCTL_UNREACHABLE = 3, /* no agent at the socket */
	AGENTCTL_NOT_PERMITTED = 4,
	AGENTCTL_TIMED_OUT = 5,
};

enum agentctl_format {
	AGENTCTL_TABLE, /* for people */
	AGENTCTL_RAW,   /* values separated by tabs, as they come */
	AGENTCTL_JSON,  /* one object per line */
};

#define AGENTCTL_INTERFACES 64

/* What rules are made for. */
enum agentctl_firewall {
	FIREWALL_nft,
	FIREWALL_iptables, /* whichever the host's iptables is */
	FIREWALL_iptables_nft,
	FIREWALL_iptables_legacy,
};

/* What `setup` makes the agent read. */
enum agentctl_source {
	SOURCE_as_before, /* of an earlier setup, else nflog */
	SOURCE_nflog,
	SOURCE_bpf,
};

struct agentctl_options {
	const char *socket;
	char instance_socket[108]; /* where 'socket' points for the name of an instance */
	enum agentctl_format format;
	const char *columns; /* -o, NULL: the default ones */
	bool no_headings;
	bool is_wide;          /* all columns, however narrow the terminal */
	size_t terminal_width; /* 0: standard output is no terminal */
	bool is_utc;
	bool is_verbose;
	bool is_quiet;      /* no chatter: agentctl_say() */
	bool has_no_colour; /* only top has any */
	int64_t watch_ms;   /* show: again and again, this long apart; -1: once */
	bool resets_view;   /* show stats: since it was last shown so */
	bool wants_help;
	bool wants_version;
	int64_t timeout_ms; /* -1: the command's default */
	int64_t wait_ms;    /* doctor, top: between two looks; -1: its default */

	const char *sort; /* NULL: the default order */
	uint64_t top;     /* 0: all */
	const char *by;   /* NULL: flows as they are */

	const char *interfaces[AGENTCTL_INTERFACES]; /* NULL-terminated by 'interface_count' */
	size_t interface_count;
	uint16_t group;
	uint32_t snaplen;
	uint32_t sample;   /* rules: one packet in this many; 0 and 1: all */
	uint32_t max_rate; /* rules: at most this many packets per second; 0: no limit */
	bool per_cpu;      /* a group for each CPU, from 'group' on */
	enum agentctl_firewall firewall;
	const char *file; /* NULL: the default of the firewall */
	bool no_save;
	bool is_forced;              /* rules install: whatever stands in the way */
	int64_t for_ms;              /* listen: how long; -1: until it is ended */
	uint64_t count;              /* listen: flows, top: screens; 0: any number */
	bool is_batch;               /* top: screens one after another, no keys */
	bool is_http;                /* metrics: as an answer to a request */
	bool is_diff;                /* show config: only what is not the default */
	const char *collector;       /* setup: HOST:PORT and keys; NULL: none */
	bool is_undo;                /* setup: take it back */
	enum agentctl_source source; /* setup */

	uint64_t given;           /* which options were given; for agentctl_options_check() */
	const char *const *words; /* command and what follows it, borrowed from argv */
	size_t word_count;
};

/* Which commands an option is for. */
enum {
	AGENTCTL_FOR_ALL = 0,
	AGENTCTL_FOR_DOCTOR = 1 << 20, /* watches for a while */
	AGENTCTL_FOR_JSON = 1 << 21,   /* prints text or JSON */
	AGENTCTL_FOR_SETUP = 1 << 22,  /* makes all that an exporter needs */
	AGENTCTL_FOR_AGENT = 1 << 0,   /* asks the agent */
	AGENTCTL_FOR_ROWS = 1 << 1,    /* prints rows */
	AGENTCTL_FOR_LISTS = 1 << 2,   /* prints rows with columns */
	AGENTCTL_FOR_FLOWS = 1 << 3,   /* show flows */
	AGENTCTL_FOR_RULES = 1 << 4,   /* makes rules */
	AGENTCTL_FOR_GROUP = 1 << 5,   /* cares for a group */
	AGENTCTL_FOR_FILE = 1 << 6,    /* touches the rules file */
	AGENTCTL_FOR_SAVING = 1 << 7,  /* writes the rules file */
	AGENTCTL_FOR_TIMES = 1 << 8,   /* prints times */
	AGENTCTL_FOR_STREAM = 1 << 9,  /* prints rows as they come */
	AGENTCTL_FOR_METRICS = 1 << 10,
	AGENTCTL_FOR_CONFIG = 1 << 11,
	AGENTCTL_FOR_TOP = 1 << 12,
	AGENTCTL_FOR_REPEAT = 1 << 13, /* shows what is now */
	AGENTCTL_FOR_STATS = 1 << 14,  /* show stats */
};

struct agentctl_column;

/* One command; the words are matched by unique prefixes. */
struct agentctl_command {
	const char *verb;
	const char *noun;      /* NULL: the verb alone */
	const char *arguments; /* what may follow, for the usage; NULL: nothing may */
	const char *text;
	unsigned int options; /* AGENTCTL_FOR_* */
	enum agentctl_exit (*run)(const struct agentctl_command *command,
				  const struct agentctl_options *options);
	const char *request;                   /* command of control_protocol.h; NULL: none */
	const struct agentctl_column *columns; /* of its rows; NULL: not a table */
};

/* All commands; ends with a row whose verb is NULL. */
extern const struct agentctl_command agentctl_commands[];

/* Find the command that 'words' begin with, and say in '*used' how many words that were. Returns
 * NULL with 'error' filled if there is none or more than one. */
const struct agentctl_command *agentctl_command_find(const char *const *words, size_t word_count,
						     size_t *used, struct error_text *error);

/* The verb that a word or a part of it stands for; NULL with 'error' filled. */
const char *agentctl_verb_find(const char *word, struct error_text *error);

/* Parse the command line into 'options'. Words may stand before and after options. 'argv' is
 * reordered. Returns false with 'error' filled for a usage fault. */
bool agentctl_options_parse(struct agentctl_options *options, int argc, char **argv,
			    struct error_text *error);

/* Whether all options given are for 'command'; otherwise false with 'error' filled. */
bool agentctl_options_check(const struct agentctl_options *options,
			    const struct agentctl_command *command, struct error_text *error);

/* One option, for usage and completion. Returns false past the last. */
struct agentctl_option_text {
	const char *name;     /* without dashes */
	char letter;          /* '\0': none */
	const char *argument; /* NULL: takes none */
	const char *text;
	unsigned int used_by; /* AGENTCTL_FOR_* */
};
bool agentctl_option_text(size_t index, struct agentctl_option_text *text);

/* Print "agentctl: TEXT" and "  hint: HINT" on standard error; nothing if there is no text. */
void agentctl_print_error(const struct error_text *error);

/* Print chatter on standard error, as printf() does: what was done, not what is wrong. Nothing with
 * --quiet. */
void agentctl_say(const struct agentctl_options *options, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* `agentctl help [COMMAND]`. */
enum agentctl_exit agentctl_help(const struct agentctl_command *command,
				 const struct agentctl_options *options);

/* Run a whole command line. Returns the exit status. */
enum agentctl_exit agentctl_main(int argc, char **argv);

#endif
