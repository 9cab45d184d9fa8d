/* export_nat.h - what the kernel translates, for records whose fields say so.
 *
 * Place: capture_conntrack -> nat_table -> here -> export thread, which owns it. There only if a
 * collector gets such fields. Where conntrack cannot be read the fields are 0, which is reported.
 */
#ifndef EXPORT_NAT_H
#define EXPORT_NAT_H

#include "capture_conntrack.h"
#include "export_record.h"
#include "flow_expiry.h"

/* All 0: nobody wants it. */
struct export_nat {
	struct nat_table *table;             /* owned */
	struct capture_conntrack *conntrack; /* owned; NULL: it cannot be read */
	bool is_wanted;                      /* records have a place for it */
	bool is_failure_reported;
	bool has_more; /* has been reported, and was not taken in yet */
	uint64_t losses_reported, refused_reported;
};

/* Read at least this often. */
#define EXPORT_NAT_TURN_US (CAPTURE_CONNTRACK_READ_MS * 1000)

/* Before the export thread starts. 'max_connections' are remembered; 'key' is secret. Not with
 * is_live false: of packets in a file nothing is known. 'memory' of nat_memory_size() bytes for
 * the table is borrowed for life; NULL: it has its own. Returns 0 or -ENOMEM. */
int export_nat_open(struct export_nat *nat, uint32_t max_connections, struct hash_key key,
		    const struct expiry_policy *expiry, bool is_live, void *memory);
void export_nat_close(struct export_nat *nat);
/* Flows stay for other times from now on. */
void export_nat_set_expiry(struct export_nat *nat, const struct expiry_policy *expiry);

/* Take in what has been reported, or some of it: before records are taken. */
void export_nat_read(struct export_nat *nat, int64_t now_ms);
/* Set what the packets of a record become; 0 where that is not known. */
void export_nat_find(const struct export_nat *nat, struct export_record *record);

#endif
