/* config_source.c - packet sources: nflog, interface, read, ulog, and [source "NAME"].
 *
 * A source is known by its name ("nflog:40", "eth0", a file). Named again, by an option or by its
 * section, it is the same one and takes over what is said of it. */
#include "config_options.h"

#include "cpu_list.h"
#include "defaults.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX 256 /* each is a thread */

#define CPU_AUTO UINT32_MAX /* of source_config.cpu, before cpu_resolve() */

/* "auto": the first of several groups on the first CPU that is online, and so on, around when there
 * are more groups. So `agentctl rules --per-cpu` numbers them, too. */
static void cpu_resolve(struct source_config *source, size_t position)
{
	struct cpu_list list;

	if (source->cpu != CPU_AUTO)
		return;
	cpu_list_online(&list);
	source->cpu = list.numbers[position % list.count] + 1u;
}

static struct source_config *source_find(struct config *config, const char *name)
{
	for (size_t i = 0; i < config->source_count; i++)
		if (!strcmp(config->sources[i].name, name))
			return &config->sources[i];
	return NULL;
}

/* Find or add. 'settings' has kind and group, and what it says of sizes is taken over. */
static int source_add(struct config *config, const char *name, const struct source_config *settings,
		      struct error_text *error)
{
	struct source_config *source = source_find(config, name);

	if (!source) {
		struct source_config added = *settings;
		struct source_config *sources;

		if (config->source_count == SOURCES_MAX) {
			error_text_set(error, "expected at most %d sources in all", SOURCES_MAX);
			return -EINVAL;
		}
		sources = realloc(config->sources, (config->source_count + 1) * sizeof(*sources));
		if (sources)
			config->sources = sources;
		added.name = NULL;
		if (!sources || config_text_replace(&added.name, name, error)) {
			error_text_set(error, "out of memory");
			return -ENOMEM;
		}
		config->sources[config->source_count++] = added;
		return 0;
	}
	if (settings->snaplen)
		source->snaplen = settings->snaplen;
	if (settings->receive_buffer)
		source->receive_buffer = settings->receive_buffer;
	if (settings->label[0])
		memcpy(source->label, settings->label, sizeof(source->label));
	if (settings->has_side) {
		source->has_side = true;
		source->side = settings->side;
	}
	if (settings->cpu)
		source->cpu = settings->cpu;
	if (settings->wait)
		source->wait = settings->wait;
	if (settings->promiscuous)
		source->promiscuous = settings->promiscuous;
	if (settings->sampling.method || settings->sampling.rule_interval)
		source->sampling = settings->sampling;
	return 0;
}

/* Any word, without what would be taken apart where several sources stand in one line. */
static int label_set(struct source_config *source, const char *value, struct error_text *error)
{
	bool is_word = *value && strlen(value) < sizeof(source->label);

	for (const char *next = value; is_word && *next; next++)
		is_word = *next != ',' && (isgraph((unsigned char)*next) || (*next & 0x80));
	if (!is_word) {
		error_text_set(
			error,
			"label: expected a word of at most %zu bytes, without blanks and commas",
			sizeof(source->label) - 1);
		return -EINVAL;
	}
	(void)snprintf(source->label, sizeof(source->label), "%s", value);
	return 0;
}

static int direction_set(struct source_config *source, const char *value, struct error_text *error)
{
	if (strcmp(value, "in") != 0 && strcmp(value, "out") != 0) {
		error_text_set(error, "direction: expected in or out");
		return -EINVAL;
	}
	source->has_side = true;
	source->side = !strcmp(value, "in") ? SIDE_ingress : SIDE_egress;
	return 0;
}

