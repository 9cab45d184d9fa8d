/* agentctl_top_view.h - what `agentctl top` shows, as the agent's answers have it.
 *
 * Place: control socket -> here -> agentctl_top_screen. */
#ifndef AGENTCTL_TOP_VIEW_H
#define AGENTCTL_TOP_VIEW_H

#include "agentctl_client.h"
#include "agentctl_history.h"

#define AGENTCTL_TOP_DIRECTIONS 16
#define AGENTCTL_TOP_ROWS       512
#define AGENTCTL_TOP_NAME       96
#define AGENTCTL_TOP_FILTER     512                       /* characters, the final 0 included */
#define AGENTCTL_TOP_WORDS      (AGENTCTL_TOP_FILTER / 2) /* it cannot hold more */

/* How rows may be sorted; ends with a key of 0. */
struct agentctl_top_order {
	char key;           /* of the keyboard */
	const char *name;   /* on the screen, and of --sort */
	const char *member; /* of the agent's sums */
};
extern const struct agentctl_top_order agentctl_top_orders[];

/* What rows may be of with one key; ends with a key of 0. */
struct agentctl_top_key {
	char key;
	const char *by;
};
extern const struct agentctl_top_key agentctl_top_keys[];

/* One line: an interface and a direction, or a key of --by. */
struct agentctl_top_line {
	char name[AGENTCTL_TOP_NAME]; /* printable */
	uint64_t bits_per_s, packets_per_s, bytes, packets, flows;
	const struct agentctl_history *history; /* of bits_per_s; borrowed from a memory */
};

/* The histories of lines, by name. */
struct agentctl_top_memory {
	struct agentctl_top_past {
		char name[AGENTCTL_TOP_NAME];
		uint64_t seen; /* number of the last answer it was in */
		struct agentctl_history history;
	} * pasts; /* owned */
	size_t count;
	uint64_t answers;
};

/* What passes at each interface in each direction, by name. */
struct agentctl_top_directions {
	struct agentctl_top_line lines[AGENTCTL_TOP_DIRECTIONS];
	size_t count;
};

struct agentctl_top_view {
	/* What to ask for. */
	const char *by; /* NULL: as if there is a table of AS numbers, else host; borrowed */
	const struct agentctl_top_order *order;
	const char *words[AGENTCTL_TOP_WORDS]; /* of the filter; borrowed */
	size_t word_count;
	size_t row_limit; /* 1 to AGENTCTL_TOP_ROWS */

	/* What came. */
	char version[32];
	int64_t uptime_ms;
	uint64_t packets_lost;
	uint64_t flows_cached, flows_capacity;
	size_t collectors, collectors_up;
	char problem[200]; /* printable; "": none */
	struct agentctl_top_directions directions;
	struct agentctl_top_line *rows; /* owned; in order */
	size_t row_count;
	size_t name_width; /* of the widest name since agentctl_top_view_forget() */

	struct agentctl_top_memory direction_memory, row_memory;
};

/* Returns false if memory is short. */
bool agentctl_top_view_init(struct agentctl_top_view *view);
void agentctl_top_view_clear(struct agentctl_top_view *view);
/* Forget the histories of rows: they are of another key or filter from now on. */
void agentctl_top_view_forget(struct agentctl_top_view *view);
/* Ask the agent for all of it. On failure 'view' keeps what it could not replace. */
enum agentctl_exit agentctl_top_view_ask(struct agentctl_top_view *view,
					 struct agentctl_client *client, struct error_text *error);

#endif
