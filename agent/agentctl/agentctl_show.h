/* agentctl_show.h - the commands that ask the agent: lists, flows, status, ledger, changes,
 * waiting.
 *
 * Place: rows in agentctl_commands.c; agentctl_client.c -> here -> agentctl_table.c.
 *
 * Each runs one command to its end: prints rows and errors, returns the exit status. */
#ifndef AGENTCTL_SHOW_H
#define AGENTCTL_SHOW_H

#include "agentctl.h"

#include <jansson.h>

/* Rows of command->request with command->columns. */
enum agentctl_exit agentctl_show_list(const struct agentctl_command *command,
				      const struct agentctl_options *options);
/* The same with --by; tables show the most bytes first. */
enum agentctl_exit agentctl_show_flows(const struct agentctl_command *command,
				       const struct agentctl_options *options);
enum agentctl_exit agentctl_show_status(const struct agentctl_command *command,
					const struct agentctl_options *options);
/* AGENTCTL_FAILED if an equality of the ledger does not hold. */
enum agentctl_exit agentctl_show_stats(const struct agentctl_command *command,
				       const struct agentctl_options *options);
/* Tables show, for each reason that came up, a dump of the last packet. */
enum agentctl_exit agentctl_show_drops(const struct agentctl_command *command,
				       const struct agentctl_options *options);
/* flush and drop, of all flows or those that match the words. */
enum agentctl_exit agentctl_request_change(const struct agentctl_command *command,
					   const struct agentctl_options *options);
/* To all collectors, or the one that the word names. */
enum agentctl_exit agentctl_send_template(const struct agentctl_command *command,
					  const struct agentctl_options *options);
/* Until what the noun names has happened. An agent that is not there yet is waited for, too. */
enum agentctl_exit agentctl_wait(const struct agentctl_command *command,
				 const struct agentctl_options *options);

/* Print an object as NAME and VALUE, members of members as "a.b", elements of arrays by their name.
 */
enum agentctl_exit agentctl_print_object(json_t *object, const struct agentctl_options *options);

/* Print a row as one line of JSON. Returns 0, -ENOMEM (also if 'row' is NULL), or -EPIPE if it
 * cannot be written. */
int agentctl_print_json(const json_t *row);

/* What `show status` prints: made of the row alone. Lines longer than 'width' are broken between
 * words; 0: none is. */
void agentctl_print_status(const json_t *status, bool is_utc, size_t width);

/* The same for a row of show-drops. */
void agentctl_print_drop(const json_t *drop, bool is_utc);

/* Whether all equalities of a row of show-stats hold; those that do not are named on standard
 * error. */
bool agentctl_stats_hold(const json_t *stats);

/* Whether what `wait NOUN` waits for has happened, by a row of show-stats. AGENTCTL_TIMED_OUT: not
 * yet; AGENTCTL_FAILED: it never can, and why is in 'error'. */
enum agentctl_exit agentctl_wait_check(const char *noun, const json_t *stats,
				       struct error_text *error);

#endif
