/* flow_filter.c - filter words -> array of tests; a test against a flow_record.
 *
 * Used by the control protocol on snapshots of the cache, and by collectors on records. A word is a
 * row of 'keys': which kind of value it takes and which one or two members of a flow it looks at.
 * Whatever a value is written as, it becomes an interval of numbers, a prefix, or a set of flags,
 * so that matching is three comparisons and knows neither units nor names. */
#include "flow_filter.h"

#include "address.h"
#include "flow_filter_value.h"
#include "flow_names.h"
#include "word_distance.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS              " \t"
#define VALUE_SIZE          80 /* longest single value, with NUL; a prefix needs 50 */
#define INTERFACE_NAME_SIZE 16
#define NAME_SIZE           32 /* of a unit, with NUL; of an interface IFNAMSIZ */

/* What of a flow is looked at. */
enum datum {
	DATUM_none,
	DATUM_source_address,
	DATUM_destination_address,
	DATUM_source_port,
	DATUM_destination_port,
	DATUM_source_as,
	DATUM_destination_as,
	DATUM_input_interface,
	DATUM_output_interface,
	DATUM_protocol,
	DATUM_side,
	DATUM_ip_version,
	DATUM_tos,
	DATUM_vlan,
	DATUM_mark,
	DATUM_tcp_flags,
	DATUM_octets,
	DATUM_packets,
	DATUM_duration,
	DATUM_age,
	DATUM_idle,
	DATUM_user,
	DATUM_unit,
	DATUM_rtt, /* what is known of a TCP connection, from here on */
	DATUM_client_rtt,
	DATUM_server_rtt,
	DATUM_retransmitted,
	DATUM_out_of_order,
};

struct filter_key {
	const char *name;
	enum flow_filter_value kind;
	enum datum first;
	enum datum second; /* either may match; DATUM_none if there is only one */
	uint64_t maximum;
};