/* One "METHOD:N". */
static int sampling_part_set(struct sampling_choice *choice, const char *part)
{
	static const struct config_range range = { UNIT_NUMBER, 1, SAMPLING_INTERVAL_MAX };
	const char *colon = strchr(part, ':');
	const size_t length = colon ? (size_t)(colon - part) : 0;
	struct error_text ignored;
	uint64_t number;

	if (!colon || config_range_parse(&range, colon + 1, &number, &ignored))
		return -EINVAL;
	if (length == strlen("rule") && !strncmp(part, "rule", length)) {
		if (choice->rule_interval)
			return -EINVAL;
		choice->rule_interval = (uint32_t)number;
		return 0;
	}
	for (int method = SAMPLING_random; method < SAMPLING_METHOD_COUNT; method++) {
		const char *name = sampling_method_name((enum sampling_method)method);

		if (strlen(name) != length || strncmp(part, name, length) != 0)
			continue;
		if (choice->method)
			return -EINVAL;
		choice->method = (uint8_t)method;
		choice->interval = (uint32_t)number;
		return 0;
	}
	return -EINVAL;
}

/* "random:10", "rule:10" or "random:10+rule:10". */
static int sampling_set(struct source_config *source, const char *value, struct error_text *error)
{
	struct sampling_choice choice = { 0 };
	char copy[CONFIG_UNITS_SIZE * 2];
	char *next = copy;
	char *part;
	int result = 0;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", value) >= sizeof(copy))
		result = -EINVAL;
	while (!result && (part = strsep(&next, "+")))
		result = sampling_part_set(&choice, part);
	if (result) {
		error_text_set(error,
			       "sampling: expected random:N, deterministic:N, hash:N, flows:N or "
			       "rule:N, or one of the first four and +rule:N, with N from 1 to %d",
			       SAMPLING_INTERVAL_MAX);
		return result;
	}
	source->sampling = choice;
	return 0;
}

static int switch_set(uint8_t *member, const char *name, const char *value,
		      struct error_text *error)
{
	struct error_text why;
	bool is_on;

	if (config_switch_parse(&is_on, value, &why)) {
		error_text_set(error, "%s: %s", name, why.text);
		return -EINVAL;
	}
	*member = is_on ? SOURCE_SWITCH_on : SOURCE_SWITCH_off;
	return 0;
}

/* Of one interface only: a log group gets what passes the hook, and "any" has no device to set. */
static int promiscuous_check(const struct source_config *source, const char *name,
			     struct error_text *error)
{
	if (source->promiscuous != SOURCE_SWITCH_on ||
	    (source->kind == SOURCE_INTERFACE && strcmp(name, "any") != 0))
		return 0;
	error_text_set(error, "promiscuous: expected with one interface, such as eth0");
	return -EINVAL;
}

static void switch_format(uint8_t value, const char *name, FILE *out)
{
	if (value)
		(void)fprintf(out, ",%s=%s", name, value == SOURCE_SWITCH_on ? "on" : "off");
}

static void sampling_format(const struct sampling_choice *choice, FILE *out)
{
	if (choice->method)
		(void)fprintf(out, ",sampling=%s:%" PRIu32,
			      sampling_method_name((enum sampling_method)choice->method),
			      choice->interval);
	if (choice->rule_interval)
		(void)fprintf(out, "%srule:%" PRIu32,
			      choice->method ? "+" : ",sampling=", choice->rule_interval);
}

static int key_set(void *object, enum config_key_id key, const char *value,
		   struct error_text *error)
{
	struct source_config *source = object;
	struct error_text why = { .text = "" };
	uint64_t number;
	int result;

	if (key == KEY_source_label)
		return label_set(source, value, error);
	if (key == KEY_source_direction)
		return direction_set(source, value, error);
	if (key == KEY_source_sampling)
		return sampling_set(source, value, error);
	if (key == KEY_source_wait)
		return switch_set(&source->wait, "wait", value, error);
	if (key == KEY_source_promiscuous)
		return switch_set(&source->promiscuous, "promiscuous", value, error);
	if (key == KEY_source_cpu && !strcmp(value, "auto")) {
		source->cpu = CPU_AUTO;
		return 0;
	}
	result = config_range_parse(&config_keys[key].range, value, &number, &why);
	if (result) {
		error_text_set(error, "%s: %s%s", config_keys[key].name, why.text,
			       key == KEY_source_cpu ? ", or auto" : "");
		return result;
	}
	if (key == KEY_source_snaplen)
		source->snaplen = (uint32_t)number;
	else if (key == KEY_source_cpu)
		source->cpu = (uint32_t)number + 1;
	else
		source->receive_buffer = (uint32_t)number;
	return 0;
}

