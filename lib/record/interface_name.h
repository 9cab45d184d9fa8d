/* interface_name.h - the kernel's name of an interface, as announced to collectors.
 *
 * Place: interfaces.c of the agent -> exporter -> options data. */
#ifndef INTERFACE_NAME_H
#define INTERFACE_NAME_H

#include <stdint.h>

/* Name of an interface, for options data. */
struct interface_name {
	uint32_t index;       /* ifIndex */
	char name[16];        /* interfaceName (82), NUL-padded */
	char description[32]; /* interfaceDescription (83), NUL-padded; the name if there is none */
};

#endif
