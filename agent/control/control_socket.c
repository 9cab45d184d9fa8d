/* control_socket.c - the listening socket of control_server.h: path, mode, owner, stale sockets.
 *
 * Place: flowagent.c -> here -> control_server.c.
 *
 * Runs before privileges are dropped; control_server.c then serves on the descriptor. Invariant:
 * root changes mode and owner of nothing by a path that somebody else can make lead elsewhere: in a
 * place of the agent's user it acts as that user, and elsewhere by descriptor (place.h). */
#include "control_server.h"

#include "fault_text.h"
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_MODE    0660 /* group may read; what changes anything is checked by SO_PEERCRED */
#define DIRECTORY_MODE 0750
#define SOCKET_UMASK   0117 /* bind() makes 0777 less these */
#define OTHERS_UMASK   0027
#define BACKLOG        32

static int path_parse(const char *path, struct sockaddr_un *address, struct error_text *error)
{
	size_t length = strlen(path);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (length == 0 || length >= sizeof(address->sun_path)) {
		error_text_set(error,
			       "control socket %s: path of %zu characters, expected 1 to %zu", path,
			       length, sizeof(address->sun_path) - 1);
		return -ENAMETOOLONG;
	}
	memcpy(address->sun_path, path, length + 1);
	return 0;
}

/* Started as root, what we make belongs to the agent's user, who must be able to remove it later.
 * 'path' is a socket, or nothing: a link is not followed. Returns 0 or a negative errno. */
static int give_to_agent(const struct place *place, const char *path, mode_t kind)
{
	struct stat status;
	int descriptor;
	int result;

	if (!place->has_user || place->is_entered)
		return 0;
	descriptor = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (descriptor < 0)
		return -errno;
	result = fstat(descriptor, &status) == 0 && (status.st_mode & S_IFMT) == kind &&
				 status.st_uid == geteuid()
			 ? place_give(place, descriptor)
			 : -EEXIST;
	(void)close(descriptor);
	return result;
}

/* Make the directory of the socket if it is missing: systemd makes it for the service, nobody for
 * an agent started by hand. */
static int make_directory(struct place *place, const char *path, struct error_text *error)
{
	char copy[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *directory;
	mode_t before;
	int result;

	memcpy(copy, path, strlen(path) + 1);
	directory = dirname(copy);
	place_enter(place, directory);
	before = umask(OTHERS_UMASK);
	result = mkdir(directory, DIRECTORY_MODE) == 0 ? 0 : -errno;
	(void)umask(before);
	if (!result)
		result = give_to_agent(place, directory, S_IFDIR);
	else if (result == -EEXIST)
		result = 0;
	place_leave(place);
	if (result)
		error_text_set(error, "control socket %s: cannot make directory %s: %s", path,
			       directory, fault_text(-result));
	return result;
}

/* Remove a socket that nobody listens on any more. */
static int clear_path(const struct sockaddr_un *address, struct error_text *error)
{
	const char *path = address->sun_path;
	struct stat status;
	int probe;
	int fault;

	if (lstat(path, &status) != 0)
		return 0; /* bind() reports what else is wrong */
	if (!S_ISSOCK(status.st_mode)) {
		error_text_set(error, "control socket %s: a file of another kind is in its place",
			       path);
		return -EEXIST;
	}
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe < 0) {
		error_text_set(error, "control socket %s: %s", path, fault_text(errno));
		return -errno;
	}
	fault = connect(probe, (const struct sockaddr *)address, sizeof(*address)) ? errno : 0;
	(void)close(probe);
	if (fault == ECONNREFUSED) {
		(void)unlink(path);
		return 0;
	}
	if (fault == ENOENT)
		return 0;
	if (fault && fault != EAGAIN) { /* that is a full queue: somebody listens */
		error_text_set(error, "control socket %s: the one that is there: %s", path,
			       fault_text(fault));
		return -fault;
	}
	error_text_set(error, "control socket %s: another agent is listening there", path);
	error_text_hint(error, "stop it, or name another path: --control PATH");
	return -EADDRINUSE;
}

/* Bind and listen. The mode is right from bind() on, and nobody can connect before listen(), when
 * the owner is as well. Returns the descriptor or a negative errno. */
static int listen_on(const struct place *place, const struct sockaddr_un *address)
{
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t before;
	int result;

	if (descriptor < 0)
		return -errno;
	before = umask(SOCKET_UMASK);
	result = bind(descriptor, (const struct sockaddr *)address, sizeof(*address)) ? -errno : 0;
	(void)umask(before);
	if (!result)
		result = give_to_agent(place, address->sun_path, S_IFSOCK);
	if (!result)
		result = listen(descriptor, BACKLOG) ? -errno : 0;
	if (!result)
		return descriptor;
	(void)close(descriptor);
	return result;
}

int control_server_bind(const char *path, const char *user, struct error_text *error)
{
	struct place place = place_of(user);
	struct sockaddr_un address;
	int result = path_parse(path, &address, error);

	if (!result)
		result = make_directory(&place, path, error);
	if (result)
		return result;
	place_enter(&place, path);
	result = clear_path(&address, error);
	if (!result) {
		result = listen_on(&place, &address);
		if (result < 0)
			error_text_set(error, "control socket %s: %s", path, fault_text(-result));
	}
	place_leave(&place);
	return result;
}
