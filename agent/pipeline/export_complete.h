/* export_complete.h - what is looked up, or changed, once for each record: AS numbers,
 * applications, translations, owners, prefixes, numbers of interfaces.
 *
 * Place: ring -> here -> exporter, in the export thread. */
#ifndef EXPORT_COMPLETE_H
#define EXPORT_COMPLETE_H

#include "export_thread_parts.h"

/* Whether export_complete() has something to do. */
bool export_complete_is_needed(const struct export_thread *thread);
/* Fill in the record, and give a copy to those who watch. Returns what goes to the exporter: the
 * record, or 'numbered', a copy of it whose interfaces have other numbers. */
const struct export_record *export_complete(const struct export_thread *thread,
					    struct export_record *record,
					    struct export_record *numbered);

#endif
