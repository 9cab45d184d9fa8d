/* own_exports.h - the addresses that this agent sends to, so that its own packets are not
 * accounted.
 *
 * Written by the export thread when names are resolved, read by workers for each batch, without
 * locks: each change is a new list, old ones are freed at the end. Matched by destination address
 * and port, so that NAT on the way does not matter; with TCP also the other way round, because what
 * a collector acknowledges is no traffic of this host either. */
#ifndef OWN_EXPORTS_H
#define OWN_EXPORTS_H

#include "flow.h"

#include <stdbool.h>
#include <stddef.h>

struct export_remote;
struct own_exports;     /* opaque: defined in own_exports.c */
struct own_export_list; /* likewise; one immutable list */

/* Returns NULL if memory is short. */
struct own_exports *own_exports_create(void);
void own_exports_destroy(struct own_exports *exports);

/* Export thread: the list from now on. Does nothing if it is the same as before. */
void own_exports_set(struct own_exports *exports, const struct export_remote *remotes,
		     size_t count);

/* Worker: the list of this moment, valid until own_exports_destroy(). */
const struct own_export_list *own_exports_get(struct own_exports *exports);

/* Whether a flow is to a collector on the list, or from it where it answers. */
bool own_exports_match(const struct own_export_list *list, const struct flow_key *key);

#endif
