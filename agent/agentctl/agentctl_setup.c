/* agentctl_setup.c - one file in conf.d, rules, and the service: all of it may be done again, and
 * taken back.
 *
 * Rules that somebody has made, by hand or by `rules install`, stay as they are, unless --interface
 * says otherwise. The file is checked before the service reads it; a wrong one is put back. */
#include "agentctl_setup.h"

#include "agentctl_doctor.h"
#include "agentctl_found_rules.h"
#include "agentctl_program.h"
#include "agentctl_rules.h"
#include "agentctl_rules_firewall.h"
#include "agentctl_rules_make.h"
#include "agentctl_rules_system.h"
#include "agentctl_show.h"
#include "defaults.h"
#include "fault_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SETUP_FILE DEFAULT_CONFIG_DIRECTORY "/setup.conf"
#define UNIT       "flowagent.service"
#define WAIT_MS    60000 /* default of --timeout */

static const char rules_line[] = "# It has installed the rules.\n";
static const char enabled_line[] = "# It has enabled the service.\n";
static const char started_line[] = "# It has started the service.\n";

char *setup_format(const struct setup_state *state, const char *collector)
{
	char *text;

	if (asprintf(&text,
		     "# Made by agentctl setup; agentctl setup --undo takes it back.\n"
		     "%s%s%s[agent]\n%s%s%s",
		     state->has_rules ? rules_line : "", state->has_enabled ? enabled_line : "",
		     state->has_started ? started_line : "", collector ? "collector = " : "",
		     collector ? collector : "", collector ? "\n" : "") < 0)
		return NULL;
	return text;
}

struct setup_state setup_parse(const char *text)
{
	return (struct setup_state){ .has_rules = strstr(text, rules_line),
				     .has_enabled = strstr(text, enabled_line),
				     .has_started = strstr(text, started_line) };
}

/* The collector of such a text, "" if there is none. */
static void find_collector(const char *text, char *collector, size_t size)
{
	static const char key[] = "\ncollector = ";
	const char *at = strstr(text, key);

	at = at ? at + sizeof(key) - 1 : "";
	(void)snprintf(collector, size, "%.*s", (int)strcspn(at, "\n"), at);
}

/* Whether there are rules of `rules install` in any firewall. */
static bool has_own_rules(void)
{
	static const enum agentctl_firewall all[] = { FIREWALL_nft, FIREWALL_iptables_nft,
						      FIREWALL_iptables_legacy };
	bool is_there = false;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char *list = agentctl_firewall_list(all[i]);

		is_there |= list && *list;
		free(list);
	}
	return is_there;
}

/* Whether a rule that is none of ours logs to the group. */
static bool has_other_rules(const struct agentctl_options *options)
{
	struct log_rules rules = { 0 };
	struct error_text ignored;
	bool is_there = false;

	if (!agentctl_found_rules(&rules, &ignored))
		for (size_t i = 0; i < rules.count; i++)
			is_there |= !log_rule_is_own(&rules.rules[i]) &&
				    log_rule_group(&rules.rules[i]) == options->group &&
				    *doctor_text(rules.rules[i].row, "hook");
	log_rules_clear(&rules);
	return is_there;
}

static enum agentctl_exit put_rules(const struct agentctl_options *options,
				    struct setup_state *state, struct error_text *error)
{
	const bool is_own = has_own_rules();
	enum agentctl_exit result;
	bool is_changed;

	if (options->interface_count == 0 && !state->has_rules && is_own) {
		(void)fputs("rules: those of an earlier agentctl rules install stay\n", stderr);
		return AGENTCTL_DONE;
	}
	if (options->interface_count == 0 && has_other_rules(options)) {
		(void)fputs("rules: others log to the group already, and stay\n", stderr);
		return AGENTCTL_DONE;
	}
	result = agentctl_rules_put(options, &is_changed, error);
	state->has_rules |= !result && !is_own;
	return result;
}