/* "40" or "40-43". */
static int groups_parse(const char *text, uint16_t *first, uint16_t *last, struct error_text *error)
{
	char copy[CONFIG_UNITS_SIZE];
	uint64_t from = 0;
	uint64_t to = 0;
	char *dash;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", text) >= sizeof(copy))
		goto wrong;
	dash = strchr(copy, '-');
	if (dash)
		*dash++ = '\0';
	if (config_number_parse(copy, &from) || config_number_parse(dash ? dash : copy, &to))
		goto wrong;
	if (to > UINT16_MAX || from > to)
		goto wrong;
	if (to - from >= SOURCES_MAX) {
		error_text_set(error, "expected at most %d groups, each has a thread", SOURCES_MAX);
		return -EINVAL;
	}
	*first = (uint16_t)from;
	*last = (uint16_t)to;
	return 0;
wrong:
	error_text_set(error, "expected a netfilter log group from 0 to 65535, or a range such as "
			      "40-43");
	return -EINVAL;
}

static int nflog_add(struct config *config, const char *groups,
		     const struct source_config *settings, struct error_text *error)
{
	struct source_config source = *settings;
	uint16_t first;
	uint16_t last;
	int result = groups_parse(groups, &first, &last, error);

	source.kind = SOURCE_NFLOG;
	if (!result)
		result = promiscuous_check(&source, groups, error);
	for (uint32_t group = first; !result && group <= last; group++) {
		char name[CONFIG_UNITS_SIZE];

		(void)snprintf(name, sizeof(name), "nflog:%" PRIu32, group);
		source.group = (uint16_t)group;
		source.cpu = settings->cpu;
		cpu_resolve(&source, group - first);
		result = source_add(config, name, &source, error);
	}
	return result;
}

/* What the kernel takes as a name of an interface (net/core/dev.c, dev_valid_name). */
static bool is_interface_name(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (; *name; name++)
		if (*name == '/' || *name == ':' || isspace((unsigned char)*name))
			return false;
	return true;
}

static int interface_add(struct config *config, const char *name,
			 const struct source_config *settings, struct error_text *error)
{
	struct source_config source = *settings;

	source.kind = SOURCE_INTERFACE;
	cpu_resolve(&source, 0);
	if (!is_interface_name(name)) {
		error_text_set(error, "expected the name of a network interface, such as eth0");
		return -EINVAL;
	}
	if (promiscuous_check(&source, name, error))
		return -EINVAL;
	return source_add(config, name, &source, error);
}

/* "WHAT,KEY=VALUE..." by way of 'add'. */
static int source_parse(struct config *config, const char *value,
			int (*add)(struct config *config, const char *what,
				   const struct source_config *settings, struct error_text *error),
			struct error_text *error)
{
	struct source_config settings = { .name = NULL };
	char *copy = strdup(value);
	char *keys = copy;
	int result;

	if (!copy) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	(void)strsep(&keys, ",");
	result = config_inline_keys(keys, SECTION_source, key_set, &settings, error);
	if (!result)
		result = add(config, copy, &settings, error);
	free(copy);
	return result;
}

