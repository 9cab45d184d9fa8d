/* control_asn.h - the AS table: what it is, for `show-status` and `show-stats`, and what it says of
 * an address or an AS number, for `show-asn`. */
#ifndef CONTROL_ASN_H
#define CONTROL_ASN_H

#include "control_job.h"

/* The table in use as an object; JSON null without one. NULL if memory is short. */
json_t *control_asn_table_json(const struct pipeline *pipeline);

/* Of the command `show-asn`, whose words are addresses, or AS numbers as AS64500: a row for each.
 */
int control_asn_begin(struct control_job *job, const struct control_request *request,
		      struct error_text *error);
int control_asn_step(struct control_job *job, struct control_output *output,
		     struct error_text *error);
void control_asn_clear(struct control_job *job);

#endif
