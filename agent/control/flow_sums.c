/* flow_sums.c - a hash table of sums.
 *
 * Place: control_flows -> here. Sums stand one after another in the order in which their keys came;
 * 'slots' (open addressing, twice as many as sums) has their numbers. Sorting makes the slots
 * wrong, so nothing is added afterwards. */
#include "flow_sums.h"

#include "flow_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAPACITY_FIRST 1024
#define SLOT_EMPTY     UINT32_MAX

/* What a key is of at each end of a flow. */
struct sum_key {
	const char *name;
	enum flow_member members[2]; /* source's end, destination's end */
};

static const struct sum_key both_ends[] = {
	{ "host", { FLOW_MEMBER_src, FLOW_MEMBER_dst } },
	{ "as", { FLOW_MEMBER_src_as, FLOW_MEMBER_dst_as } },
	{ "port", { FLOW_MEMBER_src_port, FLOW_MEMBER_dst_port } },
	{ "iface", { FLOW_MEMBER_in_if_name, FLOW_MEMBER_out_if_name } },
};

static const char *const sum_names[] = { "flows", "packets", "bytes", "bits_per_s", "packets_per_s",
					 /* Of connections: means, and of how many flows each is. */
					 "rtt_us", "rtt_flows", "client_rtt_us", "client_rtt_flows",
					 "server_rtt_us", "server_rtt_flows", "retransmitted",
					 "out_of_order" };

enum {
	SUM_rtt_us = 5,
	SUM_client_us = 7,
	SUM_server_us = 9,
	SUMS_WITHOUT_TCP = 5,
	SUMS_WITH_TCP = 13
};

struct flow_sums {
	const struct flow_key_choice *choice; /* borrowed */
	struct hash_key secret;
	struct sum_key keys[FLOW_SUMS_KEYS];
	size_t key_count;
	size_t name_count; /* of sum_names: those that rows have */
	size_t sum_size;   /* bytes of a flow_sum with its keys */
	char *sums;        /* owned */
	size_t count;
	size_t capacity; /* of 'sums'; a power of two */
	uint32_t *slots; /* owned; 2 * capacity */
	size_t sort_key; /* for compare(): index of a key, or key_count + index of a sum */
	bool is_descending;
};

/* ---- keys ---- */

static int key_find(const char *name, struct sum_key *key)
{
	enum flow_member member;

	for (size_t i = 0; i < sizeof(both_ends) / sizeof(both_ends[0]); i++) {
		if (strcmp(both_ends[i].name, name) == 0) {
			*key = both_ends[i];
			return 0;
		}
	}
	member = flow_member_find(name);
	if (member == FLOW_MEMBER_COUNT || member == FLOW_MEMBER_packets ||
	    member == FLOW_MEMBER_bytes) /* they are what is added up */
		return -EINVAL;
	*key = (struct sum_key){ flow_member_name(member), { member, member } };
	return 0;
}

static int key_add(struct flow_sums *sums, const char *text, size_t length,
		   struct error_text *error)
{
	char name[FLOW_NAME_SIZE];
	char quote[ERROR_QUOTE_SIZE];
	struct sum_key key;

	if (sums->key_count == FLOW_SUMS_KEYS) {
		error_text_set(error, "by: more than %d keys", FLOW_SUMS_KEYS);
		return -EINVAL;
	}
	if (key_find(flow_names_canonical(text, length, name), &key)) {
		error_text_set(error, "by: there is no key \"%s\"",
			       error_text_quote(text, length, quote));
		return -EINVAL;
	}
	for (size_t i = 0; i < sums->key_count; i++) {
		if (strcmp(sums->keys[i].name, key.name) == 0) {
			error_text_set(error, "by: key \"%s\" is there twice", key.name);
			return -EINVAL;
		}
	}
	sums->keys[sums->key_count++] = key;
	return 0;
}

static int keys_parse(struct flow_sums *sums, const char *list, struct error_text *error)
{
	for (;;) {
		const size_t length = strcspn(list, ",");

		if (key_add(sums, list, length, error))
			return -EINVAL;
		list += length;
		if (!*list)
			return 0;
		list++;
	}
}

uint64_t flow_sums_members(const struct flow_sums *sums)
{
	uint64_t members = 0;

	for (size_t i = 0; i < sums->key_count; i++)
		members |= FLOW_MEMBER_BIT(sums->keys[i].members[0]) |
			   FLOW_MEMBER_BIT(sums->keys[i].members[1]);
	return members;
}

/* ---- table ---- */

static struct flow_sum *sum_at(const struct flow_sums *sums, size_t index)
{
	return (struct flow_sum *)(void *)(sums->sums + index * sums->sum_size);
}

static size_t keys_size(const struct flow_sums *sums)
{
	return sums->key_count * sizeof(struct flow_value);
}

static size_t slot_of(const struct flow_sums *sums, const struct flow_value *keys)
{
	const size_t mask = 2 * sums->capacity - 1;
	size_t slot = (size_t)hash_words(sums->secret, keys, keys_size(sums)) & mask;

	while (sums->slots[slot] != SLOT_EMPTY &&
	       memcmp(sum_at(sums, sums->slots[slot])->keys, keys, keys_size(sums)) != 0)
		slot = (slot + 1) & mask;
	return slot;
}

