/* pipeline_export.h - the export thread of a pipeline is made here.
 *
 * Place: pipeline.c -> here -> export_thread.c. Control thread only, before any other thread is. */
#ifndef PIPELINE_EXPORT_H
#define PIPELINE_EXPORT_H

#include <stdint.h>

struct config;
struct exporter;
struct pipeline;

/* Make pipeline->export: its interfaces, translations and owners, as the configuration and the
 * pipeline's columns want them. The workers' MTUs are set up with it. 'exporter' is taken, also on
 * failure. Returns 0 or a negative errno. */
int pipeline_export_create(struct pipeline *pipeline, const struct config *config,
			   struct exporter *exporter);
/* Let the first datagram wait for a random time below 'most_ms', so that a fleet that starts at one
 * moment does not send at one moment; it is logged. 0: no wait. */
void pipeline_export_delay(struct exporter *exporter, uint32_t most_ms);

#endif
