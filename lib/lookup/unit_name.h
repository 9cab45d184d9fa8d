/* unit_name.h - path of a control group -> name of the unit or container that it is of.
 *
 * Place: capture_units.c of the agent -> here. Pure. */
#ifndef UNIT_NAME_H
#define UNIT_NAME_H

#include <stdint.h>

#define UNIT_NAME_SIZE 32 /* with a NUL: pmacct 1.7.7 has no room for more */

/* The name of what 'path' is of, from the root of the hierarchy on, such as
 * "/system.slice/nginx.service":
 *
 *     a session or service of a user    user-1000.slice
 *     a container, also of a user       docker-0123456789ab, libpod-..., lxc-NAME
 *     a service or scope                nginx.service
 *     another group                     its own name, the last of the path
 *
 * A name that is too long is cut; what is not printable ASCII becomes '?'. 'name' gets NUL up to
 * the end; it is "" for the root. */
void unit_name_of(const char *path, char name[static UNIT_NAME_SIZE]);

#endif
