/* config_address.h - addresses of collectors: host, port, and what an address says of itself.
 *
 * Place: values of config_collector.c and config_types.c -> here -> struct config_collector. */
#ifndef CONFIG_ADDRESS_H
#define CONFIG_ADDRESS_H

#include "error_text.h"

#include <stdbool.h>
#include <stdint.h>

#define CONFIG_HOST_LENGTH_MAX 253 /* RFC 1035 section 2.3.4, as text */
#define CONFIG_PORT_NETFLOW    2055

/* "HOST", "HOST:PORT", "[V6]", "[V6]:PORT" or "srv:NAME". '*host' is the caller's, without
 * brackets; '*port' is 0 where none is given. Returns 0, or a negative errno with 'error' filled.
 */
int config_address_parse(const char *text, char **host, uint16_t *port, struct error_text *error);

/* Whether a host is "srv:NAME", the name of a service whose records name hosts and ports. */
bool config_address_is_service(const char *host);
/* 4 or 6 if 'text' is an address of that IP version (a zone such as %eth0 allowed), else 0. */
int config_address_ip_version(const char *text);
/* Whether 'text' is the address of a multicast group, which is another one on each interface. */
bool config_address_is_group(const char *text);
/* A numeric IPv6 address of one link only, without a zone that says of which. */
bool config_address_is_link_local(const char *text);

#endif