static void source_format(const struct config *config, enum source_kind kind, FILE *out)
{
	const char *space = "";

	for (size_t i = 0; i < config->source_count; i++) {
		const struct source_config *source = &config->sources[i];
		char text[CONFIG_UNITS_SIZE];

		if (source->kind != kind)
			continue;
		(void)fputs(space, out);
		space = " ";
		if (kind == SOURCE_NFLOG)
			(void)fprintf(out, "%u", (unsigned int)source->group);
		else
			(void)fputs(source->name, out);
		if (source->snaplen)
			(void)fprintf(out, ",snaplen=%" PRIu32, source->snaplen);
		if (source->receive_buffer)
			(void)fprintf(out, ",buffer=%s",
				      config_unit_format(UNIT_SIZE, source->receive_buffer, text));
		if (source->has_side)
			(void)fprintf(out, ",direction=%s",
				      source->side == SIDE_ingress ? "in" : "out");
		if (source->label[0])
			(void)fprintf(out, ",label=%s", source->label);
		if (source->cpu)
			(void)fprintf(out, ",cpu=%" PRIu32, source->cpu - 1);
		switch_format(source->wait, "wait", out);
		switch_format(source->promiscuous, "promiscuous", out);
		sampling_format(&source->sampling, out);
	}
}

static int nflog_parse(struct config *config, const struct config_option *option, const char *value,
		       struct error_text *error)
{
	(void)option;
	return source_parse(config, value, nflog_add, error);
}

static void nflog_format(const struct config *config, const struct config_option *option, FILE *out)
{
	(void)option;
	source_format(config, SOURCE_NFLOG, out);
}

const struct config_type config_type_nflog = { nflog_parse, nflog_format, NULL };

static int interface_parse(struct config *config, const struct config_option *option,
			   const char *value, struct error_text *error)
{
	(void)option;
	return source_parse(config, value, interface_add, error);
}

static void interface_format(const struct config *config, const struct config_option *option,
			     FILE *out)
{
	(void)option;
	source_format(config, SOURCE_INTERFACE, out);
}

const struct config_type config_type_interface = { interface_parse, interface_format, "INTERFACE" };

/* A file's name may have commas: keys begin at the first one with the name of a key and '=' behind
 * it. NULL if there are none. */
static char *file_keys(char *value)
{
	char guess[CONFIG_GUESS_SIZE];

	for (char *comma = strchr(value, ','); comma; comma = strchr(comma + 1, ',')) {
		const size_t length = strcspn(comma + 1, "=,");
		char name[CONFIG_UNITS_SIZE];

		if (comma[1 + length] != '=' || length >= sizeof(name))
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)length, comma + 1);
		if (config_key_find(SECTION_source, name, true, guess) < 0)
			continue;
		*comma = '\0';
		return comma + 1;
	}
	return NULL;
}

/* What makes sense for a file only. */
static int file_key_set(void *object, enum config_key_id key, const char *value,
			struct error_text *error)
{
	if (key != KEY_source_snaplen && key != KEY_source_buffer && key != KEY_source_wait &&
	    key != KEY_source_promiscuous)
		return key_set(object, key, value, error);
	error_text_set(error, "%s: a file has no %s", config_keys[key].name, config_keys[key].name);
	return -EINVAL;
}

static int file_add(struct config *config, const char *name, const struct source_config *settings,
		    struct error_text *error)
{
	struct source_config source = *settings;

	source.kind = SOURCE_FILE;
	cpu_resolve(&source, 0);
	return source_add(config, name, &source, error);
}

static int read_parse(struct config *config, const struct config_option *option, const char *value,
		      struct error_text *error)
{
	struct source_config source = { .kind = SOURCE_FILE };
	char *copy;
	int result;

	(void)option;
	for (size_t i = 0; i < config->source_count; i++) {
		if (config->sources[i].kind != SOURCE_FILE)
			continue;
		error_text_set(error, "expected one file, and there is %.100s already",
			       config->sources[i].name);
		error_text_hint(error, "run flowagent once for each file, or join them: "
				       "mergecap -w - FILE... | flowagent --read -");
		return -EINVAL;
	}
	copy = strdup(value);
	if (!copy) {
		error_text_set(error, "out of memory");
		return -ENOMEM;
	}
	result = config_inline_keys(file_keys(copy), SECTION_source, file_key_set, &source, error);
	if (!result)
		result = file_add(config, copy, &source, error);
	free(copy);
	return result;
}

