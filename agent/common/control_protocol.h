/* control_protocol.h - what goes over the control socket; shared by the daemon and agentctl.
 *
 * Place: the daemon's control_server.c <-> here <-> agentctl_client.c.
 *
 * One JSON object per line in both directions. A request is {"v":1,"cmd":"show-flows",...}; unknown
 * members are ignored. The answer is any number of rows and then one line that ends it:
 *     {"end":true,"rows":N}    or    {"error":{"code":"...","text":"...","hint":"..."}}
 * A row never has a member "end" that is true or a member "error" that is an object. */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#include "error_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#define CONTROL_VERSION      1
#define CONTROL_REQUEST_SIZE 65536 /* bytes of a request at most, with its newline */
#define CONTROL_COMMAND_SIZE 32    /* with the final NUL */
#define CONTROL_FILTER_WORDS 64

/* A request, checked. */
struct control_request {
	char command[CONTROL_COMMAND_SIZE];
	const char *filter[CONTROL_FILTER_WORDS]; /* borrowed from 'json' */
	size_t filter_count;
	json_t *json; /* owned; for members that only one command knows */
};

/* Parse one line, without its newline. A pure function of the bytes. Returns 0; -EINVAL (not JSON,
 * no command, a member of a wrong type), -EPROTONOSUPPORT (version), -EMSGSIZE or -ENOMEM, with
 * 'error' filled and nothing to clear. */
int control_request_parse(const uint8_t *bytes, size_t size, struct control_request *request,
			  struct error_text *error);
void control_request_clear(struct control_request *request);

/* What a client asks; members that are NULL or 0 are left out. */
struct control_question {
	const char *command;
	const char *const *filter;
	size_t filter_count;
	/* Of show-flows: control_flows.h. */
	const char *const *members;
	size_t member_count;
	const char *sort;
	uint64_t top;
	const char *by;
	/* Of set. */
	const char *name;
	const char *value;
};

/* New request as a line with its newline, for free(); NULL if memory is short. */
char *control_question_format(const struct control_question *question);

/* Code of an error as it goes over the wire, such as "not-permitted" for -EACCES; static storage.
 */
const char *control_error_code(int error);

/* What a line of an answer is. */
enum control_line { CONTROL_ROW, CONTROL_END, CONTROL_ERROR };

/* Find out what kind a line is. For CONTROL_ERROR, 'error' gets text and hint and 'code' the
 * negative errno that control_error_code() was given (-EIO for a code that is not known). */
enum control_line control_line_kind(const json_t *line, int *code, struct error_text *error);

/* Lines on their way to a client. Grows as needed; the server bounds it by asking for more rows
 * only when it is empty. */
struct control_output {
	char *bytes; /* owned */
	size_t size;
	size_t capacity;
	uint64_t rows; /* of the answer under way */
};

/* Append a row and take 'row' in any case (NULL counts as memory shortage). Returns 0 or -ENOMEM
 * with the output unchanged. */
int control_output_row(struct control_output *output, json_t *row);
/* Room for a row that is written as text, 'size' bytes at most. NULL if memory is short. */
char *control_output_reserve(struct control_output *output, size_t size);
/* The row written into that room has 'size' bytes; its newline is added. */
void control_output_commit(struct control_output *output, size_t size);
/* Append the line that ends an answer. */
int control_output_end(struct control_output *output);
int control_output_error(struct control_output *output, int code, const struct error_text *error);
void control_output_clear(struct control_output *output);

#endif
