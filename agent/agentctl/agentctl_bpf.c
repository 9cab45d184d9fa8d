/* agentctl_bpf.c - asks the kernel by bpf() itself, as agentctl has no use for libbpf; the drop-in
 * is a link, so that nothing of it has to be compared. */
#include "agentctl_bpf.h"

#include "agentctl_rules_system.h"
#include "fault_text.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char drop_in_file[] = BPF_DROP_IN;

const char *agentctl_drop_in_file(void)
{
	return drop_in_file;
}

/* A ring of one page: the youngest of what the program needs, of Linux 5.8. */
static int make_ring(void)
{
	union bpf_attr ring = { .map_type = BPF_MAP_TYPE_RINGBUF,
				.max_entries = (uint32_t)sysconf(_SC_PAGESIZE) };
	const int descriptor = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &ring, sizeof(ring));

	if (descriptor < 0)
		return -errno;
	(void)close(descriptor);
	return 0;
}

int agentctl_bpf_check(struct error_text *error)
{
	const int result = make_ring();

	if (!result)
		return 0;
	if (result == -EPERM)
		error_text_set(error, "bpf() is forbidden here, by a container or kernel lockdown: "
				      "--bpf cannot be");
	else if (result == -ENOSYS || result == -EINVAL)
		error_text_set(error,
			       "this kernel cannot do what --bpf needs: %s; it takes Linux 5.8 or "
			       "later with CONFIG_BPF_SYSCALL",
			       fault_text(-result));
	else
		error_text_set(error, "bpf() fails: %s", fault_text(-result));
	error_text_hint(error, "rules of the firewall need none of it: agentctl setup --source "
			       "nflog");
	return result;
}

bool agentctl_drop_in_is_there(void)
{
	struct stat ignored;

	return lstat(AGENTCTL_DROP_IN, &ignored) == 0;
}

/* Whether it is the link that we make. */
static bool is_own(void)
{
	char target[sizeof(drop_in_file) + 1];
	const ssize_t length = readlink(AGENTCTL_DROP_IN, target, sizeof(target));

	return length == (ssize_t)strlen(drop_in_file) &&
	       memcmp(target, drop_in_file, (size_t)length) == 0;
}

/* Have the manager read it. */
static enum agentctl_exit load(struct error_text *error)
{
	/* Of no unit. */
	return agentctl_systemctl("daemon-reload", NULL, "--quiet", error) ? AGENTCTL_DONE
									   : AGENTCTL_FAILED;
}

enum agentctl_exit agentctl_drop_in_put(bool *is_made, struct error_text *error)
{
	*is_made = false;
	if (agentctl_drop_in_is_there()) {
		if (!is_own())
			(void)fputs(AGENTCTL_DROP_IN ": somebody's own, and stays\n", stderr);
		return AGENTCTL_DONE;
	}
	if (access(drop_in_file, R_OK) != 0) {
		error_text_set(error, "%s cannot be read: %s", drop_in_file, fault_text(errno));
		error_text_hint(error, "flowagent was built without --bpf, or is not installed; "
				       "without it: agentctl setup --source nflog");
		return AGENTCTL_FAILED;
	}
	(void)mkdir(AGENTCTL_DROP_IN_DIRECTORY, 0755); /* if it is missing */
	if (symlink(drop_in_file, AGENTCTL_DROP_IN) != 0) {
		error_text_set(error, "cannot make " AGENTCTL_DROP_IN ": %s", fault_text(errno));
		return AGENTCTL_FAILED;
	}
	*is_made = true;
	return load(error);
}

enum agentctl_exit agentctl_drop_in_remove(struct error_text *error)
{
	if (!is_own())
		return AGENTCTL_DONE;
	if (unlink(AGENTCTL_DROP_IN) != 0) {
		error_text_set(error, "cannot take " AGENTCTL_DROP_IN " away: %s",
			       fault_text(errno));
		return AGENTCTL_FAILED;
	}
	(void)rmdir(AGENTCTL_DROP_IN_DIRECTORY); /* unless there are others */
	return load(error);
}
