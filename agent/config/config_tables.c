/* config_tables.c - files of networks and applications -> tables. */
#include "config_tables.h"

#include "application_file.h"
#include "asn_file.h"
#include "text_file.h"

#include <stdlib.h>

#define NETWORKS_FILE_LIMIT     (128u << 20) /* four times the whole internet */
#define APPLICATIONS_FILE_LIMIT (16u << 20)

struct asn_table *config_networks_load(const char *path, struct asn_file_report *report,
				       struct error_text *error)
{
	size_t size;
	char *text = text_file_read(path, NETWORKS_FILE_LIMIT, &size, error);
	struct asn_table *table = text ? asn_file_parse(path, text, size, 0, report, error) : NULL;

	free(text);
	return table;
}

struct application_table *config_applications_load(const char *path, struct error_text *error)
{
	size_t size;
	char *text = text_file_read(path, APPLICATIONS_FILE_LIMIT, &size, error);
	struct application_table *table =
		text ? application_file_parse(path, text, size, error) : NULL;

	free(text);
	return table;
}