static const struct filter_key keys[] = {
	{ "src", VALUE_prefix, DATUM_source_address, DATUM_none, 0 },
	{ "dst", VALUE_prefix, DATUM_destination_address, DATUM_none, 0 },
	{ "host", VALUE_prefix, DATUM_source_address, DATUM_destination_address, 0 },
	{ "net", VALUE_prefix, DATUM_source_address, DATUM_destination_address, 0 },
	{ "sport", VALUE_port, DATUM_source_port, DATUM_none, UINT16_MAX },
	{ "dport", VALUE_port, DATUM_destination_port, DATUM_none, UINT16_MAX },
	{ "port", VALUE_port, DATUM_source_port, DATUM_destination_port, UINT16_MAX },
	{ "src_as", VALUE_as, DATUM_source_as, DATUM_none, UINT32_MAX },
	{ "dst_as", VALUE_as, DATUM_destination_as, DATUM_none, UINT32_MAX },
	{ "as", VALUE_as, DATUM_source_as, DATUM_destination_as, UINT32_MAX },
	{ "in_if", VALUE_interface, DATUM_input_interface, DATUM_none, UINT32_MAX },
	{ "out_if", VALUE_interface, DATUM_output_interface, DATUM_none, UINT32_MAX },
	{ "iface", VALUE_interface, DATUM_input_interface, DATUM_output_interface, UINT32_MAX },
	{ "proto", VALUE_protocol, DATUM_protocol, DATUM_none, UINT8_MAX },
	{ "dir", VALUE_side, DATUM_side, DATUM_none, UINT8_MAX },
	{ "v", VALUE_version, DATUM_ip_version, DATUM_none, UINT8_MAX },
	{ "tos", VALUE_number, DATUM_tos, DATUM_none, UINT8_MAX },
	{ "vlan", VALUE_number, DATUM_vlan, DATUM_none, 4095 },
	{ "mark", VALUE_number, DATUM_mark, DATUM_none, UINT32_MAX },
	{ "uid", VALUE_number, DATUM_user, DATUM_none, UINT32_MAX - 1 },
	{ "unit", VALUE_unit, DATUM_unit, DATUM_none, 0 },
	{ "flags", VALUE_flags, DATUM_tcp_flags, DATUM_none, UINT8_MAX },
	{ "bytes", VALUE_amount, DATUM_octets, DATUM_none, INT64_MAX },
	{ "packets", VALUE_amount, DATUM_packets, DATUM_none, INT64_MAX },
	{ "duration", VALUE_time, DATUM_duration, DATUM_none, INT64_MAX },
	{ "age", VALUE_time, DATUM_age, DATUM_none, INT64_MAX },
	{ "idle", VALUE_time, DATUM_idle, DATUM_none, INT64_MAX },
	{ "rtt", VALUE_short_time, DATUM_rtt, DATUM_none, UINT32_MAX },
	{ "client_rtt", VALUE_short_time, DATUM_client_rtt, DATUM_none, UINT32_MAX },
	{ "server_rtt", VALUE_short_time, DATUM_server_rtt, DATUM_none, UINT32_MAX },
	{ "retransmitted", VALUE_amount, DATUM_retransmitted, DATUM_none, UINT32_MAX },
	{ "out_of_order", VALUE_amount, DATUM_out_of_order, DATUM_none, UINT32_MAX },
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

/* One value of a word. A word's tests are neighbours. */
struct filter_test {
	const struct filter_key *key;
	bool is_negated;    /* the same for all values of a word */
	bool is_last;       /* of its word */
	bool is_comparison; /* by < or > */
	union {
		struct prefix prefix;
		struct {
			uint64_t low, high; /* both included; low > high matches nothing */
		};
		char name[NAME_SIZE]; /* where 'is_name' */
	};
	bool is_name;   /* of an interface, or a unit, that is asked for when a flow is matched */
	bool is_mapped; /* the prefix was written as ::ffff:192.0.2.0/120 */
};

struct flow_filter {
	struct flow_filter_names names;
	size_t count;
	struct filter_test tests[];
};

/* ---- words and errors ---- */

/* A name that has less than 'size' characters, none of 'forbidden', kept in the test. */
static int keep_name(const char *text, size_t size, const char *forbidden, struct filter_test *test)
{
	const size_t length = strlen(text);

	if (length == 0 || length >= size || strpbrk(text, forbidden))
		return -EINVAL;
	test->is_name = true;
	memcpy(test->name, text, length + 1);
	return 0;
}

static int parse_range(const struct filter_key *key, char *text, struct filter_test *test)
{
	char *high = strchr(text, '-');

	if (!high || !flow_filter_value_is_ordered(key->kind))
		return -EINVAL;
	*high++ = '\0';
	if (flow_filter_value_parse(key->kind, text, NULL, key->maximum, &test->low) < 0 ||
	    flow_filter_value_parse(key->kind, high, NULL, key->maximum, &test->high) < 0)
		return -EINVAL;
	return test->low > test->high ? -EINVAL : 0;
}

enum comparison { EQUAL, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };

/* Parse one value (cut by a range) into a test. Returns 0 or -EINVAL. */
static int parse_test(const struct filter_key *key, enum comparison comparison, char *text,
		      const struct flow_filter_names *names, struct filter_test *test)
{
	uint64_t number;

	if (key->kind == VALUE_prefix) {
		const int result = prefix_parse(text, &test->prefix);

		test->is_mapped = !result && test->prefix.ip_version == 4 && strchr(text, ':');
		return result;
	}
	if (key->kind == VALUE_interface && names && names->interface_is &&
	    flow_filter_value_parse(VALUE_number, text, NULL, UINT64_MAX, &number) < 0)
		return keep_name(text, INTERFACE_NAME_SIZE, "/:" BLANKS, test);
	if (key->kind == VALUE_unit)
		return names && names->unit_is ? keep_name(text, NAME_SIZE, "/" BLANKS, test)
					       : -EINVAL;
	if (flow_filter_value_parse(key->kind, text, names, key->maximum, &number) < 0)
		return comparison == EQUAL ? parse_range(key, text, test) : -EINVAL;
	test->low = 0;
	test->high = UINT64_MAX;
	switch (comparison) { /* maximum is INT64_MAX: number + 1 does not wrap */
	case EQUAL: test->low = test->high = number; break;
	case LESS:
		test->low = number == 0; /* nothing is below 0 */
		test->high = number > 0 ? number - 1 : 0;
		break;
	case LESS_OR_EQUAL: test->high = number; break;
	case GREATER: test->low = number + 1; break;
	case GREATER_OR_EQUAL: test->low = number; break;
	}
	return 0;
}

static void fail_value(struct error_text *error, const struct filter_key *key, const char *value,
		       size_t length)
{
	const char *expected = flow_filter_value_expected(key->kind);
	char quote[ERROR_QUOTE_SIZE];

	error_text_quote(value, length, quote);
	if (expected)
		error_text_set(error, "filter: %s \"%s\", expected %s", key->name, quote, expected);
	else
		error_text_set(error,
			       "filter: %s \"%s\", expected 0 to %llu or a range such as 1-9",
			       key->name, quote, (unsigned long long)key->maximum);
}

static void fail_key(struct error_text *error, const char *name, size_t length)
{
	struct word_nearest nearest = word_distance_begin(name, length);
	char quote[ERROR_QUOTE_SIZE];

	for (size_t i = 0; i < KEY_COUNT; i++)
		word_distance_offer(&nearest, keys[i].name);
	error_text_quote(name, length, quote);
	if (nearest.best)
		error_text_set(error, "filter: unknown key \"%s\" (did you mean \"%s\"?)", quote,
			       nearest.best);
	else
		error_text_set(
			error,
			"filter: unknown key \"%s\", expected one of src, dst, host, sport, "
			"dport, port, src_as, dst_as, as, in_if, out_if, iface, proto, dir, "
			"v, tos, vlan, mark, uid, unit, flags, bytes, packets, duration, age, "
			"idle, rtt, client_rtt, server_rtt, retransmitted, out_of_order",
			quote);
}

static const struct filter_key *find_key(const char *name, size_t length)
{
	for (size_t i = 0; i < KEY_COUNT; i++) {
		if (flow_names_equal(name, length, keys[i].name))
			return &keys[i];
	}
	return NULL;
}

/* Take "=", "==", "!=", "<", "<=", ">" or ">=". Returns its length, 0 if there is none. */
static size_t take_operator(const char *text, enum comparison *comparison, bool *is_negated)
{
	bool has_equal = text[0] && text[1] == '=';

	switch (text[0]) {
	case '=': *comparison = EQUAL; return has_equal ? 2 : 1;
	case '!':
		*comparison = EQUAL;
		*is_negated = !*is_negated;
		return has_equal ? 2 : 0;
	case '<': *comparison = has_equal ? LESS_OR_EQUAL : LESS; return has_equal ? 2 : 1;
	case '>': *comparison = has_equal ? GREATER_OR_EQUAL : GREATER; return has_equal ? 2 : 1;
	default: return 0;
	}
}

/* Two words that want one datum to be two things: together they match nothing, or what one of them
 * matches. Flags are several in one datum; host, port and the like look at either side. 'before' is
 * how many tests the words before this one have. */
static int refuse_second(const struct flow_filter *filter, size_t before,
			 const struct filter_key *key, struct error_text *error)
{
	if (key->second != DATUM_none || key->kind == VALUE_flags)
		return 0;
	for (size_t i = 0; i < before; i++) {
		const struct filter_test *test = &filter->tests[i];

		if (test->key != key || test->is_negated || test->is_comparison)
			continue;
		error_text_set(error,
			       "filter: %s= is given twice, and both would have to match; for "
			       "either of them write %s=ONE,OTHER",
			       key->name, key->name);
		return -EINVAL;
	}
	return 0;
}

/* Parse the values of a word, divided by commas, to the end of the filter. */
static int parse_values(struct flow_filter *filter, const struct filter_key *key,
			enum comparison comparison, bool is_negated, const char *values,
			const struct flow_filter_names *names, struct error_text *error)
{
	for (;;) {
		struct filter_test *test = &filter->tests[filter->count];
		size_t length = strcspn(values, ",");
		char value[VALUE_SIZE] = "";

		if (length < sizeof(value))
			memcpy(value, values, length);
		*test = (struct filter_test){ .key = key,
					      .is_negated = is_negated,
					      .is_comparison = comparison != EQUAL };
		if (parse_test(key, comparison, value, names, test) < 0) {
			fail_value(error, key, values, length);
			return -EINVAL;
		}
		filter->count++;
		values += length;
		if (!*values) {
			test->is_last = true;
			return 0;
		}
		values++;
	}
}

static int parse_word(struct flow_filter *filter, const char *word,
		      const struct flow_filter_names *names, struct error_text *error)
{
	const struct filter_key *key;
	enum comparison comparison;
	bool is_negated = word[0] == '!';
	const char *name = word + is_negated;
	size_t name_length = strcspn(name, "!<>=");
	size_t operator_length = take_operator(name + name_length, &comparison, &is_negated);
	const size_t before = filter->count;
	char quote[ERROR_QUOTE_SIZE];

	if (name_length == 0 || operator_length == 0) {
		error_text_set(error, "filter: \"%s\", expected KEY=VALUE such as proto=tcp",
			       error_text_quote(word, strlen(word), quote));
		return -EINVAL;
	}
	key = find_key(name, name_length);
	if (!key) {
		fail_key(error, name, name_length);
		return -EINVAL;
	}
	if (comparison != EQUAL && !flow_filter_value_is_ordered(key->kind)) {
		error_text_set(error, "filter: \"%s\", expected = or != after %s",
			       error_text_quote(word, strlen(word), quote), key->name);
		return -EINVAL;
	}
	if (parse_values(filter, key, comparison, is_negated, name + name_length + operator_length,
			 names, error) < 0)
		return -EINVAL;
	return comparison == EQUAL && !is_negated ? refuse_second(filter, before, key, error) : 0;
}

/* Values of all words: one more than there are commas in each. */
static size_t count_values(const char *const *words, size_t count)
{
	size_t values = count;

	for (size_t i = 0; i < count; i++) {
		for (const char *comma = words[i]; (comma = strchr(comma, ',')); comma++)
			values++;
	}
	return values;
}

struct flow_filter *flow_filter_parse(const char *const *words, size_t count,
				      const struct flow_filter_names *names,
				      struct error_text *error)
{
	size_t values = count_values(words, count);
	struct flow_filter *filter = malloc(sizeof(*filter) + values * sizeof(filter->tests[0]));

	if (!filter) {
		error_text_set(error, "filter: out of memory");
		return NULL;
	}
	filter->count = 0;
	filter->names = names ? *names : (struct flow_filter_names){ .interface_index = NULL };
	for (size_t i = 0; i < count; i++) {
		if (parse_word(filter, words[i], names, error) < 0) {
			free(filter);
			return NULL;
		}
	}
	return filter;
}

/* Words of a text, which is cut apart for them. Returns how many there are. */
static size_t split_words(char *text, const char **words)
{
	size_t count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(text, BLANKS, &rest); word; word = strtok_r(NULL, BLANKS, &rest))
		words[count++] = word;
	return count;
}

