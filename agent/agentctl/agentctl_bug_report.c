/* agentctl_bug_report.c - what the agent says, what the system says of it, and its configuration.
 *
 * Nothing that flows carry is in it: no flow, no packet, no key. A part that cannot be had says why
 * and hinders no other. Texts pass agentctl_mask(). */
#include "agentctl_bug_report.h"

#include "agentctl_mask.h"
#include "agentctl_program.h"
#include "agentctl_tar.h"
#include "defaults.h"
#include "fault_text.h"
#include "text_file.h"
#include "time_now.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WORDS_MAX   12
#define FILE_LIMIT  (1u << 20)
#define PATIENCE    "20" /* seconds for each program */
#define OWN_PROGRAM "/proc/self/exe"

/* What a program prints. SOCKET stands for the socket of the options. */
#define SOCKET "@socket"
static const struct part {
	const char *name;
	const char *words[WORDS_MAX];
} parts[] = {
	{ "agentctl-version", { OWN_PROGRAM, "--version" } },
	{ "flowagent-version", { "flowagent", "--version" } },
	{ "show-status.json", { OWN_PROGRAM, "-s", SOCKET, "-J", "show", "status" } },
	{ "show-stats.json", { OWN_PROGRAM, "-s", SOCKET, "-J", "show", "stats" } },
	{ "show-config.json", { OWN_PROGRAM, "-s", SOCKET, "-J", "show", "config" } },
	{ "show-sources.json", { OWN_PROGRAM, "-s", SOCKET, "-J", "show", "sources" } },
	{ "show-collectors.json", { OWN_PROGRAM, "-s", SOCKET, "-J", "show", "collectors" } },
	{ "show-interfaces.json", { OWN_PROGRAM, "-s", SOCKET, "-J", "show", "interfaces" } },
	{ "show-templates.json", { OWN_PROGRAM, "-s", SOCKET, "-J", "show", "templates" } },
	{ "show-drops.json", /* without the packets */
	  { OWN_PROGRAM, "-s", SOCKET, "-J", "show", "drops", "-o",
	    "reason,packets,source,last,link,captured_bytes,original_bytes" } },
	{ "rules-status.json", { OWN_PROGRAM, "-s", SOCKET, "-J", "rules", "status" } },
	{ "uname", { "uname", "-a" } },
	{ "systemctl-status",
	  { "systemctl", "--no-pager", "--full", "status", "flowagent.service" } },
	{ "systemctl-show", { "systemctl", "--no-pager", "show", "flowagent.service" } },
	{ "systemctl-cat", { "systemctl", "--no-pager", "cat", "flowagent.service" } },
	{ "journal", { "journalctl", "--no-pager", "-u", "flowagent.service", "-n", "500" } },
	{ "ip-link", { "ip", "-stats", "link" } },
	{ "ip-route", { "ip", "route" } },
	{ "nft-version", { "nft", "--version" } },
	{ "lsmod", { "lsmod" } },
};

static const char *const files[] = {
	DEFAULT_CONFIG_FILE,
	DEFAULT_CONFIG_DIRECTORY "/*.conf",
	DEFAULT_RULES_FILE,
	DEFAULT_IPTABLES_FILE,
	"/etc/os-release",
	"/proc/net/netfilter/nfnetlink_log",
	"/proc/net/netfilter/nf_log",
	"/proc/meminfo",
	"/proc/sys/net/core/rmem_max",
	"/proc/sys/net/core/rmem_default",
};

static const char about[] =
	"Report of agentctl bug-report: what flowagent and the system say of its state, and its\n"
	"configuration. There is no flow, no packet and no key in it; values after words such as\n"
	"password and secret are stars. There are addresses of collectors and names of "
	"interfaces.\n"
	"Please look through it before you give it away.\n";

/* Add a text that the report owns; 'text' is freed. */
static void add(FILE *out, const char *name, char *text)
{
	if (!text)
		return;
	agentctl_mask(text);
	agentctl_tar_add(out, name, text, strlen(text), time_now_ms(CLOCK_REALTIME) / 1000);
	free(text);
}

