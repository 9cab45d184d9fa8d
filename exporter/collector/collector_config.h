/* collector_config.h - what a collector is made of, and what it shares with the others.
 *
 * Place: exporter -> collector. */
#ifndef COLLECTOR_CONFIG_H
#define COLLECTOR_CONFIG_H

#include "application_list.h"
#include "collector_mode.h"
#include "hash.h"
#include "interface_names.h"
#include "outbox_config.h"
#include "record_ring.h"
#include "samplers.h"
#include "template.h"
#include "transport.h"

#define EXPORTER_RECORD_WAIT_MS 1000 /* at most, for its datagram to fill */

#define COLLECTOR_NAME_SIZE  280 /* with NUL; a multiple of 8 */
#define COLLECTOR_GROUP_SIZE 64  /* longest name of a group, with NUL */

#define COLLECTOR_DATAGRAM_SIZE_MIN 512   /* holds templates and statistics, or any record */
#define COLLECTOR_DATAGRAM_SIZE_MAX 65507 /* UDP over IPv4 */
#define COLLECTOR_MESSAGE_SIZE_MAX  65535 /* in a session: RFC 7011 section 3.1 */

struct collector_config {
	const char *name;      /* "HOST:PORT" as configured */
	const char *transport; /* "udp" */
	/* Instead of 'transport', if not NULL: for tests. */
	const struct transport_type *transport_type;
	uint8_t version; /* of the export protocol: 1, 5, 7, 9, 10 or ENCODER_VERSION_JSON */
	bool has_uptime; /* v9: times as SysUptime, for collectors that know no other */
	struct template_fields fields; /* of its records; the default in v5 */
	struct transport_config address;
	uint32_t datagram_size;        /* largest payload in bytes, 512 to 65507 */
	uint32_t datagrams_per_second; /* 0: no limit */
	uint64_t spool_size;           /* bytes, 0: none; else at least SPOOL_SIZE_MIN */
	const char *spool_directory;   /* NULL: in memory */
	bool is_patient;               /* wait for a slow reader, others too, as long as it takes */
	struct collector_role role;
	const char *filter; /* words of flow_filter.h; NULL: every flow */
	uint32_t sampling;  /* 1 in this many flows; 0 or 1: all */
};

/* What all collectors of an exporter share. */
struct collector_terms {
	uint32_t source_id;                  /* observation domain */
	uint32_t seed;                       /* as in exporter.h */
	uint32_t template_refresh_ms;        /* 0: never by time */
	uint32_t template_refresh_datagrams; /* 0: never by count */
	struct template_choice choice;
	struct hash_key secret; /* of samples of flows, and of shares (connection_hash.h) */
	bool is_live;           /* as in exporter.h */
	size_t record_size;     /* never 0 */
	void (*on_event)(void *context, const struct collector_event *event); /* may be NULL */
	void *event_context;

	/* What options data say; the exporter changes them through exporter_set_...(). */
	struct ring_mark workers;
	unix_ms system_init_ms;
	struct interface_names names;
	struct application_list applications;
	const struct samplers *samplers; /* borrowed; NULL: records have none */
};

#endif
