/* asn_report.h - what the log says of an AS table that was loaded. */
#ifndef ASN_REPORT_H
#define ASN_REPORT_H

#include "asn_file.h"
#include "asn_table.h"

/* How much is in it, and what would otherwise be noticed in the collectors' tables only. */
void asn_report_log(const char *path, const struct asn_table *table,
		    const struct asn_file_report *report);

#endif
