/* control_commands.c - the table of commands, and those that are one question to the pipeline.
 *
 * `show-flows`, `show-interfaces` and `show-asn` have files of their own; the rows
 * about sources, collectors and the ledger are made in control_rows.c. */
#include "control_commands.h"

#include "control_asn.h"
#include "control_flows.h"
#include "control_handover.h"
#include "control_interfaces.h"
#include "control_reload.h"
#include "config.h"
#include "control_rows.h"
#include "control_watch.h"
#include "encoder.h"
#include "fault_text.h"
#include "pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Say why the pipeline did not do something. */
static int pipeline_fault(int fault, const char *what, struct error_text *error)
{
	if (fault == -ETIMEDOUT)
		error_text_set(error, "cannot %s: a thread of the agent did not answer within 1 s",
			       what);
	else
		error_text_set(error, "cannot %s: %s", what, fault_text(-fault));
	return fault;
}

static int out_of_memory(struct error_text *error)
{
	error_text_set(error, "the agent is out of memory for this answer");
	return -ENOMEM;
}

/* Take a snapshot, write rows of it, free it. */
static int write_snapshot(struct control_job *job, struct control_output *output,
			  struct error_text *error,
			  int (*write)(const struct control_context *context,
				       const struct pipeline_snapshot *snapshot,
				       struct control_output *output))
{
	struct pipeline_snapshot snapshot;
	int result = pipeline_snapshot(job->context->pipeline, &snapshot);

	if (result)
		return pipeline_fault(result, "read the counters", error);
	result = write(job->context, &snapshot, output);
	pipeline_snapshot_clear(&snapshot);
	return result ? out_of_memory(error) : 0;
}

static int show_status(struct control_job *job, struct control_output *output,
		       struct error_text *error)
{
	return write_snapshot(job, output, error, control_write_status);
}

static int show_stats(struct control_job *job, struct control_output *output,
		      struct error_text *error)
{
	return write_snapshot(job, output, error, control_write_stats);
}

static int show_sources(struct control_job *job, struct control_output *output,
			struct error_text *error)
{
	return write_snapshot(job, output, error, control_write_sources);
}

static int show_collectors(struct control_job *job, struct control_output *output,
			   struct error_text *error)
{
	return write_snapshot(job, output, error, control_write_collectors);
}

static int show_templates(struct control_job *job, struct control_output *output,
			  struct error_text *error)
{
	return control_write_templates(job->context, output) ? out_of_memory(error) : 0;
}

static int show_config(struct control_job *job, struct control_output *output,
		       struct error_text *error)
{
	return control_write_config(job->context, output) ? out_of_memory(error) : 0;
}

static int show_drops(struct control_job *job, struct control_output *output,
		      struct error_text *error)
{
	struct pipeline_drop drops[DROP_REASON_COUNT];
	int result = pipeline_drops(job->context->pipeline, drops);

	if (result)
		return pipeline_fault(result, "read what was ignored", error);
	return control_write_drops(drops, output) ? out_of_memory(error) : 0;
}

static int flush(struct control_job *job, struct control_output *output, struct error_text *error)
{
	uint64_t flushed = 0;
	int result = pipeline_flush(job->context->pipeline, &flushed);

	if (result)
		return pipeline_fault(result, "flush the flow cache", error);
	result = control_output_row(output, json_pack("{s:I}", "flushed", (json_int_t)flushed));
	return result ? out_of_memory(error) : 0;
}

/* With a filter, only the flows that match. */
static int flush_begin(struct control_job *job, const struct control_request *request,
		       struct error_text *error)
{
	return request->filter_count
		       ? control_flows_end_begin(job, request, FLOW_END_forcedEnd, error)
		       : 0;
}

static int flush_step(struct control_job *job, struct control_output *output,
		      struct error_text *error)
{
	return job->state ? control_flows_end_step(job, output, error) : flush(job, output, error);
}

static void flush_clear(struct control_job *job)
{
	if (job->state)
		control_flows_clear(job);
}

static int drop_begin(struct control_job *job, const struct control_request *request,
		      struct error_text *error)
{
	return control_flows_end_begin(job, request, FLOW_END_dropped, error);
}

