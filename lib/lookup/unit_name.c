/* unit_name.c - looks for the first part of a path that names something.
 *
 * systemd.unit(5) has the suffixes; Docker, Podman (libpod), containerd and CRI-O name their scopes
 * PREFIX-ID.scope, and without systemd their groups docker/ID; LXC has lxc.payload.NAME, and before
 * its version 4 lxc/NAME. An ID has 64 hexadecimal digits, of which people see 12. */
#include "unit_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define ID_LENGTH       64
#define ID_LENGTH_SHOWN 12
#define LXC_PAYLOAD     "lxc.payload."
#define LXC             "lxc-"
#define LIBPOD          "libpod-"

/* A part of a path. */
struct part {
	const char *text;
	size_t length;
};

static bool ends_in(struct part part, const char *suffix)
{
	const size_t length = strlen(suffix);

	return part.length > length && !memcmp(part.text + part.length - length, suffix, length);
}

static bool begins_with(struct part part, const char *prefix)
{
	const size_t length = strlen(prefix);

	return part.length > length && !memcmp(part.text, prefix, length);
}

static bool is(struct part part, const char *text)
{
	return part.length == strlen(text) && !memcmp(part.text, text, part.length);
}

static bool is_id(const char *text, size_t length)
{
	size_t digits = 0;

	while (digits < length && isxdigit((unsigned char)text[digits]))
		digits++;
	return digits == length && length == ID_LENGTH;
}

/* Add to a name, as much as there is room for. */
static void add(char *name, const char *text, size_t length)
{
	size_t used = strlen(name);

	for (; length && used < UNIT_NAME_SIZE - 1; length--, text++)
		name[used++] = *text > ' ' && *text < 0x7f ? *text : '?';
}

/* "PREFIX-ID.scope", "libpod-ID" (Podman without systemd), and "ID" below a group that is named as
 * the program. */
static bool name_container(struct part part, struct part above, char *name)
{
	const char *const dash = memrchr(part.text, '-', part.length);
	const size_t prefix = dash ? (size_t)(dash - part.text) : 0;
	const size_t suffix = strlen(".scope");

	if (is_id(part.text, part.length) && above.length) {
		add(name, above.text, above.length);
		add(name, "-", 1);
		add(name, part.text, ID_LENGTH_SHOWN);
		return true;
	}
	if (begins_with(part, LIBPOD) &&
	    is_id(part.text + strlen(LIBPOD), part.length - strlen(LIBPOD))) {
		add(name, part.text, strlen(LIBPOD) + ID_LENGTH_SHOWN);
		return true;
	}
	if (!prefix || !ends_in(part, ".scope") ||
	    !is_id(dash + 1, part.length - prefix - 1 - suffix))
		return false;
	add(name, part.text, prefix + 1 + ID_LENGTH_SHOWN);
	return true;
}

/* The slice of a user, whose engines run containers as well. */
static bool is_of_user(struct part part, struct part above)
{
	return is(above, "user.slice") && begins_with(part, "user-");
}

static bool name_part(struct part part, struct part above, char *name)
{
	if (name_container(part, above, name))
		return true;
	if (begins_with(part, LXC_PAYLOAD) || is(above, "lxc")) {
		const size_t skipped = is(above, "lxc") ? 0 : strlen(LXC_PAYLOAD);

		add(name, LXC, strlen(LXC));
		add(name, part.text + skipped, part.length - skipped);
		return true;
	}
	if (is_of_user(part, above) || ends_in(part, ".service") || ends_in(part, ".scope")) {
		add(name, part.text, part.length);
		return true;
	}
	return false;
}

/* The next part of a path; its length is 0 at the end. */
static struct part next_part(struct part part)
{
	const char *next = part.text + part.length;

	next += strspn(next, "/");
	return (struct part){ next, strcspn(next, "/") };
}

/* A container below 'part'. */
static bool name_container_below(struct part part, char *name)
{
	struct part above = part;

	while ((part = next_part(above)).length) {
		if (name_container(part, above, name))
			return true;
		above = part;
	}
	return false;
}

void unit_name_of(const char *path, char name[static UNIT_NAME_SIZE])
{
	struct part above = { path, 0 };
	struct part part;

	memset(name, 0, UNIT_NAME_SIZE);
	while ((part = next_part(above)).length) {
		if (is_of_user(part, above) && name_container_below(part, name))
			return;
		if (name_part(part, above, name))
			return;
		above = part;
	}
	add(name, above.text, above.length);
}
