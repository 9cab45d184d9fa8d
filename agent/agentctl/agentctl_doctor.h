/* agentctl_doctor.h - `doctor`: why no packets arrive, or nothing reaches a collector.
 *
 * Place: a row in agentctl_commands.c; agentctl_doctor_facts.c -> checks -> lines.
 *
 * agentctl_doctor_facts.c asks the agent, the firewalls and the kernel once, and once more after a
 * while. Each check is a function that reads these facts and says lines; agentctl_doctor.c has the
 * table of checks in their order, and prints. */
#ifndef AGENTCTL_DOCTOR_H
#define AGENTCTL_DOCTOR_H

#include "agentctl.h"
#include "agentctl_log_rules.h"

#include <jansson.h>

enum doctor_state {
	DOCTOR_ok,
	DOCTOR_note, /* to know, not to mend */
	DOCTOR_warn, /* exit status 1 */
	DOCTOR_fail, /* exit status 2: packets or records are missing */
};

struct doctor {
	const struct agentctl_options *options;

	/* Facts. Rows and objects are owned. */
	json_t *status, *status_later;  /* `show status`; NULL: the agent cannot be asked */
	struct error_text status_error; /* why not */
	json_t *config, *origins;       /* {option: value}, {option: "FILE:LINE"} */
	struct log_rules rules,
		rules_later;           /* of all firewalls; later: the same, with new counts */
	bool has_rules;                /* they could be listed */
	struct error_text rules_error; /* why not */
	bool is_read[UINT16_MAX + 1];  /* groups that the agent reads, or is to read */
	size_t read_count;
	int64_t wait_ms; /* between the two looks */
	bool is_root;
	char journal[512]; /* last error of a service that has ended; "" if it runs */

	/* What is said. */
	const char *check; /* the one that runs */
	enum doctor_state worst;
	size_t said; /* lines of this check */
	int fault;   /* of printing */
};

/* Say a line of the check that runs. 'fix' is a command to type, or NULL. */
void doctor_say(struct doctor *doctor, enum doctor_state state, const char *fix, const char *format,
		...) __attribute__((format(printf, 4, 5)));

/* Gather all facts; 'wait_ms' is between the two looks. Clear afterwards. */
void doctor_gather(struct doctor *doctor, int64_t wait_ms);
/* Look once more: what was later is then what was before. */
void doctor_look_again(struct doctor *doctor);
void doctor_clear(struct doctor *doctor);

/* Members of the facts, 0 or "" if there is none. */
const char *doctor_text(const json_t *object, const char *key);
json_int_t doctor_number(const json_t *object, const char *key);
/* Value of an option of the agent, "" if it has none or is not known. */
const char *doctor_option(const struct doctor *doctor, const char *name);
const json_t *doctor_sources(const json_t *status);
const json_t *doctor_collectors(const json_t *status);
/* The log group of a source; -1: it is of another kind. */
int doctor_source_group(const json_t *source);
/* The interface of a source that a BPF program reads; NULL: it is of another kind. */
const char *doctor_source_bpf(const json_t *source);
/* Whether the agent has such a source. */
bool doctor_reads_by_bpf(const struct doctor *doctor);
/* Whether the agent reads the group of a rule. */
bool doctor_is_read(const struct doctor *doctor, const struct log_rule *rule);
/* Whether all rules that feed the agent are those of `rules install`. */
bool doctor_is_own_only(const struct doctor *doctor);
/* The group that rules are to log to: the first one that the agent reads. */
unsigned int doctor_group(const struct doctor *doctor);

/* IFF_UP and the like of an interface; 0 if it is not there. */
unsigned int doctor_interface_flags(const char *name);

/* Commands for fixes; both are cut to 'size'. The first one installs rules for the interface of the
 * default route, or another one that is up. The second writes lines into a file of conf.d that is
 * read last, and restarts the service; 'lines' has printf's escapes. */
void doctor_fix_rules(const struct doctor *doctor, const char *more, char *fix, size_t size);
void doctor_fix_config(const struct doctor *doctor, const char *topic, const char *lines, char *fix,
		       size_t size);
/* The same for the file in which a collector's address stands: it gets another one. Returns NULL if
 * that is no file, else 'fix'. */
const char *doctor_fix_collector(const struct doctor *doctor, const char *from, const char *to,
				 char *fix, size_t size);
/* What can be typed when the way to a collector is at fault: take out the route that rejects its
 * address; name it as /etc/hosts does; start one of this host. All return NULL if there is nothing,
 * else 'fix', which is cut to 'size'. */
const char *doctor_fix_route(const struct doctor *doctor, const char *host, char *fix, size_t size);
const char *doctor_fix_name(const struct doctor *doctor, const char *host, unsigned int port,
			    char *fix, size_t size);
const char *doctor_fix_unit(const struct doctor *doctor, char *fix, size_t size);
/* A property of the unit flowagent.service; "" if systemd does not run here. */
void doctor_unit_property(const char *property, char *value, size_t size);
/* The drop-in of the service for --bpf. */
void doctor_fix_drop_in(const struct doctor *doctor, char *fix, size_t size);
/* Whether an error of the agent says why no program could be loaded. */
bool doctor_is_about_bpf(const char *failure);
/* Of a service that has ended for that: what the kernel lets root do and not the service, the
 * service's own sandbox forbids. A part of "sandbox". */
void doctor_check_bpf_ended(struct doctor *doctor);
/* Whether the agent that answers is the one of flowagent.service. */
bool doctor_is_service(const struct doctor *doctor);
/* "sudo ", or "" for root. */
const char *doctor_sudo(const struct doctor *doctor);

/* Note in the rows of sources that BPF programs feed how many packets their interfaces have
 * counted. */
void doctor_note_interfaces(json_t *status);

/* The checks. */
void doctor_check_service(struct doctor *doctor);
void doctor_check_namespace(struct doctor *doctor);
void doctor_check_kernel(struct doctor *doctor);
void doctor_check_group(struct doctor *doctor);
void doctor_check_bpf(struct doctor *doctor);
void doctor_check_owner(struct doctor *doctor);
void doctor_check_sandbox(struct doctor *doctor);
void doctor_check_rules(struct doctor *doctor);
void doctor_check_counter(struct doctor *doctor);
void doctor_check_interface(struct doctor *doctor);
void doctor_check_direction(struct doctor *doctor);
void doctor_check_family(struct doctor *doctor);
void doctor_check_doubled(struct doctor *doctor);
void doctor_check_forwarded(struct doctor *doctor);
void doctor_check_length(struct doctor *doctor);
void doctor_check_threshold(struct doctor *doctor);
void doctor_check_fuse(struct doctor *doctor);
void doctor_check_loss(struct doctor *doctor);
void doctor_check_buffer(struct doctor *doctor);
void doctor_check_own_export(struct doctor *doctor);
void doctor_check_cache(struct doctor *doctor);
void doctor_check_collector(struct doctor *doctor);
void doctor_check_source_id(struct doctor *doctor);
void doctor_check_reader(struct doctor *doctor);
void doctor_check_conntrack(struct doctor *doctor);
void doctor_check_clock(struct doctor *doctor);
void doctor_check_templates(struct doctor *doctor);
void doctor_check_as_table(struct doctor *doctor);
void doctor_check_flush(struct doctor *doctor);

enum agentctl_exit agentctl_doctor(const struct agentctl_command *command,
				   const struct agentctl_options *options);

#endif
