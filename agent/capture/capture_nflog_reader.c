/* capture_nflog_reader.c - the reader of an NFLOG group: its process by the socket that it has
 * open, or else by the netlink port; its service by the control group.
 *
 * Invariant: all of it is a guess for a message. What cannot be read is left out. */
#include "capture_nflog_reader.h"

#include "defaults.h"

#include <ctype.h>
#include <dirent.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READERS_FILE "/proc/net/netfilter/nfnetlink_log"
#define SOCKETS_FILE "/proc/net/netlink"
#define OWN_UNIT     "flowagent.service"
#define SUFFIX       ".service"

/* What is known of a reader. */
struct reader {
	uint32_t port;                  /* 0: unknown */
	unsigned long process;          /* 0: unknown */
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

/* Inode of the netfilter socket with that port, 0 if unknown. Columns: address, protocol, port,
 * groups, 5 numbers, inode. */
static unsigned long find_inode(uint32_t wanted)
{
	FILE *file = fopen(SOCKETS_FILE, "re");
	char line[256];
	unsigned long found = 0;

	if (!file)
		return 0;
	while (!found && fgets(line, sizeof(line), file)) {
		char *rest = line + strcspn(line, " ");
		unsigned long protocol = strtoul(rest, &rest, 10);
		unsigned long port = strtoul(rest, &rest, 10);

		for (int column = 0; column < 6; column++) {
			rest += strspn(rest, " ");
			rest += strcspn(rest, " ");
		}
		if (protocol == NETLINK_NETFILTER && port == wanted)
			found = strtoul(rest, NULL, 10);
	}
	(void)fclose(file);
	return found;
}

/* Whether a process has the socket open. */
static bool has_open(const char *process, const char *socket)
{
	char path[64];
	char target[64];
	bool found = false;
	DIR *directory;

	(void)snprintf(path, sizeof(path), "/proc/%.10s/fd", process);
	directory = opendir(path);
	for (const struct dirent *entry = directory ? readdir(directory) : NULL; entry && !found;
	     entry = readdir(directory)) {
		ssize_t length =
			readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1);

		target[length < 0 ? 0 : length] = '\0';
		found = strcmp(target, socket) == 0;
	}
	if (directory)
		(void)closedir(directory);
	return found;
}

/* The process that has the socket with that inode open, other than the service manager, which keeps
 * copies for an agent to come. By default the kernel gives the number of the process as port; the
 * socket may have come to another one since. */
static unsigned long find_process(uint32_t port)
{
	const unsigned long inode = find_inode(port);
	unsigned long found = 0;
	char socket[64];
	DIR *directory = inode ? opendir("/proc") : NULL;

	if (!directory)
		return port;
	(void)snprintf(socket, sizeof(socket), "socket:[%lu]", inode);
	for (const struct dirent *entry = readdir(directory); entry && !found;
	     entry = readdir(directory)) {
		const unsigned long process = strtoul(entry->d_name, NULL, 10);

		if (isdigit((unsigned char)entry->d_name[0]) && process > 1 &&
		    has_open(entry->d_name, socket))
			found = process;
	}
	(void)closedir(directory);
	return found ? found : port;
}

static void find_reader(uint16_t group, struct reader *reader)
{
	char path[48], text[2048], unit[256];

	*reader = (struct reader){ .port = find_port(group) };
	if (!reader->port)
		return;
	reader->process = find_process(reader->port);
	(void)snprintf(path, sizeof(path), "/proc/%lu/comm", reader->process);
	read_text(path, text, sizeof(text));
	(void)error_text_quote(text, strcspn(text, "\n"), reader->program);
	if (!reader->program[0])
		return;
	(void)snprintf(path, sizeof(path), "/proc/%lu/cgroup", reader->process);
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
			       "NFLOG group %u: already read by the service flowagent (pid %lu)",
			       group, reader.process);
		error_text_hint(error, "what it sees: agentctl show flows; its settings are "
				       "in " DEFAULT_CONFIG_DIRECTORY
				       "; to read the group by hand: systemctl stop "
				       "flowagent");
		return;
	}
	if (reader.unit[0])
		error_text_set(error, "NFLOG group %u: already read by %s (pid %lu, %s)", group,
			       reader.unit, reader.process, reader.program);
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
