/* fake_pipeline.c - answers of a pipeline from the members of a struct. */
#include "fake_pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct flow_record fake_pipeline_flow(uint32_t index)
{
	return (struct flow_record){
		.key = { .source_port = (uint16_t)index,
			 .destination_port = 443,
			 .protocol = 6,
			 .side = SIDE_egress,
			 .ip_version = 4,
			 .addresses = { 10, (uint8_t)(index >> 16), (uint8_t)(index >> 8),
					(uint8_t)index, 192, 0, 2, 1 } },
		.packets = 1 + index % 7,
		.octets = 1000 + index,
		.first_ms = 1795375020114 + index,
		.last_ms = 1795375021000 + index,
		.tcp_flags = 0x1b,
	};
}

int pipeline_snapshot(struct pipeline *pipeline, struct pipeline_snapshot *snapshot)
{
	const struct pipeline_snapshot *from = &pipeline->snapshot;

	if (pipeline->fault)
		return pipeline->fault;
	*snapshot = *from;
	snapshot->sources = calloc(from->source_count + 1, sizeof(*from->sources));
	snapshot->collectors = calloc(from->collector_count + 1, sizeof(*from->collectors));
	for (size_t i = 0; i < from->source_count; i++)
		snapshot->sources[i] = from->sources[i];
	for (size_t i = 0; i < from->collector_count; i++)
		snapshot->collectors[i] = from->collectors[i];
	return 0;
}

void pipeline_snapshot_clear(struct pipeline_snapshot *snapshot)
{
	free(snapshot->sources);
	free(snapshot->collectors);
}

bool pipeline_lacks_columns(const struct pipeline *pipeline,
			    const struct config_collector *collector)
{
	(void)pipeline;
	(void)collector;
	return false;
}

int pipeline_reload(struct pipeline *pipeline, const struct config *before,
		    const struct config *after, struct error_text *error)
{
	(void)before;
	(void)after;
	pipeline->reloads++;
	if (pipeline->fault)
		error_text_set(error, "fault");
	return pipeline->fault;
}

int pipeline_flows(struct pipeline *pipeline, uint64_t *cursor, struct flow_record *records,
		   size_t count, size_t *filled)
{
	pipeline->flow_calls++;
	*filled = 0;
	if (pipeline->fault)
		return pipeline->fault;
	while (*filled < count && *cursor < pipeline->flow_count)
		records[(*filled)++] = fake_pipeline_flow((uint32_t)(*cursor)++);
	return 0;
}

int pipeline_drops(struct pipeline *pipeline, struct pipeline_drop drops[static DROP_REASON_COUNT])
{
	memcpy(drops, pipeline->drops, sizeof(pipeline->drops));
	return pipeline->fault;
}

int pipeline_flush(struct pipeline *pipeline, uint64_t *flushed)
{
	*flushed = pipeline->flow_count;
	pipeline->flushed += pipeline->flow_count;
	return pipeline->fault;
}

int pipeline_interfaces(struct pipeline *pipeline, struct interface_list *list)
{
	const size_t count = pipeline->interfaces.count;

	*list = (struct interface_list){ 0 };
	if (pipeline->fault)
		return pipeline->fault;
	list->entries = calloc(count + 1, sizeof(*list->entries));
	list->count = count;
	for (size_t i = 0; i < count; i++)
		list->entries[i] = pipeline->interfaces.entries[i];
	return 0;
}

int pipeline_watch(struct pipeline *pipeline, struct record_watch *watch)
{
	pipeline->watch = watch;
	return pipeline->fault;
}

int pipeline_unwatch(struct pipeline *pipeline, struct record_watch *watch)
{
	(void)watch;
	pipeline->watch = NULL;
	return 0;
}

int pipeline_end_flows(struct pipeline *pipeline, uint64_t cursor,
		       const struct flow_record *records, size_t count, enum flow_end_reason reason,
		       uint64_t *ended)
{
	(void)cursor;
	(void)records;
	pipeline->ended += count;
	pipeline->end_reason = reason;
	*ended = count;
	return pipeline->fault;
}

int pipeline_send_template(struct pipeline *pipeline, const char *name, size_t *count)
{
	*count = !name || strcmp(name, "198.51.100.1:2055") == 0;
	pipeline->templates_sent += *count > 0;
	return pipeline->fault;
}

struct asn_entry pipeline_asn(const struct pipeline *pipeline, uint8_t ip_version,
			      const uint8_t *address)
{
	const struct asn_entry none = { .as_number = 0 };
	const struct asn_entry example = { .as_number = 64500, .prefix_length = 24 };

	(void)pipeline;
	return ip_version == 4 && address[0] == 192 ? example : none;
}

bool pipeline_asn_name(const struct pipeline *pipeline, uint32_t as_number,
		       char name[static ASN_NAME_SIZE])
{
	(void)pipeline;
	(void)strcpy(name, as_number == 64500 ? "EXAMPLE" : "");
	return *name;
}

bool pipeline_asn_status(const struct pipeline *pipeline, struct pipeline_asn_status *status)
{
	if (!pipeline->asn_table)
		return false;
	*status = (struct pipeline_asn_status){ .path = "/etc/asn.table",
						.table = pipeline->asn_table,
						.counts = { .replaced = 3, .refused = 1 } };
	return true;
}

struct sampler pipeline_sampler(const struct pipeline *pipeline, uint8_t number)
{
	(void)pipeline;
	return (struct sampler){ SAMPLING_random, number ? 100u * number : 1 };
}

bool pipeline_owner_begin(struct pipeline *pipeline, size_t flows)
{
	(void)flows;
	if (!pipeline->owner_waits)
		return true;
	pipeline->owner_waits--;
	return false;
}

int64_t pipeline_owner_walk(struct pipeline *pipeline)
{
	if (!pipeline->walk_steps)
		return -1;
	return --pipeline->walk_steps ? 1000 : -1;
}

const char *pipeline_owner_of_record(struct pipeline *pipeline, const struct flow_record *flow)
{
	(void)pipeline;
	(void)flow;
	return "";
}

void pipeline_owner_end(struct pipeline *pipeline)
{
	(void)pipeline;
}

const char *pipeline_owner(struct pipeline *pipeline, const struct flow_record *flow,
			   uint32_t *user)
{
	(void)pipeline;
	(void)flow;
	(void)user;
	return "";
}

int pipeline_translations(struct pipeline *pipeline, const struct flow_record *flows, size_t count,
			  struct nat_translation *translations)
{
	(void)flows;
	(void)count;
	(void)translations;
	return pipeline->fault;
}

int pipeline_units(struct pipeline *pipeline, struct owner_sum **sums, size_t *count)
{
	*sums = NULL;
	*count = 0;
	return pipeline->units_fault;
}

unsigned int pipeline_columns(const struct pipeline *pipeline)
{
	return pipeline->columns;
}

struct template_choice pipeline_template_choice(const struct pipeline *pipeline)
{
	(void)pipeline;
	return (struct template_choice){ .has_as_numbers = true };
}

int pipeline_rest(struct pipeline *pipeline, struct error_text *error)
{
	pipeline->rests += !pipeline->fault;
	if (pipeline->fault)
		error_text_set(error, "a thread has not come to rest");
	return pipeline->fault;
}

int pipeline_give(struct pipeline *pipeline,
		  int (*give)(void *context, const char *name, int descriptor), void *context)
{
	(void)pipeline;
	return give(context, "state", 0);
}

void pipeline_go_on(struct pipeline *pipeline)
{
	pipeline->rests--;
}

void pipeline_end_at_rest(struct pipeline *pipeline)
{
	pipeline->has_ended = true;
}
