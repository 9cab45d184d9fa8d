/* pipeline_export.c - the export thread with what completes its records, and when it sends first.
 *
 * Invariant: on failure nothing of it is left, and the exporter is gone, too. */
#include "pipeline_export.h"

#include "config.h"
#include "export_nat.h"
#include "export_owner.h"
#include "interface_monitor.h"
#include "log.h"
#include "pipeline_parts.h"
#include "pipeline_translations.h"
#include "time_now.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/random.h>
#include <time.h>

static int open_nat(struct pipeline *pipeline, const struct config *config, struct export_nat *nat)
{
	const bool is_live = config->sources[0].type->is_live;
	void *memory = NULL;
	uint8_t bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -EAGAIN;
	if (is_live)
		memory = pipeline_translations_make(pipeline, config->max_flows);
	return export_nat_open(nat, config->max_flows, hash_key_of(bytes), &config->expiry, is_live,
			       memory);
}

/* Whose flows are: for records, and for agentctl. Returns 0 or -ENOMEM. */
static int open_owner(struct pipeline *pipeline, const struct config *config,
		      struct export_owner **owner)
{
	const bool asks =
		config->sources[0].type->is_live && flow_key_has(&config->flow_key, FLOW_KEY_side);
	struct error_text error; /* the first one has reported it */

	if (!(pipeline->columns & FLOW_COLUMNS_OF_OWNER))
		return 0;
	*owner = export_owner_create(pipeline->columns, asks);
	if (!*owner)
		return -ENOMEM;
	export_owner_set_applications(*owner, pipeline->applications);
	return asks ? owner_lookup_open(&pipeline->owner, "flows that agentctl shows",
					config->owner == CONFIG_OWNER_unit, &error)
		    : 0;
}

int pipeline_export_create(struct pipeline *pipeline, const struct config *config,
			   struct exporter *exporter)
{
	struct export_thread_config thread = {
		.exporter = exporter,
		.applications = pipeline->applications,
		.own_exports = pipeline->own_exports,
		.flow_key = config->flow_key,
		.record_size = export_record_size(pipeline->columns),
		.input_count = config->source_count,
		.is_live = config->sources[0].type->is_live,
		.finished_descriptor = pipeline->finished_descriptor,
	};

	if (pipeline->asn && flow_key_has(&config->flow_key, FLOW_KEY_addresses))
		thread.asn_table = asn_supply_table(pipeline->asn);
	interface_mtus_init(&pipeline->mtus, config->interface_mtu);
	thread.interfaces = interface_monitor_create(&(struct interface_monitor_config){
		.exporter = exporter,
		.mtus = &pipeline->mtus,
		.rules = &config->if_map,
		.expiry = &config->expiry,
		.is_live = thread.is_live,
	});
	if (!thread.interfaces ||
	    (thread.applications && exporter_set_applications(exporter, thread.applications)) ||
	    (pipeline->columns & EXPORT_RECORD_NAT && open_nat(pipeline, config, &thread.nat)) ||
	    open_owner(pipeline, config, &thread.owner)) {
		interface_monitor_destroy(thread.interfaces);
		export_nat_close(&thread.nat);
		export_owner_destroy(thread.owner);
		exporter_destroy(exporter);
		return -ENOMEM;
	}
	return export_thread_init(&pipeline->export, &thread);
}

void pipeline_export_delay(struct exporter *exporter, uint32_t most_ms)
{
	uint32_t number;

	if (!most_ms || getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return;
	number %= most_ms;
	log_info("the first datagram leaves after %" PRIu32 ".%" PRIu32 " s (start-delay)",
		 number / 1000, number % 1000 / 100);
	exporter_set_begin(exporter, time_now_us(CLOCK_MONOTONIC) + (int64_t)number * 1000);
}
