/* owner_lookup.c - a cache of answers in front of the kernel.
 *
 * Place: capture_sock_diag, capture_units -> here -> export_owner.c, pipeline_ask.c. An answer lies
 * where the hash of its connection says; another one that belongs there takes its place. */
#include "owner_lookup.h"

#include "log.h"
#include "time_now.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define WALK_MS     1000 /* at least, from one walk to the next */
#define WALK_GROUPS 256  /* visited at once: all groups of most hosts, in about a millisecond */
#define WALK_SHARE  20   /* after each step a walk rests this many times as long as that took */
/* There may be a socket soon: a flow whose first packet is its last leaves before it is accepted.
 */
#define UNKNOWN_MS 1000

/* A connection, the same in both directions. */
struct connection {
	uint8_t local[16], remote[16];
	uint16_t local_port, remote_port;
	uint8_t protocol, ip_version;
	uint8_t zero[2];
};
_Static_assert(sizeof(struct connection) == 40, "a connection has no hidden padding");

struct owner_answer {
	struct connection connection;
	struct packet_owner owner;
	int64_t until_ms;
};

int owner_lookup_open(struct owner_lookup *lookup, const char *flows, bool has_units,
		      struct error_text *error)
{
	const char *root = has_units ? capture_units_root() : NULL;
	uint8_t key[16] = { 0 };

	*lookup = (struct owner_lookup){ .flows = flows };
	*error = (struct error_text){ .text = "" };
	(void)getrandom(key, sizeof(key), GRND_NONBLOCK); /* without, others can spoil the cache */
	lookup->key = hash_key_of(key);
	lookup->diag = capture_sock_diag_open(error);
	if (has_units && !root)
		error_text_set(error, "there is no cgroup v2 at /sys/fs/cgroup");
	lookup->answers = calloc(OWNER_ANSWERS, sizeof(*lookup->answers));
	if (root)
		lookup->units = capture_units_create(root);
	if (!lookup->answers || (root && !lookup->units)) {
		owner_lookup_close(lookup);
		return -ENOMEM;
	}
	/* Nobody waits yet: those that are there are known before the first flow. */
	if (root && capture_units_walk_begin(lookup->units) == 0)
		(void)capture_units_walk(lookup->units, SIZE_MAX);
	return 0;
}

void owner_lookup_close(struct owner_lookup *lookup)
{
	capture_sock_diag_close(lookup->diag);
	capture_units_destroy(lookup->units);
	free(lookup->answers);
	*lookup = (struct owner_lookup){ .diag = NULL };
}

/* A step of the walk that is under way, or the first one of another. */
static void walk(struct owner_lookup *lookup)
{
	const int64_t begin_us = time_now_us(CLOCK_MONOTONIC);
	int64_t rest_ms;

	lookup->is_walking = capture_units_walk_begin(lookup->units) == 0 &&
			     capture_units_walk(lookup->units, WALK_GROUPS);
	rest_ms = (time_now_us(CLOCK_MONOTONIC) - begin_us) * WALK_SHARE / 1000;
	if (!lookup->is_walking && rest_ms < WALK_MS)
		rest_ms = WALK_MS;
	lookup->walk_due_ms = lookup->now_ms + rest_ms;
}

void owner_lookup_set_time(struct owner_lookup *lookup, int64_t now_ms)
{
	lookup->now_ms = now_ms;
	if (lookup->is_walking && now_ms >= lookup->walk_due_ms)
		walk(lookup);
	if (now_ms - lookup->second_ms < 1000)
		return;
	lookup->second_ms = now_ms;
	lookup->questions = 0;
}

int64_t owner_lookup_next_us(const struct owner_lookup *lookup)
{
	if (!lookup->is_walking)
		return -1;
	return lookup->walk_due_ms > lookup->now_ms ? (lookup->walk_due_ms - lookup->now_ms) * 1000
						    : 0;
}

