/* agentctl_client.c - connection to the agent; request out, lines in.
 *
 * Lines are parsed one at a time, so memory does not grow with the answer. */
#include "agentctl_client.h"

#include "control_protocol.h"
#include "defaults.h"
#include "fault_text.h"
#include "time_now.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LINE_MAX_SIZE (16u << 20) /* longer than any row: what answers is no agent */
#define READ_SIZE     65536u
#define WAIT_MAX_MS   3600000 /* of one call of poll() */
#define RETRY_MS      20

struct agentctl_client {
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int descriptor; /* owned */
	int timeout_ms;
	char *buffer; /* owned */
	size_t start; /* of what is not taken yet */
	size_t end;
	size_t capacity;
	int64_t until_ms; /* wait for answers until then; 0: 'timeout_ms' */
};

/* Whether there is something that nobody could ever listen on. */
static bool is_other_file(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && !S_ISSOCK(status.st_mode);
}

/* Exit status and words for a fault of the connection. */
static enum agentctl_exit unreachable(const char *path, int fault, struct error_text *error)
{
	if (fault == ECONNREFUSED && is_other_file(path)) {
		error_text_set(error, "cannot reach the agent at %s: it is not a socket", path);
		error_text_hint(error, "the agent's own is " DEFAULT_CONTROL_SOCKET
				       ", unless its option control names another");
		return AGENTCTL_UNREACHABLE;
	}
	error_text_set(error, "cannot reach the agent at %s: %s", path, fault_text(fault));
	if (fault == EACCES || fault == EPERM) {
		error_text_hint(error, "you are not in group _flowagent: sudo adduser $USER "
				       "_flowagent, then log in again");
		return AGENTCTL_NOT_PERMITTED;
	}
	error_text_hint(error, "is it running? systemctl status flowagent; another socket: "
			       "--socket PATH");
	return AGENTCTL_UNREACHABLE;
}

static enum agentctl_exit no_answer(const struct agentctl_client *client, struct error_text *error)
{
	error_text_set(error, "no answer from the agent at %s within %d ms", client->path,
		       client->timeout_ms);
	return AGENTCTL_TIMED_OUT;
}

/* Connect. The agent's queue of new clients may be full for a moment: that is EAGAIN here. */
static int connect_to(struct agentctl_client *client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int64_t deadline_ms = time_now_ms(CLOCK_MONOTONIC) + client->timeout_ms;

	memcpy(address.sun_path, client->path, sizeof(address.sun_path));
	while (connect(client->descriptor, (struct sockaddr *)&address, sizeof(address)) != 0) {
		if (errno != EAGAIN && errno != EINTR)
			return errno;
		if (time_now_ms(CLOCK_MONOTONIC) >= deadline_ms)
			return ETIMEDOUT;
		(void)poll(NULL, 0, RETRY_MS);
	}
	return 0;
}

enum agentctl_exit agentctl_client_open(const char *path, int64_t timeout_ms,
					struct agentctl_client **client, struct error_text *error)
{
	struct agentctl_client *new;
	enum agentctl_exit result;
	int fault;

	*client = NULL;
	if (!*path || strlen(path) >= sizeof(new->path)) {
		error_text_set(error, "--socket %s: path of %zu characters, expected 1 to %zu",
			       path, strlen(path), sizeof(new->path) - 1);
		return AGENTCTL_USAGE;
	}
	new = calloc(1, sizeof(*new));
	if (!new) {
		error_text_set(error, "out of memory");
		return AGENTCTL_FAILED;
	}
	memcpy(new->path, path, strlen(path) + 1);
	new->timeout_ms = timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms;
	new->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	fault = new->descriptor < 0 ? errno : connect_to(new);
	if (!fault) {
		*client = new;
		return AGENTCTL_DONE;
	}
	result = fault == ETIMEDOUT ? no_answer(new, error) : unreachable(path, fault, error);
	agentctl_client_close(new);
	return result;
}

void agentctl_client_wait_until(struct agentctl_client *client, int64_t until_ms)
{
	client->until_ms = until_ms;
}