struct flow_filter *flow_filter_parse_text(const char *text, const struct flow_filter_names *names,
					   struct error_text *error)
{
	const size_t most = strlen(text) / 2 + 1; /* each is a letter and a blank at least */
	const char **words = malloc(most * sizeof(*words));
	char *copy = strdup(text);
	struct flow_filter *filter = NULL;

	if (words && copy)
		filter = flow_filter_parse(words, split_words(copy, words), names, error);
	else
		error_text_set(error, "filter: out of memory");
	free(copy);
	free(words);
	return filter;
}

unsigned int flow_filter_needs(const struct flow_filter *filter)
{
	unsigned int needs = 0;

	for (size_t i = 0; i < filter->count; i++) {
		const struct filter_key *key = filter->tests[i].key;

		if (key->kind == VALUE_as)
			needs |= FLOW_FILTER_needs_as_numbers;
		if (key->first == DATUM_unit)
			needs |= FLOW_FILTER_needs_unit;
		if (key->first == DATUM_user)
			needs |= FLOW_FILTER_needs_user;
		if (key->first >= DATUM_rtt)
			needs |= FLOW_FILTER_needs_tcp;
		if (key->first == DATUM_age || key->first == DATUM_idle)
			needs |= FLOW_FILTER_needs_now;
	}
	return needs;
}

