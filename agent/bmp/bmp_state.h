/* bmp_state.h - what all routers have reported by BMP: routers, their peers, their routes.
 *
 * Place: bmp_station.c changes it message by message, bmp_table.c makes the table of it,
 * bmp_status.c shows it. One owner. Times are monotonic milliseconds. */
#ifndef BMP_STATE_H
#define BMP_STATE_H

#include "asn_rules.h"
#include "bmp_message.h"
#include "bmp_rib.h"

#define BMP_ROUTERS_MAX 64
#define BMP_PEERS_MAX   8192u /* of all routers */
#define BMP_NAME_SIZE   64

enum bmp_counter {
#define BMP_COUNTER(name, text) BMP_COUNTER_##name,
#include "bmp_counters.def"
#undef BMP_COUNTER
	BMP_COUNTER_COUNT
};

/* "route_monitoring", and "messages with routes". */
const char *bmp_counter_name(enum bmp_counter counter);
const char *bmp_counter_text(enum bmp_counter counter);

/* Which of its tables a router reports; the later one knows better what it uses. */
enum bmp_view { BMP_VIEW_pre_policy, BMP_VIEW_post_policy, BMP_VIEW_loc_rib, BMP_VIEW_COUNT };

struct bmp_state_options {
	struct asn_rules rules;
	bool has_vrfs; /* routes of VRFs and of other instances as well */
	uint32_t stale_ms;
	size_t most_routes;
};

struct bmp_router {
	bool is_used, is_connected;
	struct prefix address; /* of 32 or 128 bits */
	char address_text[ADDRESS_TEXT_SIZE];
	char name[BMP_NAME_SIZE]; /* sysName; "" if it is not known. From outside: any byte */
	bool is_filling;          /* not all peers have reported their tables to the end */
	int64_t last_route_ms;
	int64_t stale_at_ms; /* when stale routes go; 0: there are none */
	bool has_view[BGP_FAMILY_COUNT][BMP_VIEW_COUNT]; /* reported in the present session */
	uint64_t counters[BMP_COUNTER_COUNT];
	uint64_t skipped[ASN_SKIP_COUNT];
};

struct bmp_peer {
	bool is_used;
	bool is_up;
	bool is_seen;                      /* in the present session of its router */
	bool has_family[BGP_FAMILY_COUNT]; /* both sides have: there is a table of it */
	/* Each view comes to its own end, by End-of-RIB of each family; by "is post-policy". */
	bool reports[2]; /* something of it has come in the present session */
	bool has_end[2][BGP_FAMILY_COUNT];
	uint8_t router;  /* number in 'routers' */
	uint32_t own_as; /* of the router towards this peer; 0: not known */
	struct bmp_peer_name name;
	bool has_path_ids[BGP_FAMILY_COUNT];
	/* By "is post-policy": Loc-RIB has the first alone. BMP_NO_SOURCE: nothing came. */
	uint16_t sources[2];
};

struct bmp_state {
	struct bmp_state_options options;
	struct bmp_rib *rib; /* owned */
	struct bmp_router routers[BMP_ROUTERS_MAX];
	struct bmp_peer *peers; /* owned, BMP_PEERS_MAX of them */
	size_t peer_count;      /* that have ever been used */
	size_t last_peer;       /* messages of one peer come one after the other */
};

/* Returns NULL if memory is short. */
struct bmp_state *bmp_state_create(const struct bmp_state_options *options);
void bmp_state_destroy(struct bmp_state *state);

/* Which view the routes of a peer are of. */
enum bmp_view bmp_peer_view(const struct bmp_peer *peer, int is_post_policy);

/* Whether the routes of a peer count: those of VRFs and of other instances only if they are asked
 * for. */
bool bmp_peer_counts(const struct bmp_state *state, const struct bmp_peer_name *name);

#endif
