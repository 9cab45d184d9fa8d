/* flow_row.h - a flow as a row of the control socket.
 *
 * Place: control_flows.c and control_watch.c -> here -> row of JSON, by flow_members.c. */
#ifndef FLOW_ROW_H
#define FLOW_ROW_H

#include "control_protocol.h"
#include "flow_members.h"
#include "interface_monitor.h"

struct pipeline;

/* A row takes no more, with end reason. */
#define FLOW_ROW_SIZE ((FLOW_MEMBER_COUNT + 2) * (FLOW_VALUE_JSON_SIZE + 16))

/* Fill a view but for its AS numbers and owner: interfaces get the numbers that collectors see, and
 * names from 'interfaces', which are borrowed. */
void flow_row_view(const struct pipeline *pipeline, const struct interface_list *interfaces,
		   const struct flow_record *flow, struct flow_view *view);

/* Append a row with these members (FLOW_MEMBER_BIT()), and "end_reason" unless that is NULL.
 * 'choice' is what the flow's key is of. Returns 0 or -ENOMEM. */
int flow_row_write(struct control_output *output, const struct flow_view *view,
		   const struct flow_key_choice *choice, uint64_t members, const char *end_reason);

#endif
