/* application_table.h - protocol and port -> application: a number for records (applicationId, RFC
 * 6759) and the name that goes with it in options data.
 *
 * Place: looked up by the export thread, per flow. Filled at start, then only read, but for names
 * without a port, for which room was kept. */
#ifndef APPLICATION_TABLE_H
#define APPLICATION_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define APPLICATION_ID_SIZE   3  /* classification engine, selector */
#define APPLICATION_NAME_SIZE 32 /* with a NUL: pmacct 1.7.7 has no room for more */
#define APPLICATION_COUNT_MAX 65535

struct application {
	uint8_t id[APPLICATION_ID_SIZE];
	char name[APPLICATION_NAME_SIZE]; /* NUL-padded */
};

/* Protocols that have ports; bits. */
enum application_protocol {
	APPLICATION_tcp = 1,
	APPLICATION_udp = 2,
	APPLICATION_sctp = 4,
	APPLICATION_dccp = 8,
	APPLICATION_udplite = 16,
	APPLICATION_all = 31,
};

struct application_table; /* opaque: defined in application_table.c */

/* Empty; NULL if memory is short. */
struct application_table *application_table_create(void);
void application_table_destroy(struct application_table *table);

/* Ports 'first' to 'last' of some protocols belong to an application from now on.
 *
 * name  shorter than APPLICATION_NAME_SIZE, copied.
 * Its number is that of the first port, engine IANA-L4 (3). Where that is another application's
 * already, because it differs between protocols, the number is one that no port had so far, engine
 * USER-Defined (6). Returns 0, -ENOSPC when there are APPLICATION_COUNT_MAX, or -ENOMEM. */
int application_table_add(struct application_table *table, unsigned int protocols, uint16_t first,
			  uint16_t last, const char *name);

/* The application of a flow: that of the destination port, else of the source port; NULL if neither
 * has one. 'protocol' is the IP protocol. The result is owned by the table. O(1). */
const struct application *application_table_find(const struct application_table *table,
						 uint8_t protocol, uint16_t source_port,
						 uint16_t destination_port);

/* Keep room for 'count' names without a port; nothing else is added from then on, and applications
 * stay where they are. Returns 0 or -ENOMEM. */
int application_table_reserve(struct application_table *table, size_t count);
/* Add an application that no port belongs to; call it once for each name. Its number, of the engine
 * USER-Defined (6), follows from the name, unless another one has that already. Returns NULL where
 * there is no more room. */
const struct application *application_table_name(struct application_table *table, const char *name);

/* As many as there may ever be. */
size_t application_table_most(const struct application_table *table);
size_t application_table_count(const struct application_table *table);
/* Application number 'index', and the number of one that application_table_find() has returned. */
const struct application *application_table_at(const struct application_table *table, size_t index);
size_t application_table_index(const struct application_table *table,
			       const struct application *application);

#endif