/* "flowagent-bug-report/NAME", with the slashes of a path as they are. */
static const char *member_name(const char *name, char member[static AGENTCTL_TAR_NAME_MAX + 1])
{
	(void)snprintf(member, AGENTCTL_TAR_NAME_MAX + 1, "flowagent-bug-report/%s",
		       *name == '/' ? name + 1 : name);
	return member;
}

/* What a program said, and how it ended if that was not well. For free(). */
static char *text_of(const struct part *part, const char *socket)
{
	const char *words[WORDS_MAX + 3] = { "timeout", PATIENCE };
	struct program_result result;
	char *text = NULL;
	size_t count = 2;
	int fault;

	/* Our own program has bounds of its own, and would not be /proc/self/exe of another. */
	if (strcmp(part->words[0], OWN_PROGRAM) == 0)
		count = 0;
	for (size_t i = 0; i < WORDS_MAX && part->words[i]; i++)
		words[count++] = strcmp(part->words[i], SOCKET) == 0 ? socket : part->words[i];
	words[count] = NULL;
	fault = agentctl_program_run(words, NULL, &result);
	if (fault)
		return asprintf(&text, "not run: %s\n", fault_text(-fault)) < 0 ? NULL : text;
	if (result.status == 0 && !result.fault[0])
		return result.output;
	if (asprintf(&text, "%s\n[exit status %d: %s]\n", result.output, result.status,
		     result.fault) < 0)
		text = NULL;
	agentctl_program_clear(&result);
	return text;
}

static void add_files(FILE *out, const char *pattern)
{
	char member[AGENTCTL_TAR_NAME_MAX + 1];
	glob_t found = { .gl_pathc = 0 };

	if (glob(pattern, GLOB_NOCHECK, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			struct error_text error = { .text = "" };
			size_t size;
			char *text = text_file_read(found.gl_pathv[i], FILE_LIMIT, &size, &error);

			if (!text && asprintf(&text, "[%s]\n", error.text) < 0)
				text = NULL;
			add(out, member_name(found.gl_pathv[i], member), text);
		}
	}
	globfree(&found);
}

static void write_report(FILE *out, const char *socket)
{
	char member[AGENTCTL_TAR_NAME_MAX + 1];

	add(out, member_name("README", member), strdup(about));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		add(out, member_name(parts[i].name, member), text_of(&parts[i], socket));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		add_files(out, files[i]);
	agentctl_tar_finish(out);
}

/* A new file that only its owner reads; one that is there is not overwritten. */
static FILE *create(const char *path, struct error_text *error)
{
	const int descriptor =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "w");

	if (file)
		return file;
	error_text_set(error, "cannot write %s: %s", path, fault_text(errno));
	if (descriptor >= 0)
		(void)close(descriptor);
	return NULL;
}

enum agentctl_exit agentctl_bug_report(const struct agentctl_command *command,
				       const struct agentctl_options *options)
{
	const time_t now = time(NULL);
	struct error_text error = { .text = "" };
	char path[64];
	const char *name = path;
	struct tm broken_down;
	FILE *file;

	(void)command;
	if (options->word_count > 1) {
		error_text_set(&error, "\"%s\": expected one file", options->words[1]);
		agentctl_print_error(&error);
		return AGENTCTL_USAGE;
	}
	if (options->word_count == 1)
		name = options->words[0];
	else if (!gmtime_r(&now, &broken_down) ||
		 !strftime(path, sizeof(path), "flowagent-bug-report-%Y%m%dT%H%M%SZ.tar",
			   &broken_down))
		return AGENTCTL_FAILED;
	file = create(name, &error);
	if (file) {
		write_report(file, options->socket);
		errno = 0;
		if (ferror(file) | fclose(file))
			error_text_set(&error, "cannot write %s: %s", name,
				       fault_text(errno ? errno : EIO));
		else
			(void)printf("%s\n", name);
	}
	agentctl_print_error(&error);
	return error.text[0] ? AGENTCTL_FAILED : AGENTCTL_DONE;
}
