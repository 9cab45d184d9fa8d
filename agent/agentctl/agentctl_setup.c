/* agentctl_setup.c - one file in conf.d, rules or the drop-in for --bpf, and the service: all of it
 * may be done again, and taken back.
 *
 * What feeds the agent from now on is there before the service starts with it, and what did so
 * before goes after that. Rules that somebody has made, by hand or by `rules install`, stay as they
 * are, unless --interface says otherwise. The file is checked before the service reads it; a wrong
 * one is put back. */
#include "agentctl_setup.h"

#include "agentctl_bpf.h"
#include "agentctl_doctor.h"
#include "agentctl_found_rules.h"
#include "agentctl_rules.h"
#include "agentctl_rules_firewall.h"
#include "agentctl_rules_make.h"
#include "agentctl_rules_system.h"
#include "agentctl_show.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIT    "flowagent.service"
#define WAIT_MS 60000 /* default of --timeout */

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
		agentctl_say(options, "rules: those of an earlier agentctl rules install stay\n");
		return AGENTCTL_DONE;
	}
	if (options->interface_count == 0 && has_other_rules(options)) {
		agentctl_say(options, "rules: others log to the group already, and stay\n");
		return AGENTCTL_DONE;
	}
	result = agentctl_rules_put(options, &is_changed, error);
	state->has_rules |= !result && !is_own;
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

/* Read what an earlier setup has written; without, the service is as it was before any. */
static void look_before(struct setup_file *before)
{
	char *text = agentctl_rules_read_file(SETUP_FILE);
	struct error_text ignored;

	setup_parse(text ? text : "", before);
	if (!text || !*text) {
		before->state.has_enabled =
			!agentctl_systemctl("is-enabled", "--quiet", UNIT, &ignored);
		before->state.has_started =
			!agentctl_systemctl("is-active", "--quiet", UNIT, &ignored);
	}
	free(text);
}

/* The interfaces that BPF programs are to read: those that are asked for, or as before, or those of
 * the default routes. */
static enum agentctl_exit choose_interfaces(const struct agentctl_options *options,
					    struct ruleset *bpf, struct error_text *error)
{
	enum agentctl_exit result;

	if (options->interface_count == 0 && bpf->interface_count > 0)
		return AGENTCTL_DONE;
	*bpf = (struct ruleset){ .interface_count = 0 };
	result = agentctl_rules_interfaces(options, bpf, error);
	for (size_t i = 0; !result && i < bpf->interface_count; i++)
		if (!if_nametoindex(bpf->interfaces[i])) {
			error_text_set(error, "there is no interface %s: nothing was changed",
				       bpf->interfaces[i]);
			error_text_hint(error, "ip link shows which there are");
			result = AGENTCTL_FAILED;
		}
	return result;
}

/* What is to stand in the file, which says what there was before. */
static enum agentctl_exit plan(const struct agentctl_options *options, struct setup_file *file,
			       struct error_text *error)
{
	const bool is_bpf = options->source == SOURCE_bpf ||
			    (options->source == SOURCE_as_before && file->bpf.interface_count > 0);

	if (options->collector)
		(void)snprintf(file->collector, sizeof(file->collector), "%s", options->collector);
	if (is_bpf)
		return choose_interfaces(options, &file->bpf, error);
	file->bpf.interface_count = 0;
	return AGENTCTL_DONE;
}

/* Write the file again where the state is another one than that of 'noted'. */
static enum agentctl_exit note(const struct setup_file *file, const struct setup_state *noted,
			       struct error_text *error)
{
	bool ignored;

	return memcmp(&file->state, noted, sizeof(*noted)) == 0
		       ? AGENTCTL_DONE
		       : setup_file_write(file, &ignored, error);
}

/* Programs are to read. */
static enum agentctl_exit put_bpf(struct setup_file *file, bool *is_changed,
				  struct error_text *error)
{
	struct error_text ignored;
	bool is_made;
	enum agentctl_exit result =
		agentctl_bpf_check(error) ? AGENTCTL_FAILED : agentctl_drop_in_put(&is_made, error);