void flow_filter_destroy(struct flow_filter *filter)
{
	free(filter);
}

/* ---- matching ---- */

struct subject {
	const struct flow_filter_names *names;
	const struct flow_record *flow;
	uint32_t source_as, destination_as;
	unix_ms now_ms;
};

/* Milliseconds from one time to another, 0 if they are the other way round: clocks differ. */
static uint64_t elapsed_ms(unix_ms from, unix_ms to)
{
	return to > from ? (uint64_t)to - (uint64_t)from : 0;
}

static uint64_t datum_number(enum datum datum, const struct subject *subject)
{
	const struct flow_record *flow = subject->flow;

	switch (datum) {
	case DATUM_none:
	case DATUM_source_address:
	case DATUM_destination_address:
	case DATUM_unit: break; /* are no numbers */
	case DATUM_source_port: return flow->key.source_port;
	case DATUM_destination_port: return flow->key.destination_port;
	case DATUM_source_as: return subject->source_as;
	case DATUM_destination_as: return subject->destination_as;
	case DATUM_input_interface: return flow->key.input_interface;
	case DATUM_output_interface: return flow->key.output_interface;
	case DATUM_protocol: return flow->key.protocol;
	case DATUM_side: return flow->key.side;
	case DATUM_ip_version: return flow->key.ip_version;
	case DATUM_tos: return flow->key.tos;
	case DATUM_vlan: return flow->key.vlan_id;
	case DATUM_mark: return flow->key.mark;
	case DATUM_tcp_flags: return flow->tcp_flags;
	case DATUM_octets: return flow->octets;
	case DATUM_packets: return flow->packets;
	case DATUM_duration: return elapsed_ms(flow->first_ms, flow->last_ms);
	case DATUM_age: return elapsed_ms(flow->first_ms, subject->now_ms);
	case DATUM_idle: return elapsed_ms(flow->last_ms, subject->now_ms);
	case DATUM_user: return flow->user - 1;
	case DATUM_rtt: return flow->tcp.handshake_us - 1;
	case DATUM_client_rtt: return flow->tcp.client_us - 1;
	case DATUM_server_rtt: return flow->tcp.server_us - 1;
	case DATUM_retransmitted: return flow->tcp.retransmitted;
	case DATUM_out_of_order: return flow->tcp.out_of_order;
	}
	return 0;
}

