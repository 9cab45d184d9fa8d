/* control_protocol.c - framing of the control socket: requests in, rows and final lines out.
 *
 * No socket, clock or state: bytes and values come in as arguments, so both ends and the fuzzer use
 * the same code. */
#include "control_protocol.h"

#include "json_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Codes are part of the protocol and never change; the first row is what stands for the rest. */
static const struct {
	int error;
	const char *code;
} error_codes[] = {
	{ -EIO, "failed" },
	{ -EINVAL, "bad-request" },
	{ -EMSGSIZE, "too-long" },
	{ -EPROTONOSUPPORT, "bad-version" },
	{ -ENOSYS, "unknown-command" },
	{ -EACCES, "not-permitted" },
	{ -ETIMEDOUT, "timed-out" },
	{ -EBUSY, "busy" },
	{ -ENOMEM, "no-memory" },
};

#define ERROR_CODE_COUNT (sizeof(error_codes) / sizeof(error_codes[0]))

const char *control_error_code(int error)
{
	for (size_t i = 0; i < ERROR_CODE_COUNT; i++)
		if (error_codes[i].error == error)
			return error_codes[i].code;
	return error_codes[0].code;
}

static int error_of_code(const char *code)
{
	for (size_t i = 0; i < ERROR_CODE_COUNT; i++)
		if (strcmp(error_codes[i].code, code) == 0)
			return error_codes[i].error;
	return error_codes[0].error;
}

static int parse_command(struct control_request *request, struct error_text *error)
{
	const char *command = json_string_value(json_object_get(request->json, "cmd"));

	if (!command || !*command) {
		error_text_set(error, "request without a command: \"cmd\" must be a text");
		return -EINVAL;
	}
	if (strlen(command) >= sizeof(request->command)) {
		error_text_set(error, "command of %zu characters: at most %d are expected",
			       strlen(command), CONTROL_COMMAND_SIZE - 1);
		return -EINVAL;
	}
	memcpy(request->command, command, strlen(command) + 1);
	return 0;
}

static int parse_filter(struct control_request *request, struct error_text *error)
{
	const json_t *filter = json_object_get(request->json, "filter");

	if (!filter)
		return 0;
	if (!json_is_array(filter) || json_array_size(filter) > CONTROL_FILTER_WORDS) {
		error_text_set(error, "\"filter\" must be an array of at most %d words",
			       CONTROL_FILTER_WORDS);
		return -EINVAL;
	}
	request->filter_count = json_array_size(filter);
	for (size_t i = 0; i < request->filter_count; i++) {
		request->filter[i] = json_string_value(json_array_get(filter, i));
		if (!request->filter[i]) {
			error_text_set(error, "word %zu of \"filter\" is not a text", i + 1);
			return -EINVAL;
		}
	}
	return 0;
}

static int check_version(const struct control_request *request, struct error_text *error)
{
	const json_t *version = json_object_get(request->json, "v");

	if (json_is_integer(version) && json_integer_value(version) == CONTROL_VERSION)
		return 0;
	error_text_set(error, "request of another version: \"v\" must be %d", CONTROL_VERSION);
	error_text_hint(error, "use the agentctl that came with this agent (%s)",
			FLOWAGENT_VERSION);
	return -EPROTONOSUPPORT;
}

int control_request_parse(const uint8_t *bytes, size_t size, struct control_request *request,
			  struct error_text *error)
{
	json_error_t fault;
	int result;

	*request = (struct control_request){ .filter_count = 0 };
	if (size >= CONTROL_REQUEST_SIZE) {
		error_text_set(error, "request of more than %d bytes", CONTROL_REQUEST_SIZE - 1);
		return -EMSGSIZE;
	}
	request->json = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, &fault);
	if (!request->json && !fault.text[0]) { /* jansson says nothing of memory */
		error_text_set(error, "no memory for the request");
		return -ENOMEM;
	}
	if (!json_is_object(request->json)) {
		error_text_set(error, "request is not a JSON object on one line%s%s",
			       request->json ? "" : ": ", request->json ? "" : fault.text);
		control_request_clear(request);
		return -EINVAL;
	}
	result = check_version(request, error);
	if (!result)
		result = parse_command(request, error);
	if (!result)
		result = parse_filter(request, error);
	if (result)
		control_request_clear(request);
	return result;
}

void control_request_clear(struct control_request *request)
{
	json_decref(request->json);
	*request = (struct control_request){ .filter_count = 0 };
}

