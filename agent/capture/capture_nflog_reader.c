/* capture_nflog_reader.c - the reader of an NFLOG group: its process by the netlink port, its
 * service by the control group.
 *
 * Invariant: all of it is a guess for a message. What cannot be read is left out. */
#include "capture_nflog_reader.h"

#include "defaults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READERS_FILE "/proc/net/netfilter/nfnetlink_log"
#define OWN_UNIT     "flowagent.service"
#define SUFFIX       ".service"

/* What is known of a reader. */
struct reader {
	uint32_t port;                  /* 0: unknown */
	char program[ERROR_QUOTE_SIZE]; /* fit to be shown: a process chooses its name; "": not
					   known */
	char unit[ERROR_QUOTE_SIZE];    /* likewise; "" if it is none */
};

/* The beginning of a file of /proc, as text; "" if it cannot be read. */
static void read_text(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "re");

	text[0] = '\0';
	if (!file)
		return;
	text[fread(text, 1, size - 1, file)] = '\0';
	(void)fclose(file);
}

/* Netlink port of the group's reader, 0 if unknown: the file is root's. Columns: group, port,
 * packets waiting, copy mode, copy range, timeout, references. */
static uint32_t find_port(uint16_t wanted)
{
	FILE *file = fopen(READERS_FILE, "re");
	char line[128];
	uint32_t found = 0;

	if (!file)
		return 0;
	while (!found && fgets(line, sizeof(line), file)) {
		char *rest;
		unsigned long group = strtoul(line, &rest, 10);
		unsigned long port = strtoul(rest, NULL, 10);

		if (group == wanted)
			found = (uint32_t)port;
	}
	(void)fclose(file);
	return found;
}

void capture_nflog_reader_unit(const char *cgroups, char *unit, size_t size)
{
	const char *found = NULL;
	size_t found_length = 0;

	while (*cgroups) {
		const size_t length = strcspn(cgroups, "/\n");
		const size_t suffix = strlen(SUFFIX);

		if (length > suffix && !strncmp(cgroups + length - suffix, SUFFIX, suffix)) {
			found = cgroups;
			found_length = length;
		}
		cgroups += length + (cgroups[length] != '\0');
	}
	unit[0] = '\0';
	if (found && found_length < size)
		(void)snprintf(unit, size, "%.*s", (int)found_length, found);
}

/* By default the kernel gives the number of the process as port. */
static void find_reader(uint16_t group, struct reader *reader)
{
	char path[48], text[2048], unit[256];

	*reader = (struct reader){ .port = find_port(group) };
	if (!reader->port)
		return;
	(void)snprintf(path, sizeof(path), "/proc/%u/comm", reader->port);
	read_text(path, text, sizeof(text));
	(void)error_text_quote(text, strcspn(text, "\n"), reader->program);
	if (!reader->program[0])
		return;
	(void)snprintf(path, sizeof(path), "/proc/%u/cgroup", reader->port);
	read_text(path, text, sizeof(text));
	capture_nflog_reader_unit(text, unit, sizeof(unit));
	(void)error_text_quote(unit, strlen(unit), reader->unit);
}

void capture_nflog_reader_explain(uint16_t group, struct error_text *error)
{
	struct reader reader;

	find_reader(group, &reader);
	if (!strcmp(reader.unit, OWN_UNIT)) {
		error_text_set(error,
			       "NFLOG group %u: already read by the service flowagent (pid %u)",
			       group, reader.port);
		error_text_hint(error, "what it sees: agentctl show flows; its settings are "
				       "in " DEFAULT_CONFIG_DIRECTORY
				       "; to read the group by hand: systemctl stop "
				       "flowagent");
		return;
	}
	if (reader.unit[0])
		error_text_set(error, "NFLOG group %u: already read by %s (pid %u, %s)", group,
			       reader.unit, reader.port, reader.program);
	else if (reader.program[0])
		error_text_set(error,
			       "NFLOG group %u: already read by another program (netlink portid "
			       "%u, %s)",
			       group, reader.port, reader.program);
	else if (reader.port)
		error_text_set(error,
			       "NFLOG group %u: already read by another program (netlink portid "
			       "%u)",
			       group, reader.port);
	else
		error_text_set(error, "NFLOG group %u: already read by another program", group);
	error_text_hint(error, "choose another group, in the rule and for the agent, or stop that "
			       "program");
}
