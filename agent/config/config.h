/* config.h - everything that is configured, as config_load() leaves it: types only.
 *
 * Place: filled in by config_load.c, read by everything that is made at the start. */
#ifndef CONFIG_H
#define CONFIG_H

#include "capture.h"
#include "collector.h"
#include "config_environment.h"
#include "error_text.h"
#include "flow_expiry.h"
#include "flow_key_choice.h"
#include "interface_rules.h"
#include "log.h"
#include "machine_mark.h"
#include "template_fields.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a value came from, for `agentctl show config` and for errors. */
struct config_origin {
	const char *file; /* NULL: default; "command line"; else the file's name (owned by the
			     config) */
	int line;
};

/* A collector as configured: "HOST:PORT[,KEY=VALUE...]", or a section of the file. Owns strings. */
struct config_collector {
	char *name;             /* of its section, else "HOST:PORT" with brackets around IPv6, or
				   the path: so all messages name it */
	char *host;             /* without brackets; or a path, "-" for standard output */
	uint16_t port;          /* 0: a path */
	uint8_t version;        /* 1, 5, 7, 9, 10, ENCODER_VERSION_JSON */
	char *transport;        /* "udp", "tcp", "file" */
	char *source_address;   /* NULL: the general one, or the kernel's choice */
	uint32_t datagram_size; /* mtu= less headers, or the default */
	int64_t export_rate;    /* datagrams per second, 0 no limit, -1: the general one */
	uint32_t mtu;           /* as configured, 0: not */
	char *interface;        /* by which packets leave; NULL: the route's */
	uint8_t dscp;           /* 0 to 63 */
	uint8_t ttl;            /* 0: the kernel's */
	char *fields;           /* as configured; NULL: the default */
	struct template_fields field_set;
	bool has_section;                  /* [collector "NAME"] */
	struct config_origin origin;       /* of the option, or of its section's header */
	struct config_origin *key_origins; /* owned; of the section's keys, by enum config_key_id */
	bool uptime;                       /* v9: times as fields 21 and 22 */
	bool segmentation;                 /* bursts as one packet */
	struct transport_probe_config probe;
	int64_t spool_size;    /* bytes, 0: none, -1: what the transport has by default */
	bool has_spool_size;   /* as configured */
	char *spool_directory; /* NULL: in memory */
	char *ca, *certificate, *key, *server_name; /* of TLS; NULL: not given */
	bool skips_verification;
	enum collector_mode mode;
	char *group;          /* NULL: that of its mode */
	uint32_t priority;    /* for failover, 0: none */
	char *filter;         /* words of flow_filter.h; NULL: every flow */
	uint32_t sampling;    /* 1 in this many flows, 0: all */
	uint32_t rotate_ms;   /* files: a new one this often, 0: not by time */
	uint64_t rotate_size; /* no file is larger, 0: not by size */
	uint32_t keep;        /* finished files, 0: all */
};

#define CONFIG_COLLECTORS_MAX 64

#define CONFIG_TIMEOUT_NAMES 8 /* those of the classes, active and inactive */

/* A file as it was read: for an agent that has to do with what this one has accepted. */
struct config_text {
	char *name;     /* owned */
	uint8_t *bytes; /* owned */
	size_t size;
};

/* Of a source id that was not configured (config_source_id.h). */
struct config_identity {
	bool is_kept;      /* for the next start */
	bool has_moved;    /* the kept number is another machine's */
	uint32_t instance; /* hash of its name */
	uint32_t before;   /* the kept number */
	char mark[MACHINE_MARK_SIZE];
};

/* What is asked about the sockets that flows are of. */
enum config_owner { CONFIG_OWNER_off, CONFIG_OWNER_uid, CONFIG_OWNER_unit };

struct config {
	struct source_config *sources; /* owned */
	size_t source_count;
	struct source_config *set_aside; /* owned; those of the file, where the command line says
					    which are read */
	size_t set_aside_count;
	struct config_collector *collectors; /* owned */
	size_t collector_count;

	uint8_t export_version; /* default for collectors: 9 */
	uint32_t inactive_timeout_ms;
	struct expiry_policy expiry; /* every class filled in */
	struct flow_key_choice flow_key;
	uint32_t max_flows; /* of all workers together */
	bool splits_superpackets;
	bool has_biflows;
	uint8_t owner;          /* enum config_owner */
	uint32_t interface_mtu; /* where it is not known */
	uint32_t fragment_lifetime_ms;
	struct interface_rules if_map;
	char *applications_file; /* NULL: none */
	char *asn_table;         /* NULL: none; not with networks_file */
	char *networks_file;     /* NULL: none */
	char *hash_key_file;     /* NULL: none */
	int64_t export_rate;     /* -1: default */
	uint32_t source_id;      /* filled in: from machine and instance if not configured */
	struct config_identity identity;
	char *source_address;
	uint32_t template_refresh_ms;
	uint32_t template_refresh_datagrams;
	uint32_t start_delay_ms; /* at most; 0: none */
	char *config_file;       /* NULL: none */
	char *control;           /* NULL: default path when live; "none" */
	char *summary;           /* NULL, file, or "-" */
	char *user;              /* NULL: "_flowagent" if started as root and it exists */
	char *admin_group;       /* NULL: root and the agent's user alone may change anything */
	enum log_level log_level;
	bool check_only;         /* --check-config */
	bool takes_over;         /* --handover */
	bool holds_sources;      /* of a reload: its sources need a restart (config_changes.h) */
	uint32_t timeouts_named; /* by the last value of timeout; bits of config_timeout.c */
	struct config_origin timeout_origins[CONFIG_TIMEOUT_NAMES]; /* where each was set last */
	struct config_origin *origins; /* owned; one per row of config_options.def */
	char **file_names;             /* owned; files read, what origins point to */
	size_t file_name_count;
	struct config_text *texts; /* owned; in the order in which they were read */
	size_t text_count;
	struct config_variables variables; /* that stand in those texts, as they were found */
};

#endif
