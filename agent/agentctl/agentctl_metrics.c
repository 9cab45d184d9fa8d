/* agentctl_metrics.c - the command `metrics`, and one answer of HTTP for it.
 *
 * HTTP is here, in a process of its own for each scrape (flowagent-metrics.socket), so that the
 * agent never reads a byte of it. */
#include "agentctl_metrics.h"

#include "agentctl_client.h"
#include "control_protocol.h"
#include "time_now.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REQUEST_SIZE 8192
#define REQUEST_MS   5000

static enum agentctl_exit take_status(void *context, json_t *row, struct error_text *error)
{
	(void)error;
	json_decref(*(json_t **)context);
	*(json_t **)context = json_incref(row);
	return AGENTCTL_DONE;
}

/* The row of show-status, owned by the caller; NULL with 'result' and the error filled. */
static json_t *ask(const struct agentctl_options *options, enum agentctl_exit *result,
		   struct error_text *error)
{
	struct agentctl_client *client;
	json_t *status = NULL;

	*result = agentctl_client_open(
		options->socket, options->timeout_ms < 0 ? AGENTCTL_ANSWER_MS : options->timeout_ms,
		&client, error);
	if (*result)
		return NULL;
	*result =
		agentctl_client_ask(client, &(struct control_question){ .command = "show-status" },
				    take_status, &status, error);
	agentctl_client_close(client);
	if (!*result && !status) {
		error_text_set(error, "the agent gave no answer");
		*result = AGENTCTL_FAILED;
	}
	if (!*result)
		return status;
	json_decref(status);
	return NULL;
}

/* Read the head of a request; false if it does not end in time, or is too long. */
static bool read_request(char request[static REQUEST_SIZE])
{
	const int64_t deadline_ms = time_now_ms(CLOCK_MONOTONIC) + REQUEST_MS;
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	size_t used = 0;

	while (used + 1 < REQUEST_SIZE) {
		const int64_t left_ms = deadline_ms - time_now_ms(CLOCK_MONOTONIC);
		ssize_t got;

		if (left_ms <= 0 || poll(&input, 1, (int)left_ms) <= 0)
			return false;
		got = read(STDIN_FILENO, request + used, REQUEST_SIZE - 1 - used);
		if (got <= 0)
			return false;
		used += (size_t)got;
		request[used] = '\0';
		if (strstr(request, "\r\n\r\n") || strstr(request, "\n\n"))
			return true;
	}
	return false;
}

static void answer(const char *status, const char *type, const char *body, size_t size,
		   bool has_body)
{
	(void)printf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		     "Connection: close\r\n\r\n",
		     status, type, size);
	if (has_body)
		(void)fwrite(body, 1, size, stdout);
}

static enum agentctl_exit refuse(const char *status, const char *text)
{
	answer(status, "text/plain; charset=utf-8", text, strlen(text), true);
	return AGENTCTL_DONE;
}

/* The metrics as text in memory, for free(); NULL if memory is short. */
static char *text_of(const json_t *status, enum agentctl_metrics_format format, size_t *size)
{
	char *text = NULL;
	FILE *memory = open_memstream(&text, size);

	if (!memory)
		return NULL;
	agentctl_metrics_write(memory, status, format);
	if (fclose(memory) == 0)
		return text;
	free(text);
	return NULL;
}

/* Answer one request. What is wrong with it, or with the agent, is an answer, too. */
static enum agentctl_exit serve(const struct agentctl_options *options)
{
	char request[REQUEST_SIZE];
	const char *target;
	struct error_text error = { .text = "" };
	enum agentctl_metrics_format format = METRICS_TEXT;
	enum agentctl_exit result;
	json_t *status;
	char *text;
	size_t size;
	bool is_head;

	if (!read_request(request))
		return refuse("400 Bad Request", "expected a request of HTTP within 5 s\n");
	is_head = strncmp(request, "HEAD ", 5) == 0;
	if (!is_head && strncmp(request, "GET ", 4) != 0)
		return refuse("405 Method Not Allowed", "expected GET\n");
	target = strchr(request, ' ');
	if (!target || strncmp(target, " /metrics", 9) != 0)
		return refuse("404 Not Found", "expected /metrics\n");
	if (strstr(request, "application/openmetrics-text"))
		format = METRICS_OPENMETRICS;
	status = ask(options, &result, &error);
	if (!status)
		return refuse("503 Service Unavailable", error.text);
	text = text_of(status, format, &size);
	json_decref(status);
	if (!text)
		return refuse("500 Internal Server Error", "out of memory\n");
	answer("200 OK",
	       format == METRICS_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8",
	       text, size, !is_head);
	free(text);
	return AGENTCTL_DONE;
}

enum agentctl_exit agentctl_metrics(const struct agentctl_command *command,
				    const struct agentctl_options *options)
{
	struct error_text error = { .text = "" };
	enum agentctl_exit result;
	json_t *status;

	(void)command;
	if (options->is_http)
		return serve(options);
	status = ask(options, &result, &error);
	if (status)
		agentctl_metrics_write(stdout, status, METRICS_TEXT);
	json_decref(status);
	agentctl_print_error(&error);
	return result;
}