void agentctl_client_close(struct agentctl_client *client)
{
	if (!client)
		return;
	if (client->descriptor >= 0)
		(void)close(client->descriptor);
	free(client->buffer);
	free(client);
}

/* Wait until the socket is ready. */
static enum agentctl_exit wait_for(const struct agentctl_client *client, short events,
				   struct error_text *error)
{
	struct pollfd poller = { .fd = client->descriptor, .events = events };
	const int64_t deadline_ms = events == POLLIN && client->until_ms
					    ? client->until_ms
					    : time_now_ms(CLOCK_MONOTONIC) + client->timeout_ms;

	for (;;) {
		int64_t left_ms = deadline_ms - time_now_ms(CLOCK_MONOTONIC);
		int ready;

		if (left_ms > WAIT_MAX_MS)
			left_ms = WAIT_MAX_MS;
		ready = poll(&poller, 1, left_ms > 0 ? (int)left_ms : 0);
		if (ready > 0)
			return AGENTCTL_DONE;
		if (ready == 0 && left_ms < WAIT_MAX_MS)
			return no_answer(client, error);
		if (ready < 0 && errno != EINTR)
			return unreachable(client->path, errno, error);
	}
}

static enum agentctl_exit send_line(const struct agentctl_client *client, const char *line,
				    struct error_text *error)
{
	size_t left = strlen(line);

	while (left > 0) {
		ssize_t sent = send(client->descriptor, line, left, MSG_NOSIGNAL);
		enum agentctl_exit result;

		if (sent > 0) {
			line += sent;
			left -= (size_t)sent;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EPIPE)
			return AGENTCTL_DONE; /* refused: why is in what it wrote before closing */
		if (errno != EAGAIN)
			return unreachable(client->path, errno, error);
		result = wait_for(client, POLLOUT, error);
		if (result)
			return result;
	}
	return AGENTCTL_DONE;
}

/* Read more bytes after those that wait. */
static enum agentctl_exit fill(struct agentctl_client *client, struct error_text *error)
{
	ssize_t got;

	if (client->start > 0) {
		memmove(client->buffer, client->buffer + client->start,
			client->end - client->start);
		client->end -= client->start;
		client->start = 0;
	}
	if (client->capacity - client->end < READ_SIZE) {
		size_t capacity = client->capacity ? 2 * client->capacity : 2 * READ_SIZE;
		char *grown = capacity <= LINE_MAX_SIZE ? realloc(client->buffer, capacity) : NULL;

		if (!grown) {
			error_text_set(error, "the agent at %s wrote a line of more than %zu bytes",
				       client->path, client->end);
			return AGENTCTL_FAILED;
		}
		client->buffer = grown;
		client->capacity = capacity;
	}
	for (;;) {
		enum agentctl_exit result;

		got = recv(client->descriptor, client->buffer + client->end,
			   client->capacity - client->end, 0);
		if (got > 0) {
			client->end += (size_t)got;
			return AGENTCTL_DONE;
		}
		if (got == 0) {
			error_text_set(
				error,
				"the agent at %s closed the connection before its answer was "
				"complete",
				client->path);
			return AGENTCTL_UNREACHABLE;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return unreachable(client->path, errno, error);
		result = wait_for(client, POLLIN, error);
		if (result)
			return result;
	}
}

/* Next line; 'text' is valid until the next call. */
static enum agentctl_exit read_line(struct agentctl_client *client, const char **text, size_t *size,
				    struct error_text *error)
{
	const char *end = NULL;

