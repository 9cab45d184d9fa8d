/* config_source_id.h - the number by which collectors know this agent from others, by default.
 *
 * Place: called when everything is read and no source-id is given; the pipeline keeps the number.
 */
#ifndef CONFIG_SOURCE_ID_H
#define CONFIG_SOURCE_ID_H

#include "config.h"

/* Source id of an instance on a machine with a mark (machine_mark.h; "": none); never 0. */
uint32_t config_source_id(const char *machine, const char *instance, const char *mark);

/* Let 'config' have its default number: the one that was chosen here before, else that of this
 * machine and of the instance that 'config' is. */
void config_source_id_choose(struct config *config);
/* A number that differs between agents also where all of them have source id 0: what they do at
 * different moments, and with different addresses, goes by it. Never 0. */
uint32_t config_source_id_seed(const struct config *config);
/* Keep the number of the start at a reload, where neither was configured. */
void config_source_id_continue(struct config *config, const struct config *running);
/* The agent starts to send under this number: keep it for the next start, and log what is new. */
void config_source_id_keep(const struct config *config);

#endif
