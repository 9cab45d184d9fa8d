/* agentctl_doctor_sandbox.c - the check of configured paths that the service's sandbox hides:
 * directories of users, and /tmp, which is its own.
 *
 * Place: a row in the table of agentctl_doctor.c. */
#include "agentctl_doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A place in a text: where a hidden path begins, and how long it is. NULL: there is none. */
struct place_in_text {
	const char *start;
	int length;
};

static struct place_in_text find_hidden(const char *text)
{
	static const char *const hidden[] = { "/home/", "/root/", "/run/user/", "/tmp/",
					      "/var/tmp/" };
	const char *first = NULL;

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		const char *at = strstr(text, hidden[i]);

		if (at && (at == text || !strchr("abcdefghijklmnopqrstuvwxyz", at[-1])) &&
		    (!first || at < first))
			first = at;
	}
	return (struct place_in_text){ .start = first,
				       .length = first ? (int)strcspn(first, " :,;\"'") : 0 };
}

static bool ends_with(const char *text, const char *end, const char *word)
{
	const size_t length = strlen(word);

	return (size_t)(end - text) >= length && strncmp(end - length, word, length) == 0;
}

/* Whether the path is one that the agent only reads: not what it writes to, a collector that is a
 * file or a socket, or a spool. Of those the operator chooses the new place. */
static bool is_only_read(const char *option, const char *text, const char *start)
{
	const bool is_collector = strcmp(option, "collector") == 0;

	if (strcmp(option, "summary") == 0 || ends_with(text, start, "spool-directory="))
		return false;
	return !is_collector || ends_with(text, start, "=");
}

/* A copy in the directory of the configuration, and its new name in whatever file names it. */
static void say_hidden(struct doctor *doctor, const char *option, const char *path,
		       bool is_only_read)
{
	const char *sudo = doctor_sudo(doctor);
	const char *name = strrchr(path, '/') + 1;
	struct stat status;
	char fix[1280];

	(void)snprintf(fix, sizeof(fix),
		       "%sinstall -m 640 -g _flowagent %s /etc/flowagent/%s && %ssed -i "
		       "'s|%s|/etc/flowagent/%s|' $(%sgrep -rlF %s /etc/flowagent) && "
		       "%ssystemctl restart flowagent",
		       sudo, path, name, sudo, path, name, sudo, path, sudo);
	if (is_only_read && stat(path, &status) == 0 && S_ISREG(status.st_mode))
		doctor_say(doctor, DOCTOR_fail, fix,
			   "%s%s%s: the service's sandbox hides that directory", option,
			   *option ? " = " : "", path);
	else
		doctor_say(doctor, DOCTOR_fail, NULL,
			   "%s%s%s: the service's sandbox hides that directory; it may write to "
			   "/var/lib/flowagent",
			   option, *option ? " = " : "", path);
}

/* Say each hidden path of a text: the value of an option, or a message about a file (option ""). */
static void check_text(struct doctor *doctor, const char *option, const char *text)
{
	struct place_in_text place = find_hidden(text);

	while (place.start) {
		char path[256];

		(void)snprintf(path, sizeof(path), "%.*s", place.length, place.start);
		say_hidden(doctor, option, path, is_only_read(option, text, place.start));
		place = find_hidden(place.start + place.length);
	}
}

/* What the agent runs with, and what it could not take over. */
static void check_running(struct doctor *doctor)
{
	static const char *const options[] = { "asn-table",         "networks-file",
					       "applications-file", "hash-key-file",
					       "summary",           "collector" };
	size_t index;
	const json_t *problem;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		check_text(doctor, options[i], doctor_option(doctor, options[i]));
	json_array_foreach(json_object_get(doctor->status, "problems"), index, problem)
	{
		const char *text = doctor_text(problem, "problem");

		if (strstr(text, "with the configuration that"))
			check_text(doctor, "", text);
	}
	if (doctor->said == 0)
		doctor_say(doctor, DOCTOR_ok, NULL, "no configured path is in its way");
}

void doctor_check_sandbox(struct doctor *doctor)
{
	/* What --check-config finds without the sandbox, the service does not. */
	if (!doctor->status) {
		check_text(doctor, "", doctor->journal);
		doctor_check_bpf_ended(doctor);
		return;
	}
	if (doctor_is_service(doctor))
		check_running(doctor);
}
