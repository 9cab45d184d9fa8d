/* flow.c - names of flow end reasons. */
#include "flow.h"

const char *flow_end_reason_name(enum flow_end_reason reason)
{
	static const char *const names[FLOW_END_COUNT] = {
		[FLOW_END_none] = "none",
		[FLOW_END_idleTimeout] = "inactive",
		[FLOW_END_activeTimeout] = "active",
		[FLOW_END_endOfFlowDetected] = "end_of_flow",
		[FLOW_END_forcedEnd] = "forced",
		[FLOW_END_lackOfResources] = "lack_of_resources",
		[FLOW_END_dropped] = "dropped",
	};

	return reason < FLOW_END_COUNT ? names[reason] : "unknown";
}
