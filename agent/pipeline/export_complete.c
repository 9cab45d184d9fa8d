/* export_complete.c - looks up what a record has beside its flow.
 *
 * Place: ring -> here -> exporter, in the export thread.
 *
 * A ring may outlive the process, and the next one takes the same record once more. So what is
 * there is only filled in, which comes to the same, and never replaced. */
#include "export_complete.h"

#include <string.h>

/* Masks of addresses that were cut to a prefix: not longer than that. Without a table the entries
 * are not set for each record, and may hold the masks of an earlier one in the same place. */
static void limit_masks(struct export_record *record, uint8_t prefix_length, bool has_table)
{
	uint8_t *masks[] = { &record->source.prefix_length, &record->destination.prefix_length };

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++)
		if (!has_table || *masks[i] == 0 || *masks[i] > prefix_length)
			*masks[i] = prefix_length;
}

/* From here on interfaces have the numbers that collectors see. */
static void number_interfaces(const struct interface_monitor *interfaces, struct flow_record *flow)
{
	uint32_t *const members[] = { &flow->key.input_interface, &flow->key.output_interface,
				      &flow->physical_input, &flow->physical_output };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		*members[i] = interface_monitor_number(interfaces, *members[i]);
}

bool export_complete_is_needed(const struct export_thread *thread)
{
	return thread->watch_count || thread->config.asn_table || thread->config.applications ||
	       thread->config.nat.is_wanted || thread->config.owner ||
	       flow_key_prefix_length(&thread->config.flow_key, 4) ||
	       flow_key_prefix_length(&thread->config.flow_key, 6) ||
	       interface_monitor_has_rules(thread->config.interfaces);
}

const struct export_record *export_complete(const struct export_thread *thread,
					    struct export_record *record,
					    struct export_record *numbered)
{
	struct flow_record *flow = &record->flow;
	uint8_t prefix_length =
		flow_key_prefix_length(&thread->config.flow_key, flow->key.ip_version);

	if (thread->config.asn_table) {
		const struct flow_key *key = &flow->key;

		asn_table_find(thread->config.asn_table, key->ip_version, flow_source_address(key),
			       &record->source);
		asn_table_find(thread->config.asn_table, key->ip_version,
			       flow_destination_address(key), &record->destination);
	}
	if (thread->config.nat.is_wanted)
		export_nat_find(&thread->config.nat, record);
	if (thread->config.applications)
		record->application =
			application_table_find(thread->config.applications, flow->key.protocol,
					       flow->key.source_port, flow->key.destination_port);
	if (thread->config.owner)
		export_owner_find(thread->config.owner, record);
	if (prefix_length)
		limit_masks(record, prefix_length, thread->config.asn_table != NULL);
	for (size_t i = 0; i < thread->watch_count; i++)
		record_watch_give(thread->watches[i], record, thread->config.asn_table != NULL);
	if (!interface_monitor_has_rules(thread->config.interfaces))
		return record;
	memcpy(numbered, record, thread->config.record_size);
	number_interfaces(thread->config.interfaces, &numbered->flow);
	return numbered;
}
