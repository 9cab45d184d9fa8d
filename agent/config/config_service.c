/* config_service.c - runs a check as the service's user.
 *
 * Place: config_load.c, after root's own check has passed. Invariant: this process keeps its
 * rights; the one that gives them up ends with the check, and its answer comes through a pipe. */
#include "config_service.h"

#include "defaults.h"
#include "fault_text.h"
#include "log.h"
#include "write_all.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct answer {
	int result;
	struct error_text error;
};

bool config_service_applies(const char *path)
{
	return !strcmp(path, DEFAULT_CONFIG_FILE) && geteuid() == 0 && getpwnam(DEFAULT_USER);
}

/* The groups of the service are those of its user: group _flowagent may be given more members, and
 * the user more groups. */
static int become_service_user(void)
{
	const struct passwd *entry = getpwnam(DEFAULT_USER);

	if (!entry)
		return -ENOENT;
	if (initgroups(entry->pw_name, entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 ||
	    setuid(entry->pw_uid) != 0)
		return -errno;
	return 0;
}

/* In the process of its own, which logs nothing: root's own check has. What is written in one piece
 * of less than PIPE_BUF bytes arrives whole.
 */
static void answer(int descriptor, config_service_check *check, void *context)
{
	struct answer answer = { .result = become_service_user() };

	log_set_level(LOG_LEVEL_error);
	if (answer.result)
		error_text_set(&answer.error, "cannot become this user: %s",
			       fault_text(-answer.result));
	else
		answer.result = check(context, &answer.error);
	_exit(write_all(descriptor, &answer, sizeof(answer)) ? 1 : 0);
}

static int take_answer(int descriptor, pid_t child, struct answer *answer)
{
	ssize_t got;
	int status;

	do
		got = read(descriptor, answer, sizeof(*answer));
	while (got < 0 && errno == EINTR);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return got == (ssize_t)sizeof(*answer) ? 0 : -EIO;
}

static int ask(config_service_check *check, void *context, struct answer *answer_text)
{
	int ends[2];
	pid_t child;
	int result;

	if (pipe(ends) != 0)
		return -errno;
	child = fork();
	if (child == 0)
		answer(ends[1], check, context);
	result = child < 0 ? -errno : 0;
	(void)close(ends[1]);
	if (!result)
		result = take_answer(ends[0], child, answer_text);
	(void)close(ends[0]);
	return result;
}

int config_service_run(config_service_check *check, void *context, struct error_text *error)
{
	struct answer got;
	int result = ask(check, context, &got);

	if (result) {
		error_text_set(error, "cannot check as the service's user " DEFAULT_USER ": %s",
			       fault_text(-result));
		return result;
	}
	if (!got.result)
		return 0;
	error_text_set(error, "as the service's user " DEFAULT_USER ": %.270s", got.error.text);
	if (got.error.hint[0])
		error_text_hint(error, "%s", got.error.hint);
	else if (got.result == -EACCES)
		error_text_hint(error, "chgrp " DEFAULT_USER " FILE; chmod 640 FILE; all "
				       "directories above it must be open to that group, too");
	return got.result;
}
