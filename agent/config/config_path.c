/* config_path.c - collectors that are a path: a file, standard output, a socket in the file system.
 *
 * A path is known by how it begins, so that a forgotten HOST is never taken for one: "/", "./",
 * "../", "unix:", or "-" alone. */
#include "config_path.h"

#include "config_apply.h"
#include "config_keys.h"
#include "config_options.h"
#include "config_text.h"
#include "rotation.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#define UNIX_PREFIX "unix:"

bool config_path_is(const char *address)
{
	static const char *const beginnings[] = { "/", "./", "../", UNIX_PREFIX };

	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++)
		if (strncmp(address, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return strcmp(address, "-") == 0;
}

static bool is_file(const struct config_collector *collector)
{
	return strcmp(collector->transport, "file") == 0;
}

static bool is_standard_output(const struct config_collector *collector)
{
	return strcmp(collector->host, "-") == 0;
}

int config_path_parse(struct config_collector *collector, const char *value,
		      struct error_text *error)
{
	const size_t prefix = sizeof(UNIX_PREFIX) - 1;
	const bool is_unix = strncmp(value, UNIX_PREFIX, prefix) == 0;

	collector->port = 0;
	/* After --collector a comma ends the path; in a section it would be a strange name for a
	 * file. */
	if (strchr(value, ',')) {
		error_text_set(error,
			       "a path cannot have a comma; the keys of a section stand on lines "
			       "of their own");
		return -EINVAL;
	}
	if (!is_unix)
		return config_text_replace(&collector->host, value, error);
	if (!value[prefix]) {
		error_text_set(error, "expected the path of a socket after " UNIX_PREFIX);
		return -EINVAL;
	}
	if (config_text_replace(&collector->host, value + prefix, error))
		return -ENOMEM;
	return config_text_replace(&collector->transport, "unix", error);
}

/* 'key' is the name of a key, the transport, or another word for the address. */
static int fail(const struct config_collector *collector, const char *key, const char *why,
		struct error_text *error)
{
	enum config_key_id id =
		key == collector->transport ? KEY_collector_transport : KEY_collector_address;

	for (int i = 0; i < CONFIG_KEY_COUNT; i++)
		if (config_keys[i].section == SECTION_collector &&
		    strcmp(config_keys[i].name, key) == 0)
			id = (enum config_key_id)i;
	config_fail(error, config_key_origin(collector, id), "collector %s: %s %s", collector->name,
		    key, why);
	return -EINVAL;
}

static const char *file_key(const struct config_collector *collector)
{
	if (collector->rotate_ms)
		return config_keys[KEY_collector_rotate].name;
	if (collector->rotate_size)
		return config_keys[KEY_collector_rotate_size].name;
	return collector->keep ? config_keys[KEY_collector_keep].name : NULL;
}

static int check_socket(const struct config_collector *collector, struct error_text *error)
{
	if (strlen(collector->host) < sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return 0;
	config_fail(error, config_key_origin(collector, KEY_collector_address),
		    "collector %s: expected the path of a socket to have at most %zu bytes",
		    collector->name, sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1);
	return -ENAMETOOLONG;
}

static int check_file(const struct config *config, const struct config_collector *collector,
		      struct error_text *error)
{
	const char *key = file_key(collector);

	if (key && is_standard_output(collector))
		return fail(collector, key, "is for files, not for standard output", error);
	if (collector->keep && !collector->rotate_ms && !collector->rotate_size)
		return fail(collector, key, "is for files that are rotated: add rotate=TIME",
			    error);
	if (collector->rotate_size &&
	    collector->rotate_size < ROTATION_MESSAGES_MIN * (uint64_t)collector->datagram_size)
		return fail(collector, key, "is less than 8 messages (mtu)", error);
	if (is_standard_output(collector) && config->summary && strcmp(config->summary, "-") == 0)
		return fail(collector, "standard output",
			    "cannot have flows and the summary: write one of them to a file",
			    error);
	return 0;
}

int config_path_finish(struct config_collector *collector, struct error_text *error)
{
	if (!config_path_is(collector->host)) {
		if (!is_file(collector) && strcmp(collector->transport, "unix") != 0)
			return 0;
		return fail(collector, collector->transport,
			    "needs a path that begins with / or ./", error);
	}
	if (strcmp(collector->transport, "unix") != 0 && !is_file(collector))
		return fail(collector, collector->transport, "needs HOST:PORT, not a path", error);
	/* It reports when it is full. */
	if (collector->export_rate < 0)
		collector->export_rate = 0;
	return 0;
}

int config_path_check(const struct config *config, const struct config_collector *collector,
		      struct error_text *error)
{
	const char *key = file_key(collector);

	if (collector->probe.kind != PROBE_none && strcmp(collector->transport, "udp") != 0)
		return fail(collector, config_keys[KEY_collector_probe].name,
			    "is for transport udp: others know whether the collector is there",
			    error);
	if (collector->source_address && config_path_is(collector->host))
		return fail(collector, config_keys[KEY_collector_source_address].name,
			    "is for collectors in the network", error);
	if (is_file(collector))
		return check_file(config, collector, error);
	if (key)
		return fail(collector, key, "is for files", error);
	return strcmp(collector->transport, "unix") == 0 ? check_socket(collector, error) : 0;
}
