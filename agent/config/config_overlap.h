/* config_overlap.h - whether two sources see the same packets.
 *
 * Place: struct config -> here -> log and `--check-config`; pipeline.c calls it at a start,
 * pipeline_reload.c after a reload. */
#ifndef CONFIG_OVERLAP_H
#define CONFIG_OVERLAP_H

#include "config.h"

/* The name of an earlier source that sees packets of source 'index', too: the same interface, by
 * --interface and --bpf, or "any". NULL: none does, as far as names say, or a filter may part them.
 */
const char *config_overlap_find(const struct config *config, size_t index);

/* Log the sources that see packets of another one as problems. Those of 'before', NULL at the
 * start, that do not any more are problems no longer. */
void config_overlap_warn(const struct config *config, const struct config *before);

#endif