	for (size_t searched = 0; !end;) {
		size_t waiting = client->end - client->start;
		enum agentctl_exit result;

		if (waiting > searched)
			end = memchr(client->buffer + client->start + searched, '\n',
				     waiting - searched);
		if (end)
			break;
		searched = waiting;
		result = fill(client, error);
		if (result)
			return result;
	}
	*text = client->buffer + client->start;
	*size = (size_t)(end - *text);
	client->start += *size + 1;
	return AGENTCTL_DONE;
}

/* Owned by the caller. */
static enum agentctl_exit parse_line(const struct agentctl_client *client, const char *text,
				     size_t size, json_t **line, struct error_text *error)
{
	*line = json_loadb(text, size, 0, NULL);
	if (json_is_object(*line))
		return AGENTCTL_DONE;
	json_decref(*line);
	*line = NULL;
	error_text_set(error, "what the agent at %s wrote is not a JSON object", client->path);
	return AGENTCTL_FAILED;
}

/* Exit status for an error that the agent reports. */
static enum agentctl_exit exit_of(int code)
{
	switch (code) {
	case -EACCES: return AGENTCTL_NOT_PERMITTED;
	case -ETIMEDOUT: return AGENTCTL_TIMED_OUT;
	case -EINVAL:
	case -EMSGSIZE: return AGENTCTL_USAGE;
	default: return AGENTCTL_FAILED;
	}
}

static bool begins_with(const char *text, size_t size, const char *start)
{
	const size_t length = strlen(start);

	return size >= length && memcmp(text, start, length) == 0;
}

/* Whether a line is an object that is neither the end nor an error, by its first member. One that
 * may be a row all the same is parsed. */
static bool is_surely_row(const char *text, size_t size)
{
	return size > 1 && text[0] == '{' && text[size - 1] == '}' &&
	       !begins_with(text, size, "{\"end\":") && !begins_with(text, size, "{\"error\":");
}

/* How rows are taken. */
struct taker {
	agentctl_row_function *take;
	agentctl_line_function *take_line; /* NULL: rows are parsed */
	void *context;
};

static enum agentctl_exit take_text(const struct agentctl_client *client, const struct taker *taker,
				    const char *text, size_t size, bool *is_over,
				    struct error_text *error)
{
	enum agentctl_exit result;
	json_t *line;
	int code = 0;

	if (taker->take_line && is_surely_row(text, size))
		return taker->take_line(taker->context, text, size);
	result = parse_line(client, text, size, &line, error);
	if (result)
		return result;
	switch (control_line_kind(line, &code, error)) {
	case CONTROL_ROW:
		result = taker->take_line ? taker->take_line(taker->context, text, size)
					  : taker->take(taker->context, line, error);
		break;
	case CONTROL_END: *is_over = true; break;
	case CONTROL_ERROR: result = exit_of(code); break;
	}
	json_decref(line);
	return result;
}

static enum agentctl_exit ask(struct agentctl_client *client,
			      const struct control_question *question, const struct taker *taker,
			      struct error_text *error)
{
	char *request = control_question_format(question);
	enum agentctl_exit result = AGENTCTL_FAILED;
	bool is_over = false;

	if (request)
		result = send_line(client, request, error);
	else
		error_text_set(error, "out of memory");
	free(request);
	while (result == AGENTCTL_DONE && !is_over) {
		const char *text;
		size_t size;

		result = read_line(client, &text, &size, error);
		if (!result)
			result = take_text(client, taker, text, size, &is_over, error);
	}
	return result;
}

enum agentctl_exit agentctl_client_ask(struct agentctl_client *client,
				       const struct control_question *question,
				       agentctl_row_function *take, void *context,
				       struct error_text *error)
{
	return ask(client, question, &(struct taker){ .take = take, .context = context }, error);
}

enum agentctl_exit agentctl_client_run(const struct agentctl_options *options,
				       const struct control_question *question,
				       agentctl_row_function *take,
				       agentctl_line_function *take_line, void *context)
{
	const struct taker taker = { take, take_line, context };
	struct error_text error = { .text = "" };
	struct agentctl_client *client;
	int64_t timeout_ms = options->timeout_ms < 0 ? AGENTCTL_ANSWER_MS : options->timeout_ms;
	enum agentctl_exit result =
		agentctl_client_open(options->socket, timeout_ms, &client, &error);

	if (!result)
		result = ask(client, question, &taker, &error);
	agentctl_client_close(client);
	if (result)
		agentctl_print_error(&error);
	return result;
}