/* Room for twice as many sums, or for the first. */
static int grow(struct flow_sums *sums)
{
	const size_t capacity = sums->capacity ? 2 * sums->capacity : CAPACITY_FIRST;
	char *grown = reallocarray(sums->sums, capacity, sums->sum_size);
	uint32_t *slots;

	if (!grown)
		return -ENOMEM;
	sums->sums = grown;
	slots = malloc(2 * capacity * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(sums->slots);
	sums->slots = slots;
	sums->capacity = capacity;
	memset(slots, 0xff, 2 * capacity * sizeof(*slots));
	for (size_t i = 0; i < sums->count; i++)
		slots[slot_of(sums, sum_at(sums, i)->keys)] = (uint32_t)i;
	return 0;
}

struct flow_sums *flow_sums_create(const char *keys, const struct flow_key_choice *choice,
				   struct hash_key secret, struct error_text *error)
{
	struct flow_sums *sums = calloc(1, sizeof(*sums));

	if (!sums) {
		error_text_set(error, "the agent is out of memory for this answer");
		return NULL;
	}
	sums->choice = choice;
	sums->name_count = SUMS_WITHOUT_TCP;
	sums->secret = secret;
	if (keys_parse(sums, keys, error)) {
		flow_sums_destroy(sums);
		return NULL;
	}
	sums->sum_size = sizeof(struct flow_sum) + keys_size(sums);
	return sums;
}

void flow_sums_destroy(struct flow_sums *sums)
{
	if (!sums)
		return;
	free(sums->sums);
	free(sums->slots);
	free(sums);
}

void flow_sums_with_tcp(struct flow_sums *sums)
{
	sums->name_count = SUMS_WITH_TCP;
}

/* 'known_us' as in struct tcp_quality. */
static void add_to_mean(struct flow_mean *mean, uint32_t known_us)
{
	if (!known_us)
		return;
	mean->us += known_us - 1;
	mean->flows++;
}

static uint64_t mean_us(const struct flow_mean *mean)
{
	return mean->flows ? mean->us / mean->flows : 0;
}

static void add_tcp(struct flow_sum *sum, const struct tcp_quality *tcp)
{
	add_to_mean(&sum->rtt, tcp->handshake_us);
	add_to_mean(&sum->client_rtt, tcp->client_us);
	add_to_mean(&sum->server_rtt, tcp->server_us);
	sum->retransmitted += tcp->retransmitted;
	sum->out_of_order += tcp->out_of_order;
}

/* How much of a flow's bytes or packets fell into the window that ends now. */
static uint64_t recent_part(const struct flow_record *flow, uint64_t amount, unix_ms now)
{
	const int64_t duration_ms = flow->last_ms - flow->first_ms;
	int64_t within_ms = flow->last_ms - (now - FLOW_SUMS_WINDOW_MS);

	if (within_ms < 0)
		return 0;
	if (within_ms >= duration_ms)
		return amount;
	/* In two parts: the product of the whole may be more than 64 bits hold. */
	return amount / (uint64_t)duration_ms * (uint64_t)within_ms +
	       amount % (uint64_t)duration_ms * (uint64_t)within_ms / (uint64_t)duration_ms;
}

static int add_to(struct flow_sums *sums, const struct flow_value *keys,
		  const struct flow_record *flow, unix_ms now)
{
	struct flow_sum *sum;
	size_t slot;

	if (sums->count == sums->capacity && grow(sums))
		return -ENOMEM;
	slot = slot_of(sums, keys);
	if (sums->slots[slot] == SLOT_EMPTY) {
		sums->slots[slot] = (uint32_t)sums->count;
		sum = sum_at(sums, sums->count++);
		*sum = (struct flow_sum){ .flows = 0 };
		memcpy(sum->keys, keys, keys_size(sums));
	}
	sum = sum_at(sums, sums->slots[slot]);
	sum->flows++;
	sum->packets += flow->packets;
	sum->bytes += flow->octets;
	sum->recent_packets += recent_part(flow, flow->packets, now);
	sum->recent_bytes += recent_part(flow, flow->octets, now);
	if (sums->name_count == SUMS_WITH_TCP)
		add_tcp(sum, &flow->tcp);
	return 0;
}

/* Whether an end is no end: a flow that comes in and goes to this host has no second interface. */
static bool end_is_empty(const struct flow_sums *sums, const struct flow_view *view, int end)
{
	const char *const names[2] = { view->input_interface, view->output_interface };

	for (size_t i = 0; i < sums->key_count; i++)
		if (sums->keys[i].members[0] == FLOW_MEMBER_in_if_name &&
		    sums->keys[i].members[1] == FLOW_MEMBER_out_if_name)
			return !*names[end] && *names[!end];
	return false;
}

int flow_sums_add(struct flow_sums *sums, const struct flow_view *view, unix_ms now)
{
	struct flow_value keys[2][FLOW_SUMS_KEYS];
	bool is_counted = false;

	for (int end = 0; end < 2; end++) {
		for (size_t i = 0; i < sums->key_count; i++)
			flow_member_value(view, sums->choice, sums->keys[i].members[end],
					  &keys[end][i]);
		if (end_is_empty(sums, view, end) ||
		    (is_counted && memcmp(keys[0], keys[1], keys_size(sums)) == 0))
			continue;
		if (add_to(sums, keys[end], &view->flow, now))
			return -ENOMEM;
		is_counted = true;
	}
	return 0;
}

size_t flow_sums_room(const struct flow_sums *sums)
{
	return (FLOW_SUMS_MAX - sums->count) / 2; /* a flow has two ends */
}

size_t flow_sums_count(const struct flow_sums *sums)
{
	return sums->count;
}

void flow_sums_clear(struct flow_sums *sums)
{
	sums->count = 0;
	if (sums->slots)
		memset(sums->slots, 0xff, 2 * sums->capacity * sizeof(*sums->slots));
}

/* ---- order and rows ---- */

static uint64_t sum_number(const struct flow_sum *sum, size_t which)
{
	const uint64_t numbers[] = { sum->flows,
				     sum->packets,
				     sum->bytes,
				     sum->recent_bytes * 8000 / FLOW_SUMS_WINDOW_MS,
				     sum->recent_packets * 1000 / FLOW_SUMS_WINDOW_MS,
				     mean_us(&sum->rtt),
				     sum->rtt.flows,
				     mean_us(&sum->client_rtt),
				     sum->client_rtt.flows,
				     mean_us(&sum->server_rtt),
				     sum->server_rtt.flows,
				     sum->retransmitted,
				     sum->out_of_order };

	return numbers[which];
}

static int compare(const void *one_pointer, const void *other_pointer, void *context)
{
	const struct flow_sums *sums = context;
	const struct flow_sum *one = one_pointer;
	const struct flow_sum *other = other_pointer;
	int result;

	if (sums->sort_key < sums->key_count) {
		result = flow_value_compare(&one->keys[sums->sort_key],
					    &other->keys[sums->sort_key]);
	} else {
		const uint64_t left = sum_number(one, sums->sort_key - sums->key_count);
		const uint64_t right = sum_number(other, sums->sort_key - sums->key_count);

		result = (left > right) - (left < right);
		if (!result)
			result = (one->bytes > other->bytes) - (one->bytes < other->bytes);
	}
	return sums->is_descending ? -result : result;
}

/* Index as in sort_key; SIZE_MAX if there is none. */
static size_t sort_key_find(const struct flow_sums *sums, const char *name)
{
	for (size_t i = 0; i < sums->key_count; i++)
		if (strcmp(sums->keys[i].name, name) == 0)
			return i;
	for (size_t i = 0; i < sums->name_count; i++)
		if (strcmp(sum_names[i], name) == 0)
			return sums->key_count + i;
	return SIZE_MAX;
}

bool flow_sums_can_sort(const struct flow_sums *sums, const char *name, bool *is_text)
{
	const size_t key = sort_key_find(sums, name);

	*is_text = key < sums->key_count &&
		   flow_member_kind(sums->keys[key].members[0]) >= FLOW_VALUE_NAME;
	return key != SIZE_MAX;
}

int flow_sums_sort(struct flow_sums *sums, const char *name, bool is_descending)
{
	sums->sort_key = sort_key_find(sums, name);
	if (sums->sort_key == SIZE_MAX)
		return -EINVAL;
	sums->is_descending = is_descending;
	if (sums->count > 1)
		qsort_r(sums->sums, sums->count, sums->sum_size, compare, sums);
	return 0;
}

const struct flow_sum *flow_sums_at(const struct flow_sums *sums, size_t index)
{
	return sum_at(sums, index);
}

bool flow_sums_as_number(const struct flow_sums *sums, size_t index, size_t key, const char **name,
			 uint32_t *as_number)
{
	if (key >= sums->key_count ||
	    !(FLOW_MEMBER_BIT(sums->keys[key].members[0]) & FLOW_MEMBERS_AS))
		return false;
	*name = sums->keys[key].name;
	*as_number = (uint32_t)sum_at(sums, index)->keys[key].number;
	return true;
}

char *flow_sums_write(const struct flow_sums *sums, size_t index, char *to)
{
	const struct flow_sum *sum = sum_at(sums, index);

	*to++ = '{';
	for (size_t i = 0; i < sums->key_count; i++)
		to = flow_value_write(to, sums->keys[i].name, &sum->keys[i]);
	for (size_t i = 0; i < sums->name_count; i++) {
		const bool is_mean = i == SUM_rtt_us || i == SUM_client_us || i == SUM_server_us;
		const bool is_known = !is_mean || sum_number(sum, i + 1);
		const struct flow_value value = {
			.kind = FLOW_VALUE_ID,
			.number = is_known ? (int64_t)sum_number(sum, i) : -1,
		};

		to = flow_value_write(to, sum_names[i], &value);
	}
	*to++ = '}';
	return to;
}
