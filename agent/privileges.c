/* privileges.c - drops root by libcap-ng. */
#include "privileges.h"

#include "defaults.h"
#include "log.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void choose_capabilities(bool is_live)
{
	capng_clear(CAPNG_SELECT_BOTH);
	if (is_live)
		(void)capng_updatev(CAPNG_ADD, (capng_type_t)(CAPNG_EFFECTIVE | CAPNG_PERMITTED),
				    CAP_NET_ADMIN, CAP_NET_RAW, -1);
}

int privileges_drop(const char *user, bool is_live, struct error_text *error)
{
	const struct passwd *entry;
	int result;

	if (geteuid() != 0) {
		if (!user)
			return 0;
		error_text_set(error, "user %s: only root can become another user", user);
		return -EPERM;
	}
	errno = 0;
	entry = getpwnam(user ? user : DEFAULT_USER);
	if (!entry && user) {
		error_text_set(error, "user %s: %s", user,
			       errno ? strerror(errno) : "there is no such user");
		return -ENOENT;
	}
	choose_capabilities(is_live);
	if (entry)
		result = capng_change_id(
			(int)entry->pw_uid, (int)entry->pw_gid,
			(capng_flags_t)(CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING));
	else
		result = capng_apply(CAPNG_SELECT_BOTH);
	if (result != 0) {
		error_text_set(error, "cannot drop privileges%s%s (step %d)",
			       entry ? " to user " : "", entry ? entry->pw_name : "", result);
		return -EPERM;
	}
	if (!entry)
		log_notice("there is no user " DEFAULT_USER
			   ": the agent stays root, with %s capabilities",
			   is_live ? "only the network's" : "no");
	/* Nothing we might ever run gets more than we have. */
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return 0;
}
