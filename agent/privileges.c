/* privileges.c - drops root by libcap-ng, and then what is left by rights.h. */
#include "privileges.h"

#include "config_rights.h"
#include "defaults.h"
#include "fault_text.h"
#include "log.h"
#include "rights.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

/* What the kernel translates is listed again and again. */
static uint64_t needed_for_fields(const struct config *config)
{
	const bool is_live = !config->source_count || config->sources[0].type->is_live;

	for (size_t i = 0; is_live && i < config->collector_count; i++)
		if (template_fields_have_translation(&config->collectors[i].field_set))
			return RIGHTS_NET_ADMIN;
	return 0;
}

static uint64_t needed_to_open(const struct config *config)
{
	uint64_t needed = needed_for_fields(config);

	for (size_t i = 0; i < config->source_count; i++)
		needed |= config->sources[i].type->rights;
	return needed;
}

void privileges_begin(const struct config *config)
{
	if (geteuid() != 0)
		(void)rights_keep(needed_to_open(config)); /* privileges_drop() says why not */
}

static void choose_capabilities(uint64_t needed)
{
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned int number = 0; needed >> number; number++)
		if (needed >> number & 1)
			(void)capng_update(CAPNG_ADD,
					   (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
					   number);
}

/* Returns 0, or the step of libcap-ng that has failed. */
static int stop_being_root(const struct passwd *entry, uint64_t needed)
{
	choose_capabilities(needed);
	if (entry)
		return capng_change_id((int)entry->pw_uid, (int)entry->pw_gid,
				       (capng_flags_t)(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
	return capng_apply(CAPNG_SELECT_BOTH);
}

static int change_root(const char *root, struct error_text *error)
{
	int result = 0;

	if (!*root)
		return 0;
	if (chroot(root) || chdir("/"))
		result = -errno;
	if (result)
		error_text_set(error, "cannot make %s the root directory: %s", root,
			       fault_text(-result));
	return result;
}

/* The user of the configuration, or the usual one. NULL, with 'error' filled if one was asked for.
 */
static const struct passwd *find_user(const char *user, struct error_text *error)
{
	const struct passwd *entry;

	errno = 0;
	entry = getpwnam(user ? user : DEFAULT_USER);
	if (!entry && user)
		error_text_set(error, "user %s: %s", user,
			       errno ? fault_text(errno) : "there is no such user");
	return entry;
}

int privileges_check(const struct config *config, struct error_text *error)
{
	if (geteuid() != 0 || !config->user)
		return 0;
	return find_user(config->user, error) ? 0 : -ENOENT;
}

/* As root: become the agent's user, who is looked up before the root directory changes. */
static int change_user(const char *user, const char *root, uint64_t needed,
		       struct error_text *error)
{
	const struct passwd *entry = find_user(user, error);
	int result;

	if (!entry && user)
		return -ENOENT;
	result = change_root(root, error);
	if (result)
		return result;
	result = stop_being_root(entry, needed);
	if (result != 0) {
		error_text_set(error, "cannot drop privileges%s%s (step %d)",
			       entry ? " to user " : "", entry ? entry->pw_name : "", result);
		return -EPERM;
	}
	if (!entry)
		log_notice("there is no user " DEFAULT_USER
			   ": the agent stays root, with %s capabilities",
			   needed ? "only its sources'" : "no");
	/* Nothing we might ever run gets more than we have. */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return 0;
}

int privileges_drop(const struct config *config, const char *root, struct error_text *error)
{
	const uint64_t needed = config_rights(config) | needed_for_fields(config);
	int result = 0;

	if (geteuid() == 0) {
		result = change_user(config->user, root, needed, error);
	} else if (config->user) {
		error_text_set(error, "user %s: only root can become another user", config->user);
		result = -EPERM;
	}
	if (result)
		return result;
	result = rights_keep(needed);
	if (result)
		log_warning("capabilities stay in effect: %s (let the service use capset: "
			    "SystemCallFilter=capset)",
			    fault_text(-result));
	return 0;
}
