/* agentctl_program.c - child processes.
 *
 * Input and output are memory files, not pipes: so neither side can wait for the other. */
#include "agentctl_program.h"

#include "write_all.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define OUTPUT_MAX_SIZE (256u << 20) /* a rule set of a million rules */

enum { INPUT, OUTPUT, FAULTS, FILE_COUNT };

/* Write all of a text to a memory file, and go back to its start. */
static int write_input(int descriptor, const char *text)
{
	const int fault = write_all(descriptor, text, strlen(text));

	if (fault)
		return fault;
	return lseek(descriptor, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* Content of a memory file as text; NULL if memory is short. */
static char *read_output(int descriptor)
{
	struct stat status;
	size_t size;
	char *text;
	ssize_t got;

	if (fstat(descriptor, &status) != 0 || status.st_size > (off_t)OUTPUT_MAX_SIZE)
		return NULL;
	size = (size_t)status.st_size;
	text = malloc(size + 1);
	if (!text)
		return NULL;
	got = pread(descriptor, text, size, 0);
	text[got > 0 ? got : 0] = '\0';
	return text;
}

/* Find a program; NULL with errno set. For free(). */
static char *find_program(const char *name)
{
	const char *path = getenv("PATH");
	char *directories = NULL;
	char *found = NULL;
	char *rest;
	char *directory;

	if (strchr(name, '/'))
		return strdup(name);
	if (asprintf(&directories, "%s:/usr/sbin:/sbin:/usr/bin:/bin", path ? path : "") < 0)
		return NULL;
	rest = directories;
	while (!found && (directory = strsep(&rest, ":"))) {
		if (!*directory)
			continue;
		if (asprintf(&found, "%s/%s", directory, name) < 0) {
			found = NULL;
			break;
		}
		if (access(found, X_OK) != 0) {
			free(found);
			found = NULL;
			errno = ENOENT;
		}
	}
	free(directories);
	return found;
}

/* Start it with the three files as 0, 1 and 2. Returns 0 or a negative errno. */
static int start(const char *program, const char *const *argv, const int files[static FILE_COUNT],
		 pid_t *child)
{
	posix_spawn_file_actions_t actions;
	int fault = posix_spawn_file_actions_init(&actions);

	if (fault)
		return -fault;
	for (int i = 0; !fault && i < FILE_COUNT; i++)
		fault = posix_spawn_file_actions_adddup2(&actions, files[i], i);
	if (!fault)
		fault = posix_spawn(child, program, &actions, NULL, (char *const *)(uintptr_t)argv,
				    environ);
	(void)posix_spawn_file_actions_destroy(&actions);
	return -fault;
}

static int wait_for(pid_t child, int *exit_status)
{
	int status;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return 0;
}

/* Run with files that exist. */
static int run(const char *const *argv, const int files[static FILE_COUNT],
	       struct program_result *result)
{
	char *program = find_program(argv[0]);
	char *faults = NULL;
	pid_t child;
	int fault = program ? start(program, argv, files, &child) : -ENOENT;

	free(program);
	if (!fault)
		fault = wait_for(child, &result->status);
	if (fault)
		return fault;
	result->output = read_output(files[OUTPUT]);
	faults = read_output(files[FAULTS]);
	if (!result->output || !faults) {
		free(faults);
		free(result->output);
		return -ENOMEM;
	}
	(void)snprintf(result->fault, sizeof(result->fault), "%.*s", (int)strcspn(faults, "\n"),
		       faults);
	free(faults);
	return 0;
}

int agentctl_program_run(const char *const *argv, const char *input, struct program_result *result)
{
	int files[FILE_COUNT] = { -1, -1, -1 };
	int fault = 0;

	*result = (struct program_result){ .status = 0 };
	for (int i = 0; !fault && i < FILE_COUNT; i++) {
		files[i] = memfd_create("agentctl", MFD_CLOEXEC);
		if (files[i] < 0)
			fault = -errno;
	}
	if (!fault)
		fault = write_input(files[INPUT], input ? input : "");
	if (!fault)
		fault = run(argv, files, result);
	for (int i = 0; i < FILE_COUNT; i++)
		if (files[i] >= 0)
			(void)close(files[i]);
	return fault;
}

void agentctl_program_clear(struct program_result *result)
{
	free(result->output);
	*result = (struct program_result){ .status = 0 };
}

char *agentctl_program_agent(void)
{
	char own[PATH_MAX];
	const ssize_t length = readlink("/proc/self/exe", own, sizeof(own) - 1);

	own[length > 0 ? length : 0] = '\0';
	for (size_t i = 0; i < 2; i++) {
		const char *slash = strrchr(own, '/');
		char *path = NULL;

		if (!slash || asprintf(&path, "%.*s/%sflowagent", (int)(slash - own), own,
				       i ? "../sbin/" : "") < 0)
			continue;
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return strdup("flowagent");
}
