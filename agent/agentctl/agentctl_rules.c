/* agentctl_rules.c - `rules print|install|remove`: the agent's own nft table, loaded now, saved for
 * the next boot, and taken back.
 *
 * What is loaded is always the file that is saved, and nothing is saved that nft has not taken. */
#include "agentctl_rules.h"

#include "agentctl_program.h"
#include "agentctl_ruleset.h"
#include "defaults.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Content of a small file; "" if it cannot be read. For free(); NULL if memory is short. */
static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;
	ssize_t got = file ? getdelim(&text, &size, '\0', file) : -1;

	if (file)
		(void)fclose(file);
	if (got >= 0)
		return text;
	free(text);
	return strdup("");
}

/* Have packets go to a group for each CPU that is online. */
static bool set_cpus(struct ruleset *ruleset, struct cpu_list *cpus, struct error_text *error)
{
	cpu_list_online(cpus);
	ruleset->cpus = cpus;
	if (ruleset->group + cpus->count - 1 <= UINT16_MAX)
		return true;
	error_text_set(error, "--group %u: %zu CPUs need as many groups, up to 65535",
		       ruleset->group, cpus->count);
	return false;
}

/* The rules that the options ask for. 'cpus' is what they may borrow from. */
static enum agentctl_exit make_ruleset(const struct agentctl_options *options,
				       struct ruleset *ruleset, struct cpu_list *cpus,
				       struct error_text *error)
{
	*ruleset = (struct ruleset){ .group = options->group,
				     .snaplen = options->snaplen,
				     .sample = options->sample };
	if (options->per_cpu && !set_cpus(ruleset, cpus, error))
		return AGENTCTL_USAGE;
	for (size_t i = 0; i < options->interface_count; i++)
		if (!ruleset_add_interface(ruleset, options->interfaces[i], error))
			return AGENTCTL_USAGE;
	if (options->interface_count == 0) {
		char *ipv4 = read_file("/proc/net/route");
		char *ipv6 = read_file("/proc/net/ipv6_route");

		if (ipv4 && ipv6)
			ruleset_add_default_routes(ruleset, ipv4, ipv6);
		free(ipv4);
		free(ipv6);
	}
	if (ruleset->interface_count > 0)
		return AGENTCTL_DONE;
	error_text_set(error, "there is no default route that would tell the interface");
	error_text_hint(error, "name it: agentctl rules print --interface IF; ip link shows which "
			       "there are");
	return AGENTCTL_FAILED;
}

static enum agentctl_exit make_text(const struct agentctl_options *options, struct ruleset *ruleset,
				    struct cpu_list *cpus, char **text, struct error_text *error)
{
	enum agentctl_exit result = make_ruleset(options, ruleset, cpus, error);

	*text = result ? NULL : ruleset_format(ruleset);
	if (!result && !*text) {
		error_text_set(error, "out of memory");
		result = AGENTCTL_FAILED;
	}
	return result;
}

static uint16_t last_group(const struct ruleset *ruleset)
{
	return (uint16_t)(ruleset->group + (ruleset->cpus ? ruleset->cpus->count - 1 : 0));
}

/* How the agent has to be started for rules with several groups. */
static void print_groups(const struct ruleset *ruleset)
{
	if (ruleset->cpus)
		(void)fprintf(stderr,
			      "the agent has to read all groups: nflog = %u-%u,cpu=auto in "
			      "flowagent.conf, or --nflog %u-%u,cpu=auto\n",
			      ruleset->group, last_group(ruleset), ruleset->group,
			      last_group(ruleset));
}

enum agentctl_exit agentctl_rules_print(const struct agentctl_command *command,
					const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	struct ruleset ruleset;
	struct cpu_list cpus;
	char *text;
	enum agentctl_exit result = make_text(options, &ruleset, &cpus, &text, &error);

	(void)command;
	if (text) {
		(void)fputs(text, stdout);
		print_groups(&ruleset);
	}
	agentctl_print_error(&error);
	free(text);
	return result;
}

static enum agentctl_exit need_root(const struct agentctl_command *command,
				    struct error_text *error)
{
	if (geteuid() == 0)
		return AGENTCTL_DONE;
	error_text_set(error, "%s %s changes the firewall: only root may", command->verb,
		       command->noun);
	error_text_hint(error, "sudo agentctl %s %s", command->verb, command->noun);
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
		error_text_set(error, "nft cannot be run: %s", strerror(-fault));
		return AGENTCTL_FAILED;
	}
	if (status != 0)
		error_text_set(error, "nft has refused (status %d): %s", status, result.fault);
	agentctl_program_clear(&result);
	return status == 0 ? AGENTCTL_DONE : AGENTCTL_FAILED;
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
	return descriptor < 0 ? -errno : descriptor;
}

static int write_file(int descriptor, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		ssize_t written = write(descriptor, text, left);

		if (written < 0)
			return -errno;
		text += written;
		left -= (size_t)written;
	}
	return fchmod(descriptor, 0644) || fsync(descriptor) ? -errno : 0;
}

/* Load the rules and save them: the file takes its name only when nft has taken the rules. */
static enum agentctl_exit load_and_save(const char *path, const char *text,
					struct error_text *error)
{
	char temporary[4096];
	const char *const load[] = { "nft", "-f", temporary, NULL };
	int descriptor = create_beside(path, temporary, sizeof(temporary));
	enum agentctl_exit result;
	int fault = descriptor < 0 ? descriptor : write_file(descriptor, text);