/* Have the daemon look at all files, as the service will. */
static enum agentctl_exit check_config(struct error_text *error)
{
	static const char *const check[] = { "flowagent", "--check-config", "--config",
					     DEFAULT_CONFIG_FILE, NULL };
	struct program_result result;
	const int fault = agentctl_program_run(check, NULL, &result);
	enum agentctl_exit status = AGENTCTL_DONE;

	if (fault) {
		error_text_set(error, "flowagent cannot be run: %s", fault_text(-fault));
		return AGENTCTL_FAILED;
	}
	if (result.status != 0) {
		error_text_set(error, "%s: nothing was changed", result.fault);
		status = AGENTCTL_FAILED;
	}
	agentctl_program_clear(&result);
	return status;
}

/* Write the file, or take it away with NULL. */
static enum agentctl_exit put_file(const char *text, struct error_text *error)
{
	char temporary[4096];
	int fault = text ? agentctl_rules_write(SETUP_FILE, text, temporary, sizeof(temporary)) : 0;

	if (text && !fault && rename(temporary, SETUP_FILE) != 0) {
		fault = -errno;
		(void)unlink(temporary);
	}
	if (!text && unlink(SETUP_FILE) != 0 && errno != ENOENT)
		fault = -errno;
	if (!fault)
		return AGENTCTL_DONE;
	error_text_set(error, "cannot write " SETUP_FILE ": %s", fault_text(-fault));
	return AGENTCTL_FAILED;
}

/* Write the file with the collector, which stays if none is given, and the state. One that the
 * daemon refuses is put back. */
static enum agentctl_exit configure(const struct agentctl_options *options,
				    const struct setup_state *state, const char *before,
				    bool *is_changed, struct error_text *error)
{
	struct error_text ignored;
	enum agentctl_exit result = AGENTCTL_FAILED;
	char kept[1024];
	char *text;

	find_collector(before, kept, sizeof(kept));
	text = setup_format(state, options->collector ? options->collector : *kept ? kept : NULL);
	if (!text) {
		error_text_set(error, "out of memory");
		return AGENTCTL_FAILED;
	}
	*is_changed = strcmp(text, before) != 0;
	result = *is_changed ? put_file(text, error) : AGENTCTL_DONE;
	if (!result) {
		result = check_config(error);
		if (result)
			(void)put_file(*before ? before : NULL, &ignored);
	}
	free(text);
	return result;
}

/* Enable the service, and have it run with the present configuration. */
static enum agentctl_exit start(bool is_changed, const struct setup_state *state,
				struct error_text *error)
{
	struct error_text ignored;

	if (state->has_enabled && !agentctl_systemctl("enable", "--quiet", UNIT, error))
		return AGENTCTL_FAILED;
	if (!agentctl_systemctl(is_changed ? "restart" : "start", NULL, UNIT, error)) {
		error_text_hint(error, "journalctl -u flowagent");
		return AGENTCTL_FAILED;
	}
	/* A unit whose condition fails is skipped, and systemctl calls that a success. */
	if (agentctl_systemctl("is-active", "--quiet", UNIT, &ignored))
		return AGENTCTL_DONE;
	error_text_set(error,
		       "systemd has skipped the service: a condition of " UNIT " is not met here");
	error_text_hint(error, "systemctl status flowagent names the condition; in a container it "
			       "needs the capability CAP_NET_ADMIN");
	return AGENTCTL_FAILED;
}

/* The steps in order; the file is written twice at the first time, as it tells what was done. */
static enum agentctl_exit set_up(const struct agentctl_options *options, struct error_text *error)
{
	char *before = agentctl_rules_read_file(SETUP_FILE);
	struct setup_state state = setup_parse(before ? before : "");
	struct error_text ignored;
	bool is_changed = false;
	enum agentctl_exit result = AGENTCTL_DONE;

