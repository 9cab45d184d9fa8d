/* descriptor_store.h - descriptors that outlive this process: the service manager keeps copies, and
 * hands them to the agent that it starts next.
 *
 * Place: control thread, between systemd and the pipeline. Source: sd_notify(3) (FDSTORE=1,
 * FDNAME=, FDPOLL=0, FDSTOREREMOVE=1), sd_listen_fds(3), systemd.service(5)
 * (FileDescriptorStoreMax=). Each descriptor has a name of its own; the manager never says whether
 * it has taken one, so they are counted here. What was handed over stays in the store until it is
 * removed. */
#ifndef DESCRIPTOR_STORE_H
#define DESCRIPTOR_STORE_H

#include <stdbool.h>
#include <stddef.h>

/* As FileDescriptorStoreMax= in the unit; $FDSTORE (systemd 254 and later) says what holds. */
#define DESCRIPTOR_STORE_MAX       1024
#define DESCRIPTOR_STORE_NAME_SIZE 64 /* with the NUL after it; printable ASCII without a colon */

struct descriptor_store; /* opaque: defined in descriptor_store.c */

/* What a thing is called in the store: 'prefix', then its own name, in which the store would not
 * take a colon. Returns 'name'. */
const char *descriptor_store_name(const char *prefix, const char *text,
				  char name[static DESCRIPTOR_STORE_NAME_SIZE]);

/* Take over what the manager has passed to this process ($LISTEN_FDS, which is unset). Returns NULL
 * without memory. */
struct descriptor_store *descriptor_store_open(void);
/* Close what nobody has taken; the manager's copies stay. NULL is ignored. */
void descriptor_store_close(struct descriptor_store *store);

/* Whether a manager keeps what is put. NULL: no. */
bool descriptor_store_is_there(const struct descriptor_store *store);

/* Take the descriptor of that name, which is the caller's then; -1 if none was passed, or it was
 * taken. */
int descriptor_store_take(struct descriptor_store *store, const char *name);
/* The same, which stays to be taken: borrowed. */
int descriptor_store_look(const struct descriptor_store *store, const char *name);

/* Add one that came otherwise, to be taken; the manager does not have it. The descriptor is taken
 * in any case. Returns 0, or a negative errno: -EEXIST if there is one of that name. */
int descriptor_store_add(struct descriptor_store *store, const char *name, int descriptor);

/* Have a copy of 'descriptor' kept under a name, in place of another one of that name. One that is
 * there already is not sent again. Returns 0, or a negative errno: -ENOSPC beyond the limit,
 * -ENOTCONN without a manager. */
int descriptor_store_put(struct descriptor_store *store, const char *name, int descriptor);

/* Have the manager forget it, if it has it. Returns 0, or a negative errno: it could not be asked,
 * and still has it; it is in the list as before, and another one of that name cannot be put. */
int descriptor_store_remove(struct descriptor_store *store, const char *name);
/* Likewise, what has been passed and not taken; or all. */
void descriptor_store_remove_untaken(struct descriptor_store *store);
void descriptor_store_remove_all(struct descriptor_store *store);

/* Wait until the manager has done all that was asked, some seconds at most. Returns 0 or a negative
 * errno. */
int descriptor_store_flush(struct descriptor_store *store);

/* Whether it takes one more, and so has kept all that was put before. The limit may be another than
 * that of the unit, and before systemd 254 nobody says so: the manager is given something, and what
 * it does not keep it closes. Waits like descriptor_store_flush(). */
bool descriptor_store_has_room(struct descriptor_store *store);

#endif