static void read_format(const struct config *config, const struct config_option *option, FILE *out)
{
	(void)option;
	source_format(config, SOURCE_FILE, out);
}

const struct config_type config_type_read = { read_parse, read_format, "FILE" };

/* fprobe-ulog's -U: bit N-1 is ULOG group N. ULOG left Linux with 3.17. */
static int ulog_parse(struct config *config, const struct config_option *option, const char *value,
		      struct error_text *error)
{
	char groups[128] = "";
	char options[400] = "";
	char *end;
	unsigned long mask;

	(void)config;
	errno = 0;
	mask = strtoul(value, &end, 0);
	if (*end || errno || !isdigit((unsigned char)*value) || mask < option->range.minimum ||
	    mask > option->range.maximum) {
		error_text_set(error, "expected a mask of ULOG groups from 1 to 0xffffffff");
		return -EINVAL;
	}
	for (unsigned int bit = 0; bit < 32; bit++) {
		size_t length = strlen(groups);
		size_t used = strlen(options);

		if (!(mask & (1ul << bit)))
			continue;
		(void)snprintf(groups + length, sizeof(groups) - length, "%s%u", length ? "," : "",
			       bit + 1);
		(void)snprintf(options + used, sizeof(options) - used, " -g %u", bit + 1);
	}
	error_text_set(error,
		       "Linux has no ULOG since 3.17; use NFLOG instead, also for IPv6 (group %s)",
		       groups);
	error_text_hint(
		error,
		"in each rule write \"-j NFLOG --nflog-group %s --nflog-size 128\" for \"-j "
		"ULOG --ulog-nlgroup %s ...\", and start flowagent%s",
		strchr(groups, ',') ? "N" : groups, strchr(groups, ',') ? "N" : groups,
		strlen(options) < 100 ? options : " with -g N for each");
	return -EOPNOTSUPP;
}

const struct config_type config_type_ulog = { ulog_parse, NULL, NULL };

int config_source_declare(struct config *config, const char *name, struct error_text *error)
{
	static const struct source_config settings = { .name = NULL };
	static const char prefix[] = "nflog:";
	int result;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0) {
		result = interface_add(config, name, &settings, error);
	} else {
		const char *group = name + sizeof(prefix) - 1;
		uint64_t number;

		/* One section, one source: its keys must find it by this name. */
		result = config_number_parse(group, &number) || (*group == '0' && group[1])
				 ? -EINVAL
				 : nflog_add(config, group, &settings, error);
	}
	if (result == -EINVAL)
		error_text_set(error,
			       "source \"%.60s\": expected \"nflog:GROUP\" with a group "
			       "from 0 to 65535, or the name of an interface",
			       name);
	return result;
}

int config_source_set(struct config *config, const char *name, enum config_key_id key,
		      const char *value, struct error_text *error)
{
	struct source_config *source = source_find(config, name);
	int result = key_set(source, key, value, error);

	if (!result)
		result = promiscuous_check(source, name, error);
	cpu_resolve(source, 0);
	return result;
}

void config_sources_clear(struct config *config)
{
	for (size_t i = 0; i < config->source_count; i++)
		free(config->sources[i].name);
	free(config->sources);
	config->sources = NULL;
	config->source_count = 0;
}

int config_sources_finish(struct config *config, struct error_text *error)
{
	static const struct source_config settings = { .name = NULL };
	char group[CONFIG_UNITS_SIZE];

	if (!config->source_count) {
		(void)snprintf(group, sizeof(group), "%d", DEFAULT_NFLOG_GROUP);
		return nflog_add(config, group, &settings, error);
	}
	for (size_t i = 0; config->source_count > 1 && i < config->source_count; i++) {
		if (config->sources[i].kind != SOURCE_FILE)
			continue;
		config_fail(error, &config->origins[OPTION_read],
			    "read: a file cannot be read together with other sources");
		error_text_hint(error, "its packets have their own time; run flowagent once for "
				       "the file and once for the rest");
		return -EINVAL;
	}
	return 0;
}