	if (!before || !*before) {
		state.has_enabled = !agentctl_systemctl("is-enabled", "--quiet", UNIT, &ignored);
		state.has_started = !agentctl_systemctl("is-active", "--quiet", UNIT, &ignored);
	}
	result = configure(options, &state, before ? before : "", &is_changed, error);
	if (!result) {
		const bool had_rules = state.has_rules;
		bool is_noted;
		char *now = agentctl_rules_read_file(SETUP_FILE);

		result = put_rules(options, &state, error);
		if (!result && state.has_rules != had_rules)
			result = configure(options, &state, now ? now : "", &is_noted, error);
		free(now);
	}
	if (!result)
		result = start(is_changed, &state, error);
	free(before);
	return result;
}

/* Take the rules back, then the file, which tells what there is to take back. */
static enum agentctl_exit undo(const struct agentctl_command *command,
			       const struct agentctl_options *options, struct error_text *error)
{
	char *text = agentctl_rules_read_file(SETUP_FILE);
	const struct setup_state state = setup_parse(text ? text : "");
	const bool is_there = text && *text;
	struct error_text ignored;
	enum agentctl_exit result = AGENTCTL_DONE;

	free(text);
	if (!is_there) {
		(void)fputs("nothing to take back: there is no " SETUP_FILE "\n", stderr);
		return AGENTCTL_DONE;
	}
	if (state.has_rules)
		result = agentctl_rules_remove(command, options);
	if (!result)
		result = put_file(NULL, error);
	if (!result && state.has_started && !agentctl_systemctl("stop", NULL, UNIT, error))
		result = AGENTCTL_FAILED;
	if (!result && state.has_enabled && !agentctl_systemctl("disable", "--quiet", UNIT, error))
		result = AGENTCTL_FAILED;
	if (!result && !state.has_started &&
	    agentctl_systemctl("is-active", "--quiet", UNIT, &ignored) &&
	    !agentctl_systemctl("restart", NULL, UNIT, error))
		result = AGENTCTL_FAILED;
	if (!result)
		(void)fputs("taken back: " SETUP_FILE "\n", stderr);
	return result;
}

static enum agentctl_exit check_host(const struct agentctl_options *options,
				     struct error_text *error)
{
	if (!agentctl_has_unit(UNIT)) {
		error_text_set(error, "there is no " UNIT ", or systemd does not run here");
		error_text_hint(error,
				"by hand: agentctl rules install, then flowagent --nflog %u "
				"--collector HOST:PORT",
				options->group);
		return AGENTCTL_FAILED;
	}
	if (options->collector && strpbrk(options->collector, "\r\n#;")) {
		error_text_set(error, "--collector: expected HOST:PORT in one line");
		return AGENTCTL_USAGE;
	}
	return AGENTCTL_DONE;
}

/* What comes, and what doctor thinks of it. */
static enum agentctl_exit look(const struct agentctl_options *options)
{
	static const struct agentctl_command wait = { .verb = "wait",
						      .noun = "packets",
						      .request = "show-stats" };
	struct agentctl_options patient = *options;
	enum agentctl_exit result;

	if (patient.timeout_ms < 0)
		patient.timeout_ms = WAIT_MS;
	(void)fprintf(stderr, "waiting for packets, %lld s at most\n",
		      (long long)patient.timeout_ms / 1000);
	result = agentctl_wait(&wait, &patient);
	return agentctl_doctor(NULL, options) == AGENTCTL_BROKEN ? AGENTCTL_BROKEN : result;
}

enum agentctl_exit agentctl_setup(const struct agentctl_command *command,
				  const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	enum agentctl_exit result = agentctl_rules_need_root(command, &error);

	if (!result)
		result = check_host(options, &error);
	if (!result)
		result =
			options->is_undo ? undo(command, options, &error) : set_up(options, &error);
	agentctl_print_error(&error);
	if (result || options->is_undo)
		return result;
	return look(options);
}
