/* control_reload.c - requests to read or change the configuration -> rows of what has changed.
 *
 * Place: control socket -> reload.c. A reload is done within one step: nobody sees half of it. */
#include "control_reload.h"

#include "json_text.h"
#include "reload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static json_t *text_or_null(const char *text)
{
	return text ? json_text(text) : json_null();
}

static int write_changes(const struct config_changes *changes, struct control_output *output)
{
	int result = 0;

	for (size_t i = 0; !result && i < changes->count; i++) {
		const struct config_change *change = &changes->changes[i];

		result = control_output_row(
			output, json_pack("{s:o, s:o, s:o, s:b}", "name", json_text(change->name),
					  "before", text_or_null(change->before), "after",
					  text_or_null(change->after), "needs_restart",
					  change->needs_restart));
	}
	return result;
}

static int refuse(struct error_text *error)
{
	error_text_set(error, "this agent cannot read its configuration again");
	return -EIO;
}

/* Rows, or what has gone wrong: the output is the smaller thing. */
static int answer(int result, struct config_changes *changes, struct control_output *output,
		  struct error_text *error)
{
	if (!result && write_changes(changes, output)) {
		error_text_set(error, "the agent is out of memory for this answer; what was asked "
				      "for is done");
		result = -ENOMEM;
	}
	config_changes_clear(changes);
	return result;
}

int control_reload_step(struct control_job *job, struct control_output *output,
			struct error_text *error)
{
	struct config_changes changes;

	if (!job->context->reload)
		return refuse(error);
	return answer(reload_files(job->context->reload, &changes, error), &changes, output, error);
}

int control_set_begin(struct control_job *job, const struct control_request *request,
		      struct error_text *error)
{
	const char *name = json_string_value(json_object_get(request->json, "name"));
	const char *value = json_string_value(json_object_get(request->json, "value"));
	struct config_override *setting;

	if (!name || !value) {
		error_text_set(error, "set: \"name\" and \"value\" must be texts");
		return -EINVAL;
	}
	setting = calloc(1, sizeof(*setting));
	job->state = setting;
	if (setting) {
		setting->name = strdup(name);
		setting->value = strdup(value);
	}
	if (setting && setting->name && setting->value)
		return 0;
	control_set_clear(job);
	error_text_set(error, "the agent is out of memory for this request");
	return -ENOMEM;
}

int control_set_step(struct control_job *job, struct control_output *output,
		     struct error_text *error)
{
	struct config_changes changes;

	if (!job->context->reload)
		return refuse(error);
	return answer(reload_set(job->context->reload, job->state, &changes, error), &changes,
		      output, error);
}

void control_set_clear(struct control_job *job)
{
	struct config_override *setting = job->state;

	if (setting) {
		free(setting->name);
		free(setting->value);
	}
	free(setting);
	job->state = NULL;
}
