/* control_handover.c - gives a running pipeline to the agent at the other end of the socket.
 *
 * Invariant: this agent's sources and flows are its own until the other one has said that it has
 * taken them over; then they are the other one's, whatever happens. With them goes the control
 * socket, which clients find at its path all the time. */
#include "control_handover.h"

#include "fault_text.h"
#include "handover_socket.h"
#include "handover_state.h"
#include "log.h"
#include "pipeline.h"

#include <errno.h>
#include <stdlib.h>

#define TAKE_MS 20000 /* for the other agent to open what it needs */

int control_handover_begin(struct control_job *job, const struct control_request *request,
			   struct error_text *error)
{
	const json_t *state = json_object_get(request->json, "state");
	const json_int_t version = json_integer_value(state);

	if (!job->context->hand_over) {
		error_text_set(error, "this agent does not hand over");
		return -EOPNOTSUPP;
	}
	if (getenv("NOTIFY_SOCKET")) {
		error_text_set(error, "this agent is a service, which its manager would start "
				      "again");
		error_text_hint(error, "systemctl restart hands over as well");
		return -EOPNOTSUPP;
	}
	if (version == HANDOVER_STATE_VERSION)
		return 0;
	error_text_set(error,
		       "this agent, flowagent %s, hands over version %d of its state, the other "
		       "one expects version %d",
		       FLOWAGENT_VERSION, HANDOVER_STATE_VERSION, (int)version);
	return -EPROTONOSUPPORT;
}

static int give(void *context, const char *name, int descriptor)
{
	const int *socket = context;

	return handover_socket_give(*socket, name, descriptor);
}

/* Returns 0 once all is the other agent's. */
static int give_all(const struct control_context *context, int socket)
{
	int result = pipeline_give(context->pipeline, give, &socket);

	if (!result)
		result = handover_socket_give(socket, HANDOVER_SOCKET_CONTROL, context->listening);
	if (!result)
		result = handover_socket_give_end(socket);
	return result ? result : handover_socket_await(socket, TAKE_MS);
}

int control_handover_step(struct control_job *job, struct control_output *output,
			  struct error_text *error)
{
	struct pipeline *pipeline = job->context->pipeline;
	int result = pipeline_rest(pipeline, error);

	(void)output;
	if (result)
		return result;
	log_info("handing over to the agent that takes this one's place");
	result = give_all(job->context, job->socket);
	if (!result) {
		pipeline_end_at_rest(pipeline);
		job->context->hand_over(job->context->owner, job->socket);
		return 0;
	}
	pipeline_go_on(pipeline);
	error_text_set(error, "not taken over: %s",
		       result == -EPIPE ? "the other agent has ended" : fault_text(-result));
	log_warning("%s; this one continues", error->text);
	return result;
}
