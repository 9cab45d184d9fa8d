/* privileges.h - stop being root, keep only what capturing and marking need.
 *
 * CAP_NET_ADMIN: NFLOG groups, receive buffers, marks. CAP_NET_RAW: live capture. Under systemd the
 * unit has done it all. */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include "error_text.h"

#include <stdbool.h>

/* If root: become 'user' (NULL: "_flowagent" if it exists, else stay uid 0) and keep the two
 * capabilities, or none if 'is_live' is false. Not root: nothing to do. Returns 0, or a negative
 * errno with 'error' filled. */
int privileges_drop(const char *user, bool is_live, struct error_text *error);

#endif