/* Collectors whose export version has templates, or statistics and names that go with them. */
static size_t template_collectors(const struct config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->collector_count; i++)
		count += encoder_find(config->collectors[i].version)->add_statistics != NULL;
	return count;
}

/* The name is kept until the step. */
static int send_template_begin(struct control_job *job, const struct control_request *request,
			       struct error_text *error)
{
	const json_t *name = json_object_get(request->json, "name");

	if (!name)
		return 0;
	job->state = json_is_string(name) ? strdup(json_string_value(name)) : NULL;
	if (job->state)
		return 0;
	error_text_set(error, "\"name\" must be the name of a collector");
	return -EINVAL;
}

static int send_template(struct control_job *job, struct control_output *output,
			 struct error_text *error)
{
	const char *name = job->state;
	char quote[ERROR_QUOTE_SIZE];
	size_t count = 0;
	int result = pipeline_send_template(job->context->pipeline, name, &count);

	if (result)
		return pipeline_fault(result, "send templates", error);
	if (name && count == 0) {
		error_text_set(error, "there is no collector %s",
			       error_text_quote(name, strlen(name), quote));
		error_text_hint(error, "agentctl show collectors has their names");
		return -ENOENT;
	}
	if (!name)
		count = template_collectors(job->context->config);
	result = control_output_row(output, json_pack("{s:I}", "collectors", (json_int_t)count));
	return result ? out_of_memory(error) : 0;
}

static void send_template_clear(struct control_job *job)
{
	free(job->state);
}

const struct control_command control_commands[] = {
	{ "show-flows", false, control_flows_begin, control_flows_step, control_flows_clear },
	{ "show-asn", false, control_asn_begin, control_asn_step, control_asn_clear },
	{ "show-status", false, NULL, show_status, NULL },
	{ "show-stats", false, NULL, show_stats, NULL },
	{ "show-sources", false, NULL, show_sources, NULL },
	{ "show-collectors", false, NULL, show_collectors, NULL },
	{ "show-interfaces", false, control_interfaces_begin, control_interfaces_step,
	  control_interfaces_clear },
	{ "show-drops", false, NULL, show_drops, NULL },
	{ "show-templates", false, NULL, show_templates, NULL },
	{ "show-config", false, NULL, show_config, NULL },
	{ "watch", false, control_watch_begin, control_watch_step, control_watch_clear },
	{ "flush", true, flush_begin, flush_step, flush_clear },
	{ "drop", true, drop_begin, control_flows_end_step, control_flows_clear },
	{ "send-template", true, send_template_begin, send_template, send_template_clear },
	{ "reload", true, NULL, control_reload_step, NULL },
	{ "set", true, control_set_begin, control_set_step, control_set_clear },
	{ "handover", true, control_handover_begin, control_handover_step, NULL },
	{ NULL, false, NULL, NULL, NULL },
};

const struct control_command *control_command_find(const char *name)
{
	for (const struct control_command *command = control_commands; command->name; command++)
		if (strcmp(command->name, name) == 0)
			return command;
	return NULL;
}

int control_job_begin(struct control_job *job, const struct control_context *context,
		      const struct control_request *request, bool may_change,
		      struct error_text *error)
{
	const struct control_command *command = control_command_find(request->command);
	int result = 0;

	*job = (struct control_job){ .context = context };
	if (!command) {
		error_text_set(error, "unknown command \"%s\"", request->command);
		error_text_hint(error, "this agent is flowagent %s", FLOWAGENT_VERSION);
		return -ENOSYS;
	}
	if (command->needs_privilege && !may_change) {
		error_text_set(error, "%s is only for root and the agent's own user",
			       command->name);
		error_text_hint(error, "run it with sudo");
		return -EACCES;
	}
	if (command->begin)
		result = command->begin(job, request, error);
	if (!result)
		job->command = command;
	return result;
}

int control_job_step(struct control_job *job, struct control_output *output,
		     struct error_text *error)
{
	return job->command->step(job, output, error);
}

void control_job_clear(struct control_job *job)
{
	if (job->command && job->command->clear)
		job->command->clear(job);
	*job = (struct control_job){ .command = NULL };
}
