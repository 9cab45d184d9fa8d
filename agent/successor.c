/* successor.c - the request for a handover.
 *
 * Invariant: the other agent continues if this one ends before successor_end(). */
#include "successor.h"

#include "config_options.h"
#include "defaults.h"
#include "fault_text.h"
#include "handover_socket.h"
#include "handover_state.h"
#include "pipeline_handover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int connect_to(const char *path, struct error_text *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fault = 0;

	if (strlen(path) >= sizeof(address.sun_path))
		fault = ENAMETOOLONG;
	else
		memcpy(address.sun_path, path, strlen(path) + 1);
	if (descriptor < 0)
		fault = errno;
	if (!fault && connect(descriptor, (const struct sockaddr *)&address, sizeof(address)))
		fault = errno;
	if (!fault)
		return descriptor;
	error_text_set(error, "--handover: no agent can be asked at %s: %s", path,
		       fault_text(fault));
	if (fault == ENOENT || fault == ECONNREFUSED)
		error_text_hint(error, "without --handover an agent starts anew; --control names "
				       "the socket of another one");
	if (descriptor >= 0)
		(void)close(descriptor);
	return -fault;
}

static int check(const struct config *config, struct error_text *error)
{
	if (getenv("NOTIFY_SOCKET"))
		error_text_set(error, "--handover: this is a service; systemctl restart hands over "
				      "by itself");
	else if (!config->sources[0].type->is_live)
		error_text_set(error, "--handover: files are not handed over");
	else if (config->control && strcmp(config->control, "none") == 0)
		error_text_set(error, "--handover: there is no agent to be asked with --control "
				      "none");
	else
		return 0;
	return -EINVAL;
}

/* To collectors this is the same agent, whatever its machine's number would be today. */
static void continue_source_id(struct config *config, const struct descriptor_store *store)
{
	const int descriptor = descriptor_store_look(store, PIPELINE_HANDOVER_STATE);
	struct handover_state state;
	struct reader body;

	if (config->origins[OPTION_source_id].file || descriptor < 0 ||
	    handover_state_map(&state, descriptor))
		return;
	if (handover_state_find(state.bytes, state.size, HANDOVER_source_id, "", &body) &&
	    reader_left(&body) == 4) {
		config->source_id = reader_u32(&body);
		config->identity.has_moved = false;
	}
	handover_state_clear(&state);
}

int successor_control(struct descriptor_store *store, struct error_text *error)
{
	const int descriptor = descriptor_store_take(store, HANDOVER_SOCKET_CONTROL);

	if (descriptor >= 0)
		return descriptor;
	error_text_set(error, "--handover: the agent that runs is of an earlier version");
	error_text_hint(error, "stop it, and start this one without --handover");
	return -EPROTONOSUPPORT;
}

int successor_begin(struct config *config, struct descriptor_store *store, struct error_text *error)
{
	const char *path = config->control ? config->control : DEFAULT_CONTROL_SOCKET;
	struct error_text reason = { .text = "" };
	char request[64];
	int result = config->takes_over ? check(config, error) : 0;
	int descriptor;

	if (result || !config->takes_over)
		return result;
	descriptor = connect_to(path, error);
	if (descriptor < 0)
		return descriptor;
	(void)snprintf(request, sizeof(request), "{\"v\":1,\"cmd\":\"handover\",\"state\":%d}\n",
		       HANDOVER_STATE_VERSION);
	result = handover_socket_take(descriptor, request, store, &reason);
	if (!result) {
		continue_source_id(config, store);
		return descriptor;
	}
	error_text_set(error, "--handover: %s: %s", path, reason.text);
	error_text_hint(error, "%s", reason.hint);
	(void)close(descriptor);
	return result;
}

int successor_end(int socket, struct error_text *error)
{
	struct error_text reason = { .text = "" };
	int result;

	if (!socket)
		return 0;
	result = handover_socket_end(socket, &reason);
	(void)close(socket);
	if (!result)
		return 0;
	error_text_set(error, "--handover: %s", reason.text);
	return result;
}
