/* agentctl_rules_system.c - the rules are loaded by nft and kept by a file that a unit loads. */
#include "agentctl_rules_system.h"

#include "agentctl_program.h"
#include "fault_text.h"
#include "write_all.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum agentctl_exit agentctl_rules_need_root(const struct agentctl_command *command,
					    struct error_text *error)
{
	if (geteuid() == 0)
		return AGENTCTL_DONE;
	error_text_set(error, "%s%s%s changes the firewall: only root may", command->verb,
		       command->noun ? " " : "", command->noun ? command->noun : "");
	error_text_hint(error, "sudo agentctl %s%s%s", command->verb, command->noun ? " " : "",
			command->noun ? command->noun : "");
	return AGENTCTL_NOT_PERMITTED;
}

/* Run nft; its own words are in 'error' if it fails. */
static enum agentctl_exit run_nft(const char *const *argv, const char *input,
				  struct error_text *error)
{
	struct program_result result;
	int fault = agentctl_program_run(argv, input, &result);
	int status = result.status;

	if (fault == -ENOENT) {
		error_text_set(error, "nft is not installed");
		error_text_hint(error, "apt install nftables");
		return AGENTCTL_FAILED;
	}
	if (fault) {
		error_text_set(error, "nft cannot be run: %s", fault_text(-fault));
		return AGENTCTL_FAILED;
	}
	if (status != 0)
		error_text_set(error, "nft has refused (status %d): %s", status, result.fault);
	agentctl_program_clear(&result);
	return status == 0 ? AGENTCTL_DONE : AGENTCTL_FAILED;
}

enum agentctl_exit agentctl_rules_load(const char *text, struct error_text *error)
{
	const char *const load[] = { "nft", "-f", "-", NULL };

	return run_nft(load, text, error);
}

/* Start a new version of a file beside it: 'temporary' gets its name. Returns a descriptor or a
 * negative errno. */
static int create_beside(const char *path, char *temporary, size_t size)
{
	char *copy = strdup(path);
	int descriptor;

	if (!copy)
		return -ENOMEM;
	(void)mkdir(dirname(copy), 0755); /* if it is missing */
	free(copy);
	if ((size_t)snprintf(temporary, size, "%s.XXXXXX", path) >= size)
		return -ENAMETOOLONG;
	descriptor = mkostemp(temporary, O_CLOEXEC);
	/* cppcheck-suppress resourceLeak ; the caller gets it */
	return descriptor < 0 ? -errno : descriptor;
}

/* Write a text that everybody may read, down to the disk. */
static int write_text(int descriptor, const char *text)
{
	const int fault = write_all(descriptor, text, strlen(text));

	if (fault)
		return fault;
	return fchmod(descriptor, 0644) || fsync(descriptor) ? -errno : 0;
}

int agentctl_rules_write(const char *path, const char *text, char *temporary, size_t size)
{
	int descriptor = create_beside(path, temporary, size);
	int fault = descriptor < 0 ? descriptor : write_text(descriptor, text);

	if (descriptor < 0)
		return descriptor;
	if (close(descriptor) != 0 && !fault)
		fault = -errno;
	if (fault)
		(void)unlink(temporary);
	return fault;
}

bool agentctl_systemctl(const char *verb, const char *option, const char *unit,
			struct error_text *error)
{
	const char *const argv[] = { "systemctl", verb, unit, option, NULL };
	struct program_result result;
	int fault = agentctl_program_run(argv, NULL, &result);
	bool is_done = !fault && result.status == 0;

	if (fault)
		error_text_set(error, "systemctl cannot be run: %s", fault_text(-fault));
	else if (!is_done)
		error_text_set(error, "systemctl %s %s: %s", verb, unit, result.fault);
	if (!fault)
		agentctl_program_clear(&result);
	return is_done;
}

bool agentctl_has_unit(const char *unit)
{
	struct error_text ignored;

	return access("/run/systemd/system", F_OK) == 0 &&
	       agentctl_systemctl("cat", NULL, unit, &ignored);
}

bool agentctl_rules_has_table(void)
{
	static const char *const list[] = { "nft", "list", "table", "inet", "flowagent", NULL };
	struct program_result result;
	bool is_there;

	if (agentctl_program_run(list, NULL, &result))
		return false;
	is_there = result.status == 0;
	agentctl_program_clear(&result);
	return is_there;
}
