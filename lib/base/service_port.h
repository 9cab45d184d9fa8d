/* service_port.h - ports by the names of their services.
 *
 * Place: names of ports -> here -> flow_filter_value.c, config_address.c.
 *
 * Built in, so that a filter means the same on every host, with or without /etc/services. */
#ifndef SERVICE_PORT_H
#define SERVICE_PORT_H

#include <stdint.h>

/* Port of a service such as "https", in large or small letters. Returns 0 or -EINVAL. */
int service_port_find(const char *name, uint16_t *port);

/* The name that is most like a wrong one; NULL if none is near. */
const char *service_port_nearest(const char *name);

#endif
