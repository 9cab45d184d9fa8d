/* pipeline_applications.c - makes the table of applications, at the start and for a reload.
 *
 * Place: configuration -> here -> export thread. */
#include "config.h"
#include "config_tables.h"
#include "count_text.h"
#include "log.h"
#include "pipeline_parts.h"

static struct application_table *load_applications(const char *path, struct error_text *error)
{
	struct application_table *table = config_applications_load(path, error);
	char count[COUNT_TEXT_SIZE];

	if (table)
		log_info("%s: %s", path,
			 count_text(application_table_count(table), "application", count));
	return table;
}

struct application_table *pipeline_create_applications(const struct config *config,
						       struct error_text *error)
{
	const char *path = config->applications_file;
	struct application_table *table =
		path ? load_applications(path, error) : application_table_create();

	if (table && (config->owner != CONFIG_OWNER_unit ||
		      application_table_reserve(table, CAPTURE_UNITS_MAX) == 0))
		return table;
	if (table || !path)
		error_text_set(error, "no memory");
	application_table_destroy(table);
	return NULL;
}