	if (descriptor >= 0)
		(void)close(descriptor);
	result = fault ? AGENTCTL_FAILED : run_nft(load, NULL, error);
	if (!result && rename(temporary, path) != 0)
		fault = -errno;
	if (fault) {
		error_text_set(error, "cannot write %s: %s", path, strerror(-fault));
		error_text_hint(error, "another file: --file PATH; only until the next boot: "
				       "--no-save");
		result = AGENTCTL_FAILED;
	}
	if (result && descriptor >= 0)
		(void)unlink(temporary);
	return result;
}

static enum agentctl_exit load_only(const char *text, struct error_text *error)
{
	const char *const load[] = { "nft", "-f", "-", NULL };

	return run_nft(load, text, error);
}

/* Run systemctl and tell whether it succeeded. */
static bool systemctl(const char *verb, const char *option, struct error_text *error)
{
	const char *const argv[] = { "systemctl", verb, AGENTCTL_RULES_UNIT, option, NULL };
	struct program_result result;
	int fault = agentctl_program_run(argv, NULL, &result);
	bool is_done = !fault && result.status == 0;

	if (fault)
		error_text_set(error, "systemctl cannot be run: %s", strerror(-fault));
	else if (!is_done)
		error_text_set(error, "systemctl %s %s: %s", verb, AGENTCTL_RULES_UNIT,
			       result.fault);
	if (!fault)
		agentctl_program_clear(&result);
	return is_done;
}

/* Whether systemd runs here and knows our unit, which loads the default file only. */
static bool has_unit(const char *path)
{
	struct error_text ignored;

	return strcmp(path, DEFAULT_RULES_FILE) == 0 && access("/run/systemd/system", F_OK) == 0 &&
	       systemctl("cat", NULL, &ignored);
}

/* Have the unit load the file at boot. */
static enum agentctl_exit make_permanent(const char *path, struct error_text *error)
{
	if (!has_unit(path)) {
		(void)fprintf(stderr,
			      "saved in %s, but not loaded at boot: %s does not run here\n"
			      "  hint: have your start-up scripts run: nft -f %s\n",
			      path, AGENTCTL_RULES_UNIT, path);
		return AGENTCTL_DONE;
	}
	if (!systemctl("enable", "--quiet", error) || !systemctl("start", NULL, error))
		return AGENTCTL_FAILED;
	(void)fprintf(stderr, "saved in %s; %s loads it at boot\n", path, AGENTCTL_RULES_UNIT);
	return AGENTCTL_DONE;
}

static void print_loaded(const struct ruleset *ruleset)
{
	(void)fprintf(stderr, "loaded: table inet flowagent logs %u bytes of ", ruleset->snaplen);
	if (ruleset->sample > 1)
		(void)fprintf(stderr, "one packet in %u", ruleset->sample);
	else
		(void)fputs("each packet", stderr);
	(void)fprintf(stderr, " to group %u", ruleset->group);
	if (ruleset->cpus)
		(void)fprintf(stderr, " to %u by CPU", last_group(ruleset));
	(void)fputs(", in and out of", stderr);
	for (size_t i = 0; i < ruleset->interface_count; i++) {
		const char *name = ruleset->interfaces[i];

		(void)fprintf(stderr, "%s %s%s", i ? "," : "", name,
			      if_nametoindex(name) ? "" : " (which is not there now)");
	}
	(void)fputc('\n', stderr);
}

enum agentctl_exit agentctl_rules_install(const struct agentctl_command *command,
					  const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	struct ruleset ruleset;
	struct cpu_list cpus;
	char *text = NULL;
	enum agentctl_exit result = need_root(command, &error);

	if (!result)
		result = make_text(options, &ruleset, &cpus, &text, &error);
	if (!result)
		result = options->no_save ? load_only(text, &error)
					  : load_and_save(options->file, text, &error);
	if (!result) {
		print_loaded(&ruleset);
		print_groups(&ruleset);
	}
	if (!result && options->no_save)
		(void)fputs("not saved: gone after the next boot\n", stderr);
	if (!result && !options->no_save)
		result = make_permanent(options->file, &error);
	agentctl_print_error(&error);
	free(text);
	return result;
}

enum agentctl_exit agentctl_rules_remove(const struct agentctl_command *command,
					 const struct agentctl_options *options)
{
	/* Naming the table first makes its removal succeed when it is not there. */
	static const char removal[] = "table inet flowagent\ndelete table inet flowagent\n";
	struct error_text error = { .text = "" };
	struct error_text unit_error = { .text = "" };
	enum agentctl_exit result = need_root(command, &error);
	bool is_unit_off = true;

	/* All of it is tried, and the first thing that failed is reported. */
	if (!result) {
		if (has_unit(options->file))
			is_unit_off = systemctl("disable", "--now", &unit_error);
		result = load_only(removal, &error);
		if (unlink(options->file) != 0 && errno != ENOENT && !result) {
			error_text_set(&error, "cannot remove %s: %s", options->file,
				       strerror(errno));
			result = AGENTCTL_FAILED;
		}
		if (!result && !is_unit_off) {
			error = unit_error;
			result = AGENTCTL_FAILED;
		}
	}
	if (!result)
		(void)fprintf(stderr, "removed: table inet flowagent and %s\n", options->file);
	agentctl_print_error(&error);
	return result;
}