/* Whether the flow has a datum that some do not. */
static bool datum_is_known(enum datum datum, const struct flow_record *flow)
{
	switch (datum) {
	case DATUM_user: return flow->user != 0;
	case DATUM_rtt: return flow->tcp.handshake_us != 0;
	case DATUM_client_rtt: return flow->tcp.client_us != 0;
	case DATUM_server_rtt: return flow->tcp.server_us != 0;
	case DATUM_retransmitted:
	case DATUM_out_of_order: return flow->tcp.is_known;
	default: return true;
	}
}

/* An IPv4-mapped prefix is of IPv4, and of the odd packet that has such an address in its IPv6
 * header: it is shown as that. */
static bool address_matches(const struct filter_test *test, uint8_t ip_version,
			    const uint8_t *address)
{
	return prefix_contains(&test->prefix, ip_version, address) ||
	       (test->is_mapped && ip_version == 6 && address_is_mapped(address) &&
		prefix_contains(&test->prefix, 4, address + 12));
}

static bool datum_matches(const struct filter_test *test, enum datum datum,
			  const struct subject *subject)
{
	const struct flow_key *key = &subject->flow->key;
	uint64_t number;

	if (datum == DATUM_source_address)
		return address_matches(test, key->ip_version, flow_source_address(key));
	if (datum == DATUM_destination_address)
		return address_matches(test, key->ip_version, flow_destination_address(key));
	if (datum == DATUM_unit)
		return subject->names->unit_is(subject->names->context, subject->flow, test->name);
	/* Records may end before these where nobody asks for them. */
	if (datum >= DATUM_user && !datum_is_known(datum, subject->flow))
		return false;
	number = datum_number(datum, subject);
	if (test->is_name)
		return number && subject->names->interface_is(subject->names->context,
							      (uint32_t)number, test->name);
	if (datum == DATUM_tcp_flags)
		return (number & test->low) == test->low;
	return test->low <= number && number <= test->high;
}

static bool test_matches(const struct filter_test *test, const struct subject *subject)
{
	return datum_matches(test, test->key->first, subject) ||
	       (test->key->second != DATUM_none && datum_matches(test, test->key->second, subject));
}

bool flow_filter_matches(const struct flow_filter *filter, const struct flow_record *flow,
			 uint32_t source_as, uint32_t destination_as, unix_ms now_ms)
{
	const struct subject subject = { &filter->names, flow, source_as, destination_as, now_ms };
	bool any_matches = false; /* of the values of the current word */

	for (size_t i = 0; i < filter->count; i++) {
		const struct filter_test *test = &filter->tests[i];

		any_matches = any_matches || test_matches(test, &subject);
		if (!test->is_last)
			continue;
		if (any_matches == test->is_negated)
			return false;
		any_matches = false;
	}
	return true;
}
