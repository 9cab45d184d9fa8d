/* rules_watch.h - notices that the firewall's rules for an NFLOG source are gone: accounting would
 * end without a word.
 *
 * Place: status timer of the event loop (5 s) -> kernel -> log, rows of sources. It knows the rules
 * of nf_tables, iptables-nft among them; those of iptables-legacy cannot be seen, so that no rule
 * at the start means nothing, and only rules that were there can be missed. */
#ifndef RULES_WATCH_H
#define RULES_WATCH_H

#include "config.h"

#include <stdbool.h>
#include <stdint.h>

struct rules_watch; /* opaque: defined in rules_watch.c */

/* Open what needs privileges. NULL where no source is a group, or the kernel has no nf_tables.
 * 'config' is borrowed for life. */
struct rules_watch *rules_watch_create(const struct config *config);
void rules_watch_destroy(struct rules_watch *watch);

/* The configuration has other sources: rules that are there now can be missed later. Nothing
 * happens with NULL. */
void rules_watch_renew(struct rules_watch *watch);

/* Look, and log what has changed. Costs two system calls where nothing has. Nothing happens with
 * NULL. */
void rules_watch_look(struct rules_watch *watch, int64_t now_ms);

struct rules_watch_state {
	bool is_known;  /* else the others say nothing */
	bool are_gone;  /* there were rules and there are none */
	uint32_t count; /* of rules that log to the group of a source */
};

/* What is known of a source, by its place in the configuration; 'watch' may be NULL. */
struct rules_watch_state rules_watch_state(const struct rules_watch *watch, size_t source);

#endif
