/* interfaces.h - names of the network interfaces of this namespace, for options data. */
#ifndef INTERFACES_H
#define INTERFACES_H

#include "encoder.h"

/* All interfaces. Returns how many, '*names' owned by the caller (free); or a negative errno. */
int interfaces_read(struct interface_name **names);

#endif
