/* handover_socket.c - both ends of a handover.
 *
 * Invariant: a descriptor belongs to the row during which it came; one without a row is closed. */
#include "handover_socket.h"

#include "control_protocol.h"
#include "fault_text.h"
#include "time_now.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GIVE_MS 5000  /* for room in the socket */
#define TAKE_MS 30000 /* between two pieces of the answer */
#define LINE    4096  /* of the answer, at most */

/* ---- giving ---- */

static int wait_for(int socket, short events, int timeout_ms)
{
	struct pollfd descriptor = { .fd = socket, .events = events };
	const int64_t until_ms = time_now_ms(CLOCK_MONOTONIC) + timeout_ms;
	int result;

	do {
		const int64_t left_ms = until_ms - time_now_ms(CLOCK_MONOTONIC);

		result = poll(&descriptor, 1, left_ms > 0 ? (int)left_ms : 0);
	} while (result < 0 && errno == EINTR);
	if (result < 0)
		return -errno;
	return result ? 0 : -ETIMEDOUT;
}

/* 'descriptor' is negative for a line without one. */
static int give(int socket, const struct control_output *line, int descriptor)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { line->bytes, line->size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent;

	if (descriptor >= 0) {
		struct cmsghdr *right = (struct cmsghdr *)(void *)control;

		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		right->cmsg_level = SOL_SOCKET;
		right->cmsg_type = SCM_RIGHTS;
		right->cmsg_len = CMSG_LEN(sizeof(descriptor));
		memcpy(CMSG_DATA(right), &descriptor, sizeof(descriptor));
	}
	while ((sent = sendmsg(socket, &message, MSG_NOSIGNAL)) < 0) {
		int result = errno == EAGAIN ? wait_for(socket, POLLOUT, GIVE_MS) : -errno;

		if (result && result != -EINTR)
			return result;
	}
	/* A line is shorter than any socket's buffer. */
	return (size_t)sent == line->size ? 0 : -EIO;
}

int handover_socket_give(int socket, const char *name, int descriptor)
{
	struct control_output line = { .bytes = NULL };
	int result = control_output_row(&line, json_pack("{s:s}", "descriptor", name));

	if (!result)
		result = give(socket, &line, descriptor);
	control_output_clear(&line);
	return result;
}

int handover_socket_give_end(int socket)
{
	struct control_output line = { .bytes = NULL };
	int result = control_output_end(&line);

	if (!result)
		result = give(socket, &line, -1);
	control_output_clear(&line);
	return result;
}

int handover_socket_await(int socket, int timeout_ms)
{
	char answer[sizeof(HANDOVER_SOCKET_TAKEN) - 1];
	const int result = wait_for(socket, POLLIN, timeout_ms);
	ssize_t size;

	if (result)
		return result;
	size = recv(socket, answer, sizeof(answer), MSG_DONTWAIT);
	if (size != (ssize_t)sizeof(answer) ||
	    memcmp(answer, HANDOVER_SOCKET_TAKEN, sizeof(answer)) != 0)
		return -EPIPE;
	return 0;
}

/* ---- taking ---- */

/* What has come of the answer. */
struct answer {
	char bytes[LINE];
	size_t size;
	int descriptor; /* of the next row, owned; negative: none */
	bool is_over;   /* its last line has come */
};

static void keep_descriptor(struct answer *answer, struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
	     part = CMSG_NXTHDR(message, part)) {
		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		if (answer->descriptor >= 0)
			(void)close(answer->descriptor);
		memcpy(&answer->descriptor, CMSG_DATA(part), sizeof(answer->descriptor));
	}
}

/* Nothing is read beyond a message with a descriptor: so that is of the line there. */
static int receive(int socket, struct answer *answer)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { answer->bytes + answer->size, sizeof(answer->bytes) - answer->size };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_LEN(sizeof(int)), /* with padding two would fit */
	};
	const int result = wait_for(socket, POLLIN, TAKE_MS);
	ssize_t size;

	if (result)
		return result;
	if (answer->size == sizeof(answer->bytes))
		return -EMSGSIZE;
	size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	if (size < 0)
		return -errno;
	keep_descriptor(answer, &message);
	if (message.msg_flags & MSG_CTRUNC)
		/* More than one, of which the kernel has closed the others; or none, as this
		 * process may not open any more. */
		return answer->descriptor >= 0 ? -EPROTO : -EMFILE;
	answer->size += (size_t)size;
	return size ? 0 : -EPIPE;
}

static int take_row(struct answer *answer, const json_t *line, struct descriptor_store *store)
{
	const char *name = json_string_value(json_object_get(line, "descriptor"));
	const int descriptor = answer->descriptor;

	if (!store || !name || descriptor < 0)
		return -EPROTO;
	answer->descriptor = -1;
	return descriptor_store_add(store, name, descriptor);
}

/* The first line of what has come, if it is whole. Returns 0, or a negative errno; 'error' is
 * filled if the line says what is wrong. */
static int take_line(struct answer *answer, struct descriptor_store *store,
		     struct error_text *error)
{
	const char *end = memchr(answer->bytes, '\n', answer->size);
	const size_t size = end ? (size_t)(end - answer->bytes) : 0;
	json_t *line;
	int result = -EPROTO;
	int code;

	if (!end)
		return 0;
	line = json_loadb(answer->bytes, size, 0, NULL);
	if (line) {
		switch (control_line_kind(line, &code, error)) {
		case CONTROL_ROW: result = take_row(answer, line, store); break;
		case CONTROL_END:
			answer->is_over = true;
			result = 0;
			break;
		case CONTROL_ERROR:
		default: result = code; break;
		}
	}
	json_decref(line);
	answer->size -= size + 1;
	memmove(answer->bytes, end + 1, answer->size);
	return result;
}

static int take_answer(int socket, struct descriptor_store *store, struct error_text *error)
{
	struct answer answer = { .descriptor = -1 };
	int result = 0;

	*error = (struct error_text){ .text = "" };
	while (!result && !answer.is_over) {
		result = receive(socket, &answer);
		while (!result && !answer.is_over && memchr(answer.bytes, '\n', answer.size))
			result = take_line(&answer, store, error);
	}
	if (answer.descriptor >= 0)
		(void)close(answer.descriptor);
	if (result && !error->text[0])
		error_text_set(error, "the agent that runs has not handed over: %s",
			       result == -EPIPE ? "it has closed the connection"
						: fault_text(-result));
	return result;
}

int handover_socket_take(int socket, const char *request, struct descriptor_store *store,
			 struct error_text *error)
{
	const size_t size = strlen(request);

	if (send(socket, request, size, MSG_NOSIGNAL) != (ssize_t)size) {
		error_text_set(error, "the agent that runs cannot be asked: %s", fault_text(errno));
		return -EIO;
	}
	return take_answer(socket, store, error);
}

int handover_socket_end(int socket, struct error_text *error)
{
	char byte;
	int result;

	if (send(socket, HANDOVER_SOCKET_TAKEN, strlen(HANDOVER_SOCKET_TAKEN), MSG_NOSIGNAL) < 0) {
		error_text_set(error, "the agent that runs continues: %s", fault_text(errno));
		return -EPIPE;
	}
	result = take_answer(socket, NULL, error);
	if (result == -EPIPE || result == -ECONNRESET)
		return 0; /* one that continues says so: this one has ended before it could answer
			   */
	/* It closes what it has at its end. */
	while (!result && wait_for(socket, POLLIN, TAKE_MS) == 0 && recv(socket, &byte, 1, 0) > 0)
		;
	return result;
}