static struct connection connection_of(const struct flow_key *key)
{
	const bool is_out = key->side == SIDE_egress;
	struct connection connection = {
		.local_port = is_out ? key->source_port : key->destination_port,
		.remote_port = is_out ? key->destination_port : key->source_port,
		.protocol = key->protocol,
		.ip_version = key->ip_version,
	};
	const uint8_t *source = flow_source_address(key);
	const uint8_t *destination = flow_destination_address(key);

	memcpy(connection.local, is_out ? source : destination, flow_address_size(key));
	memcpy(connection.remote, is_out ? destination : source, flow_address_size(key));
	return connection;
}

/* Have the kernel's answer in 'answer', whose connection is set, unless there were too many. */
static void ask(struct owner_lookup *lookup, const struct flow_record *flow,
		struct owner_answer *answer)
{
	int result;

	answer->owner = (struct packet_owner){ .user = 0 };
	answer->until_ms = lookup->now_ms;
	if (lookup->questions == OWNER_QUESTIONS) {
		lookup->unasked++;
		return;
	}
	lookup->questions++;
	result = capture_sock_diag_ask(lookup->diag, &flow->key, &answer->owner);
	lookup->failed += result < 0;
	answer->until_ms +=
		answer->owner.user || answer->owner.cgroup ? OWNER_ANSWER_MS : UNKNOWN_MS;
}

uint32_t owner_lookup_room(const struct owner_lookup *lookup)
{
	return OWNER_QUESTIONS - lookup->questions;
}

/* What is remembered, or asked. */
static const struct packet_owner *look_up(struct owner_lookup *lookup,
					  const struct flow_record *flow)
{
	const struct connection connection = connection_of(&flow->key);
	const size_t slot = (size_t)hash_words(lookup->key, &connection, sizeof(connection)) &
			    (OWNER_ANSWERS - 1);
	struct owner_answer *answer = &lookup->answers[slot];
	const bool is_there = answer->until_ms > lookup->now_ms &&
			      memcmp(&answer->connection, &connection, sizeof(connection)) == 0;

	/* Another user's: the port is the next one's now. */
	if (!is_there || (flow->user && answer->owner.user && flow->user != answer->owner.user)) {
		answer->connection = connection;
		ask(lookup, flow, answer);
	}
	/* The socket itself has said it; an answer may be that of one that listens. */
	if (flow->user)
		answer->owner.user = flow->user;
	return &answer->owner;
}

uint32_t owner_lookup_unit(struct owner_lookup *lookup, uint64_t cgroup)
{
	bool is_new;
	uint32_t unit;

	if (!cgroup || !lookup->units)
		return 0;
	unit = capture_units_find(lookup->units, cgroup, &is_new);
	if (!is_new || lookup->is_walking || lookup->now_ms < lookup->walk_due_ms)
		return unit;
	walk(lookup);
	return capture_units_find(lookup->units, cgroup, &is_new);
}

struct owner owner_lookup_find(struct owner_lookup *lookup, const struct flow_record *flow)
{
	/* Where units are not asked for, records may end before that member. */
	const uint64_t cgroup = lookup->units ? flow->cgroup : 0;
	struct packet_owner known = { .user = flow->user, .cgroup = cgroup };
	const bool is_whole = known.user && (cgroup || !lookup->units);

	if (!is_whole && lookup->diag && capture_sock_diag_is_for(&flow->key))
		known = *look_up(lookup, flow);
	if (cgroup)
		known.cgroup = cgroup;
	return (struct owner){ known, owner_lookup_unit(lookup, known.cgroup) };
}

void owner_lookup_report(struct owner_lookup *lookup)
{
	const uint64_t refused = lookup->units ? capture_units_counts(lookup->units).refused : 0;
	const uint64_t all = lookup->unasked + lookup->failed + refused;

	if (all == lookup->reported)
		return;
	lookup->reported = all;
	log_event(LOG_LEVEL_warning, "owners-missed", NULL,
		  "owner: not known of some %s: %" PRIu64 " came too fast to ask, %" PRIu64
		  " times the kernel did not answer, %" PRIu64
		  " control groups had no room for their names",
		  lookup->flows, lookup->unasked, lookup->failed, refused);
}
