/* agentctl_group.c - sums per key.
 *
 * The agent has added up already what it had room for (control_flows.h): what is left is to add
 * rows of the same key. Rows that are flows, from an agent of another version, are added up as
 * well. Sums gather in an array, one per row; when it is full it is sorted by key and equal keys
 * are merged. So memory follows the number of keys, not of flows, without a hash table. */
#include "agentctl_group.h"

#include "flow_names.h"
#include "json_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUMS_FIRST 4096

/* A key, and the member of a flow that it is for each end. */
static const struct group_key {
	const char *name;
	const char *members[2]; /* source's end, destination's end */
	enum agentctl_column_kind kind;
	const char *name_member; /* of a sum: the name that belongs to the value; NULL: none */
} group_keys[] = {
	{ "src", { "src", "src" }, COLUMN_ADDRESS, NULL },
	{ "dst", { "dst", "dst" }, COLUMN_ADDRESS, NULL },
	{ "host", { "src", "dst" }, COLUMN_ADDRESS, NULL },
	{ "src_as", { "src_as", "src_as" }, COLUMN_NUMBER, "src_as_name" },
	{ "dst_as", { "dst_as", "dst_as" }, COLUMN_NUMBER, "dst_as_name" },
	{ "as", { "src_as", "dst_as" }, COLUMN_NUMBER, "as_name" },
	{ "src_port", { "src_port", "src_port" }, COLUMN_NUMBER, NULL },
	{ "dst_port", { "dst_port", "dst_port" }, COLUMN_NUMBER, NULL },
	{ "port", { "src_port", "dst_port" }, COLUMN_NUMBER, NULL },
	{ "proto", { "proto", "proto" }, COLUMN_PROTOCOL, NULL },
	{ "in_if", { "in_if", "in_if" }, COLUMN_NUMBER, NULL },
	{ "out_if", { "out_if", "out_if" }, COLUMN_NUMBER, NULL },
	{ "iface", { "in_if_name", "out_if_name" }, COLUMN_TEXT, NULL },
	{ "dir", { "dir", "dir" }, COLUMN_TEXT, NULL },
	{ "tos", { "tos", "tos" }, COLUMN_NUMBER, NULL },
	{ "vlan", { "vlan", "vlan" }, COLUMN_NUMBER, NULL },
	{ "mark", { "mark", "mark" }, COLUMN_NUMBER, NULL },
	{ "uid", { "uid", "uid" }, COLUMN_NUMBER, NULL },
	{ "unit", { "unit", "unit" }, COLUMN_TEXT, NULL },
	{ "src_mac", { "src_mac", "src_mac" }, COLUMN_TEXT, NULL },
	{ "dst_mac", { "dst_mac", "dst_mac" }, COLUMN_TEXT, NULL },
	{ "post_nat_src", { "post_nat_src", "post_nat_src" }, COLUMN_ADDRESS, NULL },
	{ "post_nat_dst", { "post_nat_dst", "post_nat_dst" }, COLUMN_ADDRESS, NULL },
	{ "v", { "v", "v" }, COLUMN_NUMBER, NULL },
};

#define GROUP_KEY_COUNT (sizeof(group_keys) / sizeof(group_keys[0]))

/* Times of connections: means, and of how many flows each is. */
enum { MEANS = 3 };
static const char *const mean_names[MEANS][2] = {
	{ "rtt_us", "rtt_flows" },
	{ "client_rtt_us", "client_rtt_flows" },
	{ "server_rtt_us", "server_rtt_flows" },
};

static const char *const mean_labels[MEANS][2] = { { "rtt" }, { "client_rtt" }, { "server_rtt" } };

struct group_sum {
	char *key; /* owned; JSON array of the values */
	uint64_t flows, packets, bytes, bits_per_s, packets_per_s;
	/* Of connections, if rows have it. */
	struct group_mean {
		uint64_t us, flows; /* sum over these */
	} means[MEANS];
	uint64_t retransmitted, out_of_order;
};

struct agentctl_group {
	const struct group_key *keys[AGENTCTL_GROUP_KEYS];
	size_t key_count;
	char names[AGENTCTL_GROUP_KEYS * FLOW_NAME_SIZE]; /* with commas */
	struct agentctl_column columns[2 * AGENTCTL_GROUP_KEYS + 14];
	bool has_tcp;           /* rows have rtt_us */
	json_t *value_names;    /* owned; by the value's text */
	struct group_sum *sums; /* owned */
	size_t count;
	size_t capacity;
};

