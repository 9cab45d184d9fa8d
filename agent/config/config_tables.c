/* config_tables.c - files of networks and applications -> tables. */
#include "config_tables.h"

#include "application_file.h"
#include "asn_file.h"
#include "asn_table_file.h"
#include "text_file.h"

#include <stdlib.h>
#include <sys/stat.h>

#define NETWORKS_FILE_LIMIT     (128u << 20) /* four times the whole internet */
#define APPLICATIONS_FILE_LIMIT (16u << 20)

struct asn_table *config_networks_load(const char *path, struct asn_file_report *report,
				       struct error_text *error)
{
	size_t size;
	char *text = text_file_read(path, NETWORKS_FILE_LIMIT, &size, error);
	struct asn_table *table = NULL;
	struct stat status;

	if (text)
		table = asn_file_parse(path, text, size,
				       stat(path, &status) == 0 ? status.st_mtime : 0, report,
				       error);
	free(text);
	return table;
}

struct asn_table *config_asn_load(const struct config *config, struct asn_file_report *report,
				  struct error_text *error)
{
	*report = (struct asn_file_report){ .lines = 0 };
	return config->asn_table ? asn_table_file_open(config->asn_table, error)
				 : config_networks_load(config->networks_file, report, error);
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
