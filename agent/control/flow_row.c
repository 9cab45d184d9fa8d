/* flow_row.c - flow_record -> flow_view -> row, for show-flows and watch. */
#include "flow_row.h"

#include "pipeline.h"

#include <errno.h>
#include <stdio.h>

/* Replace the kernel's index by what is exported. Returns the interface's name, "" without one. */
static const char *resolve_interface(const struct interface_list *interfaces, uint32_t *index)
{
	const struct interface *interface = interface_list_find(interfaces, *index);

	if (!interface)
		return "";
	*index = interface->number;
	return interface->name;
}

void flow_row_view(const struct pipeline *pipeline, const struct interface_list *interfaces,
		   const struct flow_record *flow, struct flow_view *view)
{
	struct flow_key *key = &view->flow.key;

	*view = (struct flow_view){ .flow = *flow };
	view->unit = "";
	view->input_interface = resolve_interface(interfaces, &key->input_interface);
	view->output_interface = resolve_interface(interfaces, &key->output_interface);
	(void)resolve_interface(interfaces, &view->flow.physical_input);
	(void)resolve_interface(interfaces, &view->flow.physical_output);
	view->sampling = pipeline_sampler(pipeline, key->sampler).interval;
}

int flow_row_write(struct control_output *output, const struct flow_view *view,
		   const struct flow_key_choice *choice, uint64_t members, const char *end_reason)
{
	char *const start = control_output_reserve(output, FLOW_ROW_SIZE);
	char *to = start;

	if (!start)
		return -ENOMEM;
	*to++ = '{';
	for (int i = 0; i < FLOW_MEMBER_COUNT; i++) {
		struct flow_value value;

		if (!(members & FLOW_MEMBER_BIT(i)))
			continue;
		flow_member_value(view, choice, (enum flow_member)i, &value);
		to = flow_value_write(to, flow_member_name((enum flow_member)i), &value);
	}
	if (end_reason)
		to += sprintf(to, ",\"end_reason\":\"%s\"", end_reason);
	*to++ = '}';
	control_output_commit(output, (size_t)(to - start));
	return 0;
}
