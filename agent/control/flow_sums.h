/* flow_sums.h - flows, packets, bytes and rates added up per key.
 *
 * Place: flow_view -> here -> row. Memory is bounded: when FLOW_SUMS_MAX keys are there, the caller
 * hands the sums on as rows, clears them and continues; who reads the rows adds up those of one
 * key.
 *
 * A rate is what passed within the last FLOW_SUMS_WINDOW_MS, where a flow's bytes and packets are
 * taken as spread evenly over its duration. The window is as long as a flow stays after its end
 * (tcp.fin and tcp.rst: 2 s), so those that have ended just now are in it. */
#ifndef FLOW_SUMS_H
#define FLOW_SUMS_H

#include "error_text.h"
#include "flow_members.h"
#include "hash.h"

#define FLOW_SUMS_KEYS 8
#define FLOW_SUMS_MAX  65536 /* at most 20 MB with 8 keys, 5 MB with one */

#define FLOW_SUMS_WINDOW_MS 2000

struct flow_sums; /* opaque: defined in flow_sums.c */

/* Times of the flows that know one. */
struct flow_mean {
	uint64_t us, flows;
};

struct flow_sum {
	uint64_t flows, packets, bytes;
	uint64_t recent_packets, recent_bytes; /* within the window */
	struct flow_mean rtt, client_rtt, server_rtt;
	uint64_t retransmitted, out_of_order;
	struct flow_value keys[]; /* as many as there are keys */
};

/* Keys, separated by commas, under any name of flow_names.h: members of a flow, and host, as, port,
 * iface, for which a flow counts under its source and under its destination (once if these are the
 * same). 'choice' is borrowed; 'secret' keeps outsiders from choosing keys that collide. NULL with
 * 'error' filled. */
struct flow_sums *flow_sums_create(const char *keys, const struct flow_key_choice *choice,
				   struct hash_key secret, struct error_text *error);
void flow_sums_destroy(struct flow_sums *sums);
/* Flows know how good their connections are: rows have it, too. Before the first flow. */
void flow_sums_with_tcp(struct flow_sums *sums);

/* Members that the keys are made of, as FLOW_MEMBER_BIT(). */
uint64_t flow_sums_members(const struct flow_sums *sums);

/* Count a flow; at most two keys more. 'now' is the end of the window of rates. Returns 0 or
 * -ENOMEM. */
int flow_sums_add(struct flow_sums *sums, const struct flow_view *view, unix_ms now);
/* How many flows fit for certain; 0: hand the sums on first. */
size_t flow_sums_room(const struct flow_sums *sums);
size_t flow_sums_count(const struct flow_sums *sums);
/* Forget the sums, but not the keys. */
void flow_sums_clear(struct flow_sums *sums);

/* Put the sums in order of a key, or of "flows", "packets", "bytes", "bits_per_s",
 * "packets_per_s" and, with tcp, "rtt_us", "rtt_flows", "client_rtt_us", "client_rtt_flows",
 * "server_rtt_us", "server_rtt_flows", "retransmitted", "out_of_order"; equal ones in that of
 * bytes. Returns 0, or -EINVAL for another name. Nothing may be added before flow_sums_clear(). */
int flow_sums_sort(struct flow_sums *sums, const char *name, bool is_descending);
/* Whether a sum can be sorted by a name; then '*is_name' says whether from A by itself. */
bool flow_sums_can_sort(const struct flow_sums *sums, const char *name, bool *is_text);

/* Borrowed until the next call; 'index' counts from 0. */
const struct flow_sum *flow_sums_at(const struct flow_sums *sums, size_t index);
/* The AS number that a sum has for the key at a place, and the key's name; false if that key is of
 * something else, or there is none. At most FLOW_SUM_AS_KEYS are. */
#define FLOW_SUM_AS_KEYS 3
bool flow_sums_as_number(const struct flow_sums *sums, size_t index, size_t key, const char **name,
			 uint32_t *as_number);
/* Write a sum as an object. 'to' has room for FLOW_SUM_JSON_SIZE bytes. Returns the new end. */
#define FLOW_SUM_JSON_SIZE ((FLOW_SUMS_KEYS + 13) * (FLOW_VALUE_JSON_SIZE + 32))
char *flow_sums_write(const struct flow_sums *sums, size_t index, char *to);

#endif
