/* fake_worker.h - a worker over a fake source (fake_source.c must be included before). */
#ifndef FAKE_WORKER_H
#define FAKE_WORKER_H

#include "worker.h"

/* What a worker shares with others, where there are none. */
struct fake_surroundings {
	struct samplers *samplers;
	struct interface_mtus mtus;
	struct wake export_wake;
};

static inline void fake_surroundings_init(struct fake_surroundings *around)
{
	around->samplers = samplers_create();
	CHECK(around->samplers != NULL);
	interface_mtus_init(&around->mtus, 65535);
	CHECK_EQ(wake_init(&around->export_wake), 0);
}

static inline void fake_surroundings_clear(struct fake_surroundings *around)
{
	samplers_destroy(around->samplers);
	wake_clear(&around->export_wake);
}

/* What is in fake_source goes through it, in a cache of 'max_flows'. Returns what worker_init()
 * does. */
static inline int fake_worker_init(struct worker *worker, const struct capture_type *type,
				   uint32_t max_flows, struct fake_surroundings *around,
				   struct error_text *error)
{
	static char name[] = "fake";
	static struct source_config source;
	const struct worker_config config = {
		.source = &source,
		.cache = { .max_flows = max_flows,
			   .has_ports = true,
			   .expiry = { .active_ms = 60000,
				       .idle_ms = { 15000, 2000, 2000, 15000, 15000, 15000 } } },
		.fragment_lifetime_ms = FRAGMENT_LIFETIME_MS,
		.samplers = around->samplers,
		.mtus = &around->mtus,
		.export_wake = &around->export_wake,
	};

	source = (struct source_config){ .type = type, .name = name };
	return worker_init(worker, &config, error);
}

#endif