/* Add an array of texts; nothing if it is empty. Returns 0 or -1. */
static int add_words(json_t *request, const char *name, const char *const *words, size_t count)
{
	json_t *array = count ? json_array() : NULL;

	if (!count)
		return 0;
	for (size_t i = 0; array && i < count; i++) {
		if (json_array_append_new(array, json_text(words[i]))) {
			json_decref(array);
			array = NULL;
		}
	}
	return json_object_set_new(request, name, array);
}

static int add_text(json_t *request, const char *name, const char *text)
{
	return text ? json_object_set_new(request, name, json_text(text)) : 0;
}

char *control_question_format(const struct control_question *question)
{
	json_t *request =
		json_pack("{s:i, s:o}", "v", CONTROL_VERSION, "cmd", json_text(question->command));
	char *line = NULL;
	size_t size;

	if (!request || add_words(request, "filter", question->filter, question->filter_count) ||
	    add_words(request, "members", question->members, question->member_count) ||
	    add_text(request, "sort", question->sort) || add_text(request, "by", question->by) ||
	    add_text(request, "name", question->name) ||
	    add_text(request, "value", question->value) ||
	    (question->top &&
	     json_object_set_new(request, "top", json_integer((json_int_t)question->top))))
		goto out;
	size = json_dumpb(request, NULL, 0, JSON_TEXT_FLAGS);
	line = size ? malloc(size + 2) : NULL;
	if (line) {
		(void)json_dumpb(request, line, size, JSON_TEXT_FLAGS);
		memcpy(line + size, "\n", 2);
	}
out:
	json_decref(request);
	return line;
}

enum control_line control_line_kind(const json_t *line, int *code, struct error_text *error)
{
	const json_t *fault = json_object_get(line, "error");
	const char *name = json_string_value(json_object_get(fault, "code"));
	const char *text = json_string_value(json_object_get(fault, "text"));
	const char *hint = json_string_value(json_object_get(fault, "hint"));

	if (json_is_true(json_object_get(line, "end")))
		return CONTROL_END;
	if (!json_is_object(fault))
		return CONTROL_ROW;
	*code = error_of_code(name ? name : "");
	error_text_set(error, "%s", text ? text : "the agent gives no reason");
	if (hint)
		error_text_hint(error, "%s", hint);
	return CONTROL_ERROR;
}

static int reserve(struct control_output *output, size_t size)
{
	size_t capacity = output->capacity ? output->capacity : 4096;
	char *grown;

	if (output->capacity - output->size >= size)
		return 0;
	while (capacity - output->size < size)
		capacity *= 2;
	grown = realloc(output->bytes, capacity);
	if (!grown)
		return -ENOMEM;
	output->bytes = grown;
	output->capacity = capacity;
	return 0;
}

/* jansson hands its text over in pieces. */
static int append(const char *bytes, size_t size, void *context)
{
	struct control_output *output = context;

	if (reserve(output, size))
		return -1;
	memcpy(output->bytes + output->size, bytes, size);
	output->size += size;
	return 0;
}

/* Append a line; all of it or nothing. */
static int append_line(struct control_output *output, json_t *line)
{
	size_t size = output->size;
	int result = 0;

	if (!line || json_dump_callback(line, append, output, JSON_TEXT_FLAGS) ||
	    append("\n", 1, output)) {
		output->size = size;
		result = -ENOMEM;
	}
	json_decref(line);
	return result;
}

int control_output_row(struct control_output *output, json_t *row)
{
	int result = append_line(output, row);

	if (!result)
		output->rows++;
	return result;
}

char *control_output_reserve(struct control_output *output, size_t size)
{
	return reserve(output, size + 1) ? NULL : output->bytes + output->size;
}

void control_output_commit(struct control_output *output, size_t size)
{
	output->bytes[output->size + size] = '\n';
	output->size += size + 1;
	output->rows++;
}

int control_output_end(struct control_output *output)
{
	json_int_t rows = (json_int_t)output->rows;

	output->rows = 0;
	return append_line(output, json_pack("{s:b, s:I}", "end", 1, "rows", rows));
}

int control_output_error(struct control_output *output, int code, const struct error_text *error)
{
	output->rows = 0;
	return append_line(
		output, json_pack("{s:{s:s, s:o, s:o}}", "error", "code", control_error_code(code),
				  "text", json_text(error->text), "hint", json_text(error->hint)));
}

void control_output_clear(struct control_output *output)
{
	free(output->bytes);
	*output = (struct control_output){ .bytes = NULL };
}