	if (result)
		return result;
	file->state.has_drop_in |= is_made;
	result = setup_file_write(file, is_changed, error);
	if (result && is_made)
		(void)agentctl_drop_in_remove(&ignored);
	*is_changed |= is_made;
	return result;
}

/* Rules are to feed the agent. */
static enum agentctl_exit put_nflog(const struct agentctl_options *options, struct setup_file *file,
				    bool *is_changed, struct error_text *error)
{
	const struct setup_state before = file->state;
	enum agentctl_exit result = setup_file_write(file, is_changed, error);

	if (!result)
		result = put_rules(options, &file->state, error);
	if (!result && file->state.has_drop_in) {
		result = agentctl_drop_in_remove(error);
		file->state.has_drop_in = false;
		*is_changed = true;
	}
	return result ? result : note(file, &before, error);
}

/* The steps in order; the file is written again when there is more to take back. */
static enum agentctl_exit set_up(const struct agentctl_command *command,
				 const struct agentctl_options *options, struct error_text *error)
{
	struct setup_file file;
	struct setup_state noted;
	bool is_changed = false;
	enum agentctl_exit result;

	look_before(&file);
	result = plan(options, &file, error);
	if (!result)
		result = file.bpf.interface_count > 0
				 ? put_bpf(&file, &is_changed, error)
				 : put_nflog(options, &file, &is_changed, error);
	if (!result)
		result = start(is_changed, &file.state, error);
	noted = file.state;
	if (!result && file.bpf.interface_count > 0 && file.state.has_rules) {
		result = agentctl_rules_remove(command, options);
		file.state.has_rules = false;
	}
	return result ? result : note(&file, &noted, error);
}

/* Have the service be as it was before. */
static enum agentctl_exit leave_service(const struct setup_state *state, struct error_text *error)
{
	struct error_text ignored;

	if (state->has_started && !agentctl_systemctl("stop", NULL, UNIT, error))
		return AGENTCTL_FAILED;
	if (state->has_enabled && !agentctl_systemctl("disable", "--quiet", UNIT, error))
		return AGENTCTL_FAILED;
	if (!state->has_started && agentctl_systemctl("is-active", "--quiet", UNIT, &ignored) &&
	    !agentctl_systemctl("restart", NULL, UNIT, error))
		return AGENTCTL_FAILED;
	return AGENTCTL_DONE;
}

/* Take the rules back, then the file, which tells what there is to take back. */
static enum agentctl_exit undo(const struct agentctl_command *command,
			       const struct agentctl_options *options, struct error_text *error)
{
	char *text = agentctl_rules_read_file(SETUP_FILE);
	const bool is_there = text && *text;
	enum agentctl_exit result = AGENTCTL_DONE;
	struct setup_file file;

	setup_parse(text ? text : "", &file);
	free(text);
	if (!is_there) {
		agentctl_say(options, "nothing to take back: there is no " SETUP_FILE "\n");
		return AGENTCTL_DONE;
	}
	if (file.state.has_rules)
		result = agentctl_rules_remove(command, options);
	if (!result && file.state.has_drop_in)
		result = agentctl_drop_in_remove(error);
	if (!result)
		result = setup_file_remove(error);
	if (!result)
		result = leave_service(&file.state, error);
	if (!result)
		agentctl_say(options, "taken back: " SETUP_FILE "\n");
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
	agentctl_say(options, "waiting for packets, %lld s at most\n",
		     (long long)patient.timeout_ms / 1000);
	result = agentctl_wait(&wait, &patient);
	if (agentctl_doctor(NULL, options) == AGENTCTL_BROKEN)
		return AGENTCTL_BROKEN;
	if (!result)
		agentctl_say(options,
			     "done: agentctl top shows what passes, agentctl show flows what is "
			     "counted; agentctl setup --undo takes all of this back\n");
	return result;
}

enum agentctl_exit agentctl_setup(const struct agentctl_command *command,
				  const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	enum agentctl_exit result = agentctl_rules_need_root(command, &error);

	if (!result)
		result = check_host(options, &error);
	if (!result)
		result = options->is_undo ? undo(command, options, &error)
					  : set_up(command, options, &error);
	agentctl_print_error(&error);
	if (result || options->is_undo)
		return result;
	return look(options);
}
