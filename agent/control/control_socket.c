/* control_socket.c - the listening socket of control_server.h: path, mode, owner, stale sockets.
 *
 * Runs before privileges are dropped; control_server.c then serves on the descriptor. */
#include "control_server.h"
#include "defaults.h"

#include <errno.h>
#include <libgen.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_MODE    0660 /* group may read; what changes anything is checked by SO_PEERCRED */
#define DIRECTORY_MODE 0750
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
 * Elsewhere, or without that user, the owner stays as it is. */
static int give_to_agent(const char *path)
{
	const struct passwd *user = geteuid() == 0 ? getpwnam(DEFAULT_USER) : NULL;

	return user && chown(path, user->pw_uid, user->pw_gid) ? -errno : 0;
}

/* Make the directory of the socket if it is missing: systemd makes it for the service, nobody for
 * an agent started by hand. */
static int make_directory(const char *path, struct error_text *error)
{
	char copy[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *directory;

	memcpy(copy, path, strlen(path) + 1);
	directory = dirname(copy);
	if (mkdir(directory, DIRECTORY_MODE) == 0) {
		if (chmod(directory, DIRECTORY_MODE) == 0 && give_to_agent(directory) == 0)
			return 0;
	} else if (errno == EEXIST) {
		return 0;
	}
	error_text_set(error, "control socket %s: cannot make directory %s: %s", path, directory,
		       strerror(errno));
	return -errno;
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
		error_text_set(error, "control socket %s: %s", path, strerror(errno));
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
	error_text_set(error, "control socket %s: another agent is listening there", path);
	error_text_hint(error, "stop it, or name another path: --control PATH");
	return -EADDRINUSE;
}

int control_server_bind(const char *path, struct error_text *error)
{
	struct sockaddr_un address;
	int descriptor = -1;
	int result = path_parse(path, &address, error);

	if (!result)
		result = make_directory(path, error);
	if (!result)
		result = clear_path(&address, error);
	if (result)
		return result;

	/* Nobody can connect before listen(), so mode and owner are right from the first client on.
	 */
	descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (descriptor < 0 ||
	    bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    chmod(path, SOCKET_MODE) != 0 || give_to_agent(path) != 0 ||
	    listen(descriptor, BACKLOG) != 0) {
		result = -errno;
		error_text_set(error, "control socket %s: %s", path, strerror(-result));
		if (descriptor >= 0)
			(void)close(descriptor);
		return result;
	}
	return descriptor;
}
