/* fuzz_conntrack.c - any bytes as a datagram of ctnetlink. Byte order is that of the machine. */
#include "capture_conntrack_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nat_table *table = nat_table_create(4, (struct hash_key){ 1, 2 });

	nat_table_list_begin(table);
	(void)capture_conntrack_parse(table, data, size, 7, 0);
	(void)capture_conntrack_parse(table, data, size, 0, 5);
	nat_table_list_end(table, 6);
	nat_table_forget(table, 7);
	nat_table_destroy(table);
	return 0;
}
