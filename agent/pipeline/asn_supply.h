/* asn_supply.h - the AS table that is in use, and the next one.
 *
 * Place: asn-table or networks-file -> here -> export thread, which looks up, and control thread,
 * which shows. A helper thread waits for another file in the old one's place (file_watch.h), reads
 * and checks it: that takes up to a second, and nobody waits for it. The control thread then takes
 * the new table to the export thread, and frees the old one.
 *
 * A new file that is damaged, has no prefixes, or has much fewer than the table in use is refused:
 * the log says why, and the old table stays. A restart takes it unless it is damaged. */
#ifndef ASN_SUPPLY_H
#define ASN_SUPPLY_H

#include "asn_table.h"
#include "config.h"

struct asn_supply; /* opaque: defined in asn_supply.c */

/* A table is much smaller than one of at least ASN_SUPPLY_MANY prefixes if it has less than half of
 * them; each family for itself. */
#define ASN_SUPPLY_MANY 1000

/* Load the table that the configuration names. 'news' is an eventfd that does not block, borrowed
 * for life: readable for the control thread when there may be a new table. The reader drains it,
 * since a supply may be gone when its news is read. Returns NULL with 'error' filled. */
struct asn_supply *asn_supply_create(const struct config *config, int news,
				     struct error_text *error);
void asn_supply_destroy(struct asn_supply *supply);

/* Begin to wait for new tables. Returns 0 or a negative errno. */
int asn_supply_start(struct asn_supply *supply);

/* Whether it is the one that this configuration names: one is named. */
bool asn_supply_is_of(const struct asn_supply *supply, const struct config *config);

/* Control thread: the new table, or NULL; owned by the caller until asn_supply_use() or
 * asn_supply_return(). */
struct asn_table *asn_supply_take(struct asn_supply *supply);
/* Control thread: the export thread has 'table' now. The one before is freed. */
void asn_supply_use(struct asn_supply *supply, struct asn_table *table);
/* Control thread: it could not be handed over; asn_supply_take() gives it again, or a newer one. */
void asn_supply_return(struct asn_supply *supply, struct asn_table *table);

/* Control thread: the table in use, borrowed until asn_supply_use(). */
const struct asn_table *asn_supply_table(const struct asn_supply *supply);
/* What happened so far, beside the table of the start. */
struct asn_supply_counts {
	uint64_t replaced; /* tables that took the place of another */
	uint64_t refused;  /* files */
};
struct asn_supply_counts asn_supply_counts(const struct asn_supply *supply);
/* The file: borrowed. */
const char *asn_supply_path(const struct asn_supply *supply);

#endif
