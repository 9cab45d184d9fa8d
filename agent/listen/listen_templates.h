/* listen_templates.h - the templates that an exporter has announced.
 *
 * Place: template sets -> here -> data sets.
 *
 * One owner, a stream. Bounded: what outside bytes announce takes at most LISTEN_TEMPLATE_FIELDS
 * specifiers for each stream. */
#ifndef LISTEN_TEMPLATES_H
#define LISTEN_TEMPLATES_H

#include "listen_types.h"

#define LISTEN_TEMPLATE_FIELDS 16384 /* of all templates of a stream */

struct listen_template {
	uint16_t id;
	uint16_t scope_count;
	uint16_t field_count; /* scopes included; 0: withdrawn (RFC 7011 section 8.1) */
	bool is_options;
	struct listen_specifier *fields; /* owned */
};

struct listen_templates {
	struct listen_template *rows; /* owned */
	size_t count;
	size_t field_count; /* of all */
};

enum listen_learned {
	LISTEN_LEARNED_same,
	LISTEN_LEARNED_new,
	LISTEN_LEARNED_changed,
	LISTEN_LEARNED_refused, /* too many, or memory is short */
};

/* The template of a number; NULL if there is none. Borrowed until the next call of another function
 * here. */
const struct listen_template *listen_templates_find(const struct listen_templates *templates,
						    uint16_t id);
/* Keep a copy of a template in the place of an older one of its number. */
enum listen_learned listen_templates_learn(struct listen_templates *templates,
					   const struct listen_template *template);
/* Forget one, or with 'id' 0 all that are or are not of options. */
void listen_templates_withdraw(struct listen_templates *templates, uint16_t id, bool is_options);
void listen_templates_clear(struct listen_templates *templates);

#endif
