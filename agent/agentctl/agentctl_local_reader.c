/* agentctl_local_reader.c - from /proc/net/udp to the inode of a socket, from there to the process
 * that has it open, as ss(8) does. */
#include "agentctl_local_reader.h"

#include "agentctl_program.h"
#include "agentctl_rules_make.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NFACCTD_FILE "/etc/pmacct/nfacctd.conf"

/* Collectors that are known by the name of their process. */
static const char *const collectors[] = { "nfacctd",   "nfcapd",   "goflow2",        "akvorado",
					  "softflowd", "logstash", "netflow-plugin", "vflow" };

/* Call 'take' for each UDP socket that has no peer, until it returns true. */
static bool each_socket(const char *path,
			bool (*take)(void *context, unsigned int port, unsigned long inode),
			void *context)
{
	char *table = agentctl_rules_read_file(path);
	char *rest = table;
	bool is_found = false;

	for (char *line = strsep(&rest, "\n"); line && !is_found; line = strsep(&rest, "\n")) {
		unsigned int port;
		unsigned int remote;
		unsigned long inode;

		/* sl local:port remote:port state tx:rx timer:when retransmit uid timeout inode */
		if (sscanf(line,
			   "%*d: %*[0-9A-F]:%x %*[0-9A-F]:%x %*x %*x:%*x %*x:%*x %*x %*u %*u %lu",
			   &port, &remote, &inode) == 3 &&
		    remote == 0)
			is_found = take(context, port, inode);
	}
	free(table);
	return is_found;
}

/* Whether a process has a socket open. */
static bool has_socket(const char *pid, unsigned long inode)
{
	char path[300], wanted[64];
	DIR *directory;
	struct dirent *entry;
	bool is_found = false;

	(void)snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	(void)snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	directory = opendir(path);
	while (directory && !is_found && (entry = readdir(directory))) {
		char link[600], target[64];
		ssize_t length;

		(void)snprintf(link, sizeof(link), "%s/%s", path, entry->d_name);
		length = readlink(link, target, sizeof(target) - 1);
		if (length <= 0)
			continue;
		target[length] = '\0';
		is_found = strcmp(target, wanted) == 0;
	}
	if (directory)
		(void)closedir(directory);
	return is_found;
}

/* The name of a process. pmacct writes a title over its arguments: "nfacctd: Core Process". */
static void read_program(struct local_reader *reader)
{
	char path[64];
	char *comm;

	(void)snprintf(path, sizeof(path), "/proc/%u/comm", reader->pid);
	comm = agentctl_rules_read_file(path);
	(void)snprintf(reader->program, sizeof(reader->program), "%.*s",
		       comm ? (int)strcspn(comm, "\n:") : 0, comm ? comm : "");
	free(comm);
}

static bool find_process(unsigned long inode, struct local_reader *reader)
{
	DIR *directory = opendir("/proc");
	struct dirent *entry;

	while (directory && !reader->pid && (entry = readdir(directory)))
		if (isdigit((unsigned char)entry->d_name[0]) && has_socket(entry->d_name, inode))
			reader->pid = (unsigned int)atoi(entry->d_name);
	if (directory)
		(void)closedir(directory);
	if (reader->pid)
		read_program(reader);
	return reader->pid != 0;
}

bool local_reader_is_renamed(const char *version)
{
	unsigned int major, minor, patch;

	while (*version && sscanf(version, "%u.%u.%u", &major, &minor, &patch) != 3)
		version += 1 + strcspn(version + 1, "0123456789");
	return *version && (major > 1 || (major == 1 && (minor > 7 || (minor == 7 && patch >= 9))));
}

/* The argument after -f, and what that file says. Where a title has taken the place of the
 * arguments, it is the file of the package. */
static void read_nfacctd(struct local_reader *reader)
{
	char program[64], path[64];
	const char *const ask[] = { program, "-V", NULL };
	struct program_result result;
	FILE *file;
	char *word = NULL;
	size_t size = 0;
	bool is_next = false;

	(void)snprintf(path, sizeof(path), "/proc/%u/cmdline", reader->pid);
	file = fopen(path, "re");
	while (file && getdelim(&word, &size, '\0', file) > 0) {
		if (is_next)
			(void)snprintf(reader->file, sizeof(reader->file), "%s", word);
		is_next = strcmp(word, "-f") == 0;
	}
	if (file)
		(void)fclose(file);
	free(word);
	if (!*reader->file)
		(void)snprintf(reader->file, sizeof(reader->file), NFACCTD_FILE);
	if (access(reader->file, R_OK) == 0)
		reader->settings = agentctl_rules_read_file(reader->file);
	(void)snprintf(program, sizeof(program), "/proc/%u/exe", reader->pid);
	if (agentctl_program_run(ask, NULL, &result))
		return;
	(void)snprintf(reader->version, sizeof(reader->version), "%.*s",
		       (int)strcspn(result.output, "\n["), result.output);
	reader->is_renamed = local_reader_is_renamed(result.output);
	agentctl_program_clear(&result);
}

static bool is_wanted(void *context, unsigned int port, unsigned long inode)
{
	struct local_reader *reader = context;

	return port == reader->port && find_process(inode, reader);
}

static bool is_collector(void *context, unsigned int port, unsigned long inode)
{
	struct local_reader *reader = context;

	*reader = (struct local_reader){ .port = port };
	if (!find_process(inode, reader))
		return false;
	for (size_t i = 0; i < sizeof(collectors) / sizeof(collectors[0]); i++)
		if (strcmp(collectors[i], reader->program) == 0)
			return true;
	return false;
}

static bool find(bool (*take)(void *context, unsigned int port, unsigned long inode),
		 struct local_reader *reader)
{
	return each_socket("/proc/net/udp", take, reader) ||
	       each_socket("/proc/net/udp6", take, reader);
}

bool local_reader_find(unsigned int port, struct local_reader *reader)
{
	*reader = (struct local_reader){ .port = port };
	if (!find(is_wanted, reader))
		return false;
	if (strcmp(reader->program, "nfacctd") == 0)
		read_nfacctd(reader);
	return true;
}

bool local_reader_find_any(struct local_reader *reader)
{
	*reader = (struct local_reader){ .port = 0 };
	return find(is_collector, reader);
}

void local_reader_clear(struct local_reader *reader)
{
	free(reader->settings);
	reader->settings = NULL;
}
