/* transport_probe_config.h - how a collector's host is asked whether it is there.
 *
 * Place: a part of transport_config, for transport_probe.c. */
#ifndef TRANSPORT_PROBE_CONFIG_H
#define TRANSPORT_PROBE_CONFIG_H

#include <stdint.h>

enum transport_probe_kind { PROBE_none, PROBE_tcp, PROBE_icmp };

struct transport_probe_config {
	enum transport_probe_kind kind;
	uint16_t port; /* PROBE_tcp */
};

#endif
