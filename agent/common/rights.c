/* rights.c - capget() and capset() of the calling thread, without a library: libcap-ng keeps a
 * state of its own that is meant for one change at start. */
#include "rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

struct sets {
	uint64_t effective, permitted, inheritable;
};

static uint64_t joined(uint32_t low, uint32_t high)
{
	return low | (uint64_t)high << 32;
}

static int sets_get(struct sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } }; /* valgrind knows of the first only */

	if (syscall(SYS_capget, &header, data))
		return -errno;
	sets->effective = joined(data[0].effective, data[1].effective);
	sets->permitted = joined(data[0].permitted, data[1].permitted);
	sets->inheritable = joined(data[0].inheritable, data[1].inheritable);
	return 0;
}

static int sets_put(const struct sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct data[2] = {
		{ (uint32_t)sets->effective, (uint32_t)sets->permitted,
		  (uint32_t)sets->inheritable },
		{ (uint32_t)(sets->effective >> 32), (uint32_t)(sets->permitted >> 32),
		  (uint32_t)(sets->inheritable >> 32) },
	};

	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

/* What is not inheritable leaves the ambient set as well. */
int rights_keep(uint64_t kept)
{
	struct sets sets = { 0 };
	int result = sets_get(&sets);

	if (result || (!sets.effective && !(sets.permitted & ~kept) && !sets.inheritable))
		return result;
	sets.permitted &= kept;
	sets.effective = sets.inheritable = 0;
	return sets_put(&sets);
}

bool rights_has(uint64_t rights)
{
	struct sets sets = { 0 };

	return sets_get(&sets) == 0 && (sets.effective & rights) == rights;
}

bool rights_are_kept(uint64_t rights)
{
	struct sets sets = { 0 };

	return sets_get(&sets) == 0 && (sets.permitted & rights) == rights;
}

struct rights_section rights_raise(void)
{
	struct rights_section before = { .has_changed = false };
	const int error = errno;
	struct sets sets = { 0 };

	if (sets_get(&sets) == 0 && (sets.permitted & ~sets.effective)) {
		before.effective = sets.effective;
		sets.effective = sets.permitted;
		before.has_changed = sets_put(&sets) == 0;
	}
	errno = error;
	return before;
}

void rights_restore(struct rights_section before)
{
	const int error = errno;
	struct sets sets = { 0 };

	if (before.has_changed && sets_get(&sets) == 0) {
		sets.effective = before.effective;
		(void)sets_put(&sets);
	}
	errno = error;
}