const char *agentctl_group_key_name(size_t index)
{
	return index < GROUP_KEY_COUNT ? group_keys[index].name : NULL;
}

static const struct group_key *find_key(const char *name, size_t length)
{
	for (size_t i = 0; i < GROUP_KEY_COUNT; i++)
		if (flow_names_equal(name, length, group_keys[i].name))
			return &group_keys[i];
	return NULL;
}

static void key_unknown(const char *name, size_t length, struct error_text *error)
{
	char quote[ERROR_QUOTE_SIZE];

	error_text_set(error, "--by: there is no key \"%s\"",
		       error_text_quote(name, length, quote));
	error_text_hint(
		error, "keys: src dst host src_as dst_as as src_port dst_port port proto "
		       "in_if out_if iface dir tos vlan mark uid unit src_mac dst_mac post_nat_src "
		       "post_nat_dst v");
}

static bool keys_parse(struct agentctl_group *group, const char *list, struct error_text *error)
{
	for (;;) {
		size_t length = strcspn(list, ",");
		const struct group_key *key = find_key(list, length);

		if (!key) {
			key_unknown(list, length, error);
			return false;
		}
		for (size_t i = 0; i < group->key_count; i++) {
			if (group->keys[i] == key) {
				error_text_set(error, "--by: key \"%s\" is there twice", key->name);
				return false;
			}
		}
		if (group->key_count == AGENTCTL_GROUP_KEYS) {
			error_text_set(error, "--by: more than %d keys", AGENTCTL_GROUP_KEYS);
			return false;
		}
		group->keys[group->key_count++] = key;
		list += length;
		if (!*list)
			return true;
		list++;
	}
}

static void fill_columns(struct agentctl_group *group)
{
	struct agentctl_column *column = group->columns;

	for (size_t i = 0; i < group->key_count; i++) {
		if (i)
			(void)strcat(group->names, ",");
		(void)strcat(group->names, group->keys[i]->name);
		*column++ = (struct agentctl_column){ group->keys[i]->name, NULL,
						      group->keys[i]->kind, COLUMN_SHOWN };
	}
	*column++ = (struct agentctl_column){ "flows", NULL, COLUMN_NUMBER, COLUMN_SHOWN };
	*column++ = (struct agentctl_column){ "packets", NULL, COLUMN_NUMBER, COLUMN_SHOWN };
	*column++ = (struct agentctl_column){ "bytes", NULL, COLUMN_BYTES, COLUMN_SHOWN };
	*column++ = (struct agentctl_column){ "bits_per_s", "rate", COLUMN_BITRATE, 2 };
	*column++ = (struct agentctl_column){ "packets_per_s", NULL, COLUMN_NUMBER, COLUMN_HIDDEN };
	for (size_t i = 0; i < MEANS; i++)
		for (size_t j = 0; j < 2; j++)
			*column++ = (struct agentctl_column){ mean_names[i][j], mean_labels[i][j],
							      COLUMN_NUMBER, COLUMN_HIDDEN };
	*column++ = (struct agentctl_column){ "retransmitted", NULL, COLUMN_NUMBER, COLUMN_HIDDEN };
	*column++ = (struct agentctl_column){ "out_of_order", NULL, COLUMN_NUMBER, COLUMN_HIDDEN };
	for (size_t i = 0; i < group->key_count; i++)
		if (group->keys[i]->name_member)
			*column++ = (struct agentctl_column){ group->keys[i]->name_member, NULL,
							      COLUMN_TEXT, COLUMN_HIDDEN };
	*column = (struct agentctl_column){ .name = NULL };
}

struct agentctl_group *agentctl_group_create(const char *keys, struct error_text *error)
{
	struct agentctl_group *group = calloc(1, sizeof(*group));

	if (!group) {
		error_text_set(error, "out of memory");
		return NULL;
	}
	group->value_names = json_object();
	if (!group->value_names)
		error_text_set(error, "out of memory");
	if (!group->value_names || !keys_parse(group, keys, error)) {
		agentctl_group_destroy(group);
		return NULL;
	}
	fill_columns(group);
	return group;
}

const struct agentctl_column *agentctl_group_columns(const struct agentctl_group *group)
{
	return group->columns;
}

const char *agentctl_group_keys(const struct agentctl_group *group)
{
	return group->names;
}

static int compare(const void *one, const void *other)
{
	return strcmp(((const struct group_sum *)one)->key, ((const struct group_sum *)other)->key);
}

