/* config_tables.h - the tables that the configuration names: read at a start, and by
 * --check-config.
 *
 * Place: config -> here -> lib/lookup -> asn_supply.c, pipeline.c. */
#ifndef CONFIG_TABLES_H
#define CONFIG_TABLES_H

#include "application_table.h"
#include "config.h"
#include "asn_file.h"
#include "error_text.h"

/* Read and parse a file. Each returns the table, owned by the caller, or NULL with 'error' filled:
 * which file, which line, and what was expected. 'report' is filled with the table. */
struct asn_table *config_networks_load(const char *path, struct asn_file_report *report,
				       struct error_text *error);
/* asn-table or networks-file, whichever the configuration has: one of both. With an asn-table
 * 'report' stays empty. */
struct asn_table *config_asn_load(const struct config *config, struct asn_file_report *report,
				  struct error_text *error);
struct application_table *config_applications_load(const char *path, struct error_text *error);

#endif