/* Merge equal keys. */
static void merge(struct agentctl_group *group)
{
	size_t kept = 0;

	if (group->count > 1)
		qsort(group->sums, group->count, sizeof(*group->sums), compare);
	for (size_t i = 1; i < group->count; i++) {
		struct group_sum *to = &group->sums[kept];
		struct group_sum *from = &group->sums[i];

		if (strcmp(to->key, from->key) != 0) {
			group->sums[++kept] = *from;
			continue;
		}
		to->flows += from->flows;
		to->packets += from->packets;
		to->bytes += from->bytes;
		to->bits_per_s += from->bits_per_s;
		to->packets_per_s += from->packets_per_s;
		for (size_t j = 0; j < MEANS; j++) {
			to->means[j].us += from->means[j].us;
			to->means[j].flows += from->means[j].flows;
		}
		to->retransmitted += from->retransmitted;
		to->out_of_order += from->out_of_order;
		free(from->key);
	}
	if (group->count > 0)
		group->count = kept + 1;
}

/* Make room for one more sum. */
static int reserve(struct agentctl_group *group)
{
	size_t capacity = group->capacity ? 2 * group->capacity : SUMS_FIRST;
	struct group_sum *grown;

	if (group->count < group->capacity)
		return 0;
	merge(group);
	if (group->capacity && group->count <= group->capacity / 2)
		return 0;
	grown = reallocarray(group->sums, capacity, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	group->sums = grown;
	group->capacity = capacity;
	return 0;
}

/* The text of a number, for value_names. */
static const char *value_text(const json_t *value, char text[static 24])
{
	(void)snprintf(text, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	return text;
}

/* Names belong to values, not to sums: a table may change while the rows come. */
static int note_names(struct agentctl_group *group, const json_t *row)
{
	char text[24];
	int result = 0;

	for (size_t i = 0; !result && i < group->key_count; i++) {
		const struct group_key *key = group->keys[i];
		json_t *name = key->name_member ? json_object_get(row, key->name_member) : NULL;

		if (name)
			result = json_object_set(group->value_names,
						 value_text(json_object_get(row, key->name), text),
						 name);
	}
	return result ? -ENOMEM : 0;
}

/* Key of a flow as seen from one end (0 source, 1 destination); NULL if memory is short. */
static char *key_text(const struct agentctl_group *group, const json_t *flow, int end)
{
	const bool is_sum = json_object_get(flow, "flows") != NULL;
	json_t *values = json_array();
	char *text = NULL;
	int result = values ? 0 : -1;

	for (size_t i = 0; !result && i < group->key_count; i++) {
		const struct group_key *key = group->keys[i];
		json_t *value = json_object_get(flow, is_sum ? key->name : key->members[end]);

		result = value ? json_array_append(values, value)
			       : json_array_append_new(values, json_null());
	}
	if (!result)
		text = json_dumps(values, JSON_TEXT_FLAGS);
	json_decref(values);
	return text;
}

static uint64_t number_of(const json_t *row, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(row, name));
}

/* A sum's mean is of as many flows as it says, a flow's of one. */
static void add_mean(struct group_mean *mean, const json_t *row, const char *const names[2])
{
	const json_t *time = json_object_get(row, names[0]);
	const json_t *flows = json_object_get(row, names[1]);

	if (json_is_integer(time))
		mean->flows = flows ? (uint64_t)json_integer_value(flows) : 1;
	mean->us = (uint64_t)json_integer_value(time) * mean->flows;
}

static void add_tcp(struct agentctl_group *group, struct group_sum *sum, const json_t *row)
{
	if (!json_object_get(row, mean_names[0][0]))
		return;
	group->has_tcp = true;
	for (size_t i = 0; i < MEANS; i++)
		add_mean(&sum->means[i], row, mean_names[i]);
	sum->retransmitted = number_of(row, "retransmitted");
	sum->out_of_order = number_of(row, "out_of_order");
}

static int add_sum(struct agentctl_group *group, char *key, const json_t *flow)
{
	const json_t *flows = json_object_get(flow, "flows");
	int result = reserve(group);

	if (result)
		return result;
	group->sums[group->count++] = (struct group_sum){
		.key = key,
		.flows = flows ? (uint64_t)json_integer_value(flows) : 1,
		.packets = number_of(flow, "packets"),
		.bytes = number_of(flow, "bytes"),
		.bits_per_s = number_of(flow, "bits_per_s"),
		.packets_per_s = number_of(flow, "packets_per_s"),
	};
	add_tcp(group, &group->sums[group->count - 1], flow);
	return 0;
}

/* Whether an end is no end: a flow that comes in and goes to this host has no second interface. */
static bool end_is_empty(const struct agentctl_group *group, const json_t *flow, int end)
{
	for (size_t i = 0; i < group->key_count; i++) {
		const char *text;
		const char *other;

		if (strcmp(group->keys[i]->name, "iface") != 0)
			continue;
		text = json_string_value(json_object_get(flow, group->keys[i]->members[end]));
		other = json_string_value(json_object_get(flow, group->keys[i]->members[!end]));
		return text && !*text && other && *other;
	}
	return false;
}

int agentctl_group_add(struct agentctl_group *group, const json_t *flow)
{
	char *keys[2] = { key_text(group, flow, 0), key_text(group, flow, 1) };
	int result = keys[0] && keys[1] ? note_names(group, flow) : -ENOMEM;
	bool is_used[2] = { false, false };

	if (!result && !end_is_empty(group, flow, 0)) {
		result = add_sum(group, keys[0], flow);
		is_used[0] = !result;
	}
	if (!result && !end_is_empty(group, flow, 1) &&
	    (!is_used[0] || strcmp(keys[0], keys[1]) != 0)) {
		/* keys[0] may have been freed by a merge only after this comparison */
		result = add_sum(group, keys[1], flow);
		is_used[1] = !result;
	}
	for (int end = 0; end < 2; end++)
		if (!is_used[end])
			free(keys[end]);
	return result;
}

static int add_names(const struct agentctl_group *group, json_t *row)
{
	char text[24];
	int result = 0;

	for (size_t i = 0; !result && i < group->key_count; i++) {
		const struct group_key *key = group->keys[i];
		json_t *name = json_object_get(group->value_names,
					       value_text(json_object_get(row, key->name), text));

		if (key->name_member && name)
			result = json_object_set(row, key->name_member, name);
	}
	return result;
}

static int write_mean(const struct group_mean *mean, const char *const names[2], json_t *row)
{
	json_t *time =
		mean->flows ? json_integer((json_int_t)(mean->us / mean->flows)) : json_null();

	return json_object_set_new(row, names[0], time) |
	       json_object_set_new(row, names[1], json_integer((json_int_t)mean->flows));
}

static int write_tcp(const struct group_sum *sum, json_t *row)
{
	int result = 0;

	for (size_t i = 0; i < MEANS; i++)
		result |= write_mean(&sum->means[i], mean_names[i], row);
	return result |
	       json_object_set_new(row, "retransmitted",
				   json_integer((json_int_t)sum->retransmitted)) |
	       json_object_set_new(row, "out_of_order",
				   json_integer((json_int_t)sum->out_of_order));
}

static json_t *sum_row(const struct agentctl_group *group, const struct group_sum *sum)
{
	json_t *values = json_loads(sum->key, 0, NULL);
	json_t *row = values ? json_object() : NULL;
	int result = row ? 0 : -1;

	for (size_t i = 0; !result && i < group->key_count; i++)
		result = json_object_set(row, group->keys[i]->name, json_array_get(values, i));
	if (!result)
		result = json_object_set_new(row, "flows", json_integer((json_int_t)sum->flows)) |
			 json_object_set_new(row, "packets",
					     json_integer((json_int_t)sum->packets)) |
			 json_object_set_new(row, "bytes", json_integer((json_int_t)sum->bytes)) |
			 json_object_set_new(row, "bits_per_s",
					     json_integer((json_int_t)sum->bits_per_s)) |
			 json_object_set_new(row, "packets_per_s",
					     json_integer((json_int_t)sum->packets_per_s)) |
			 (group->has_tcp ? write_tcp(sum, row) : 0) | add_names(group, row);
	json_decref(values);
	if (result) {
		json_decref(row);
		row = NULL;
	}
	return row;
}

int agentctl_group_each(struct agentctl_group *group, int (*take)(void *context, const json_t *row),
			void *context)
{
	int result = 0;

	merge(group);
	for (size_t i = 0; !result && i < group->count; i++) {
		json_t *row = sum_row(group, &group->sums[i]);

		result = row ? take(context, row) : -ENOMEM;
		json_decref(row);
	}
	return result;
}

void agentctl_group_destroy(struct agentctl_group *group)
{
	if (!group)
		return;
	for (size_t i = 0; i < group->count; i++)
		free(group->sums[i].key);
	json_decref(group->value_names);
	free(group->sums);
	free(group);
}
