/* application_table.c - an array of applications, and for each protocol an index by port.
 *
 * Place: beside the AS table. An application is named once; all its ports share it. Ports that are
 * named again belong to the later application. */
#include "application_table.h"

#include "ip_protocol.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PROTOCOLS 5
#define PORTS     65536

/* RFC 6759 section 4.1. */
enum { ENGINE_IANA_L4 = 3, ENGINE_USER_Defined = 6 };

struct application_table {
	struct application *applications; /* owned */
	size_t count, capacity;
	size_t most;                 /* with names without a port; 0: no room is kept for them */
	uint16_t of_selector[PORTS]; /* number of the application + 1 that has it, 0: none */
	uint32_t last_free;          /* selectors above are not free */
	uint16_t of_port[PROTOCOLS][PORTS]; /* likewise */
};

struct application_table *application_table_create(void)
{
	struct application_table *table = calloc(1, sizeof(*table));

	if (table)
		table->last_free = PORTS - 1;
	return table;
}

void application_table_destroy(struct application_table *table)
{
	if (!table)
		return;
	free(table->applications);
	free(table);
}

static bool has_name(const struct application_table *table, uint16_t number, const char *name)
{
	return number && strcmp(table->applications[number - 1].name, name) == 0;
}

/* A selector that nothing has; 0, which is no application's, if there is none left. */
static uint16_t free_selector(struct application_table *table)
{
	while (table->last_free && table->of_selector[table->last_free])
		table->last_free--;
	return (uint16_t)table->last_free;
}

/* Returns the number of a new application, which is above 0, or a negative errno. */
static int append(struct application_table *table, uint8_t engine, uint16_t selector,
		  const char *name)
{
	struct application *application;

	if (table->count == APPLICATION_COUNT_MAX)
		return -ENOSPC;
	if (table->count == table->capacity) {
		const size_t capacity = table->capacity ? 2 * table->capacity : 64;
		struct application *grown = realloc(table->applications, capacity * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		table->applications = grown;
		table->capacity = capacity;
	}
	application = &table->applications[table->count++];
	*application = (struct application){
		.id = { engine, (uint8_t)(selector >> 8), (uint8_t)selector },
	};
	strncpy(application->name, name, sizeof(application->name) - 1);
	table->of_selector[selector] = (uint16_t)table->count;
	return (int)table->count;
}

/* The number of the application that a port is to have; new if it must be. */
static int number_for(struct application_table *table, uint16_t port, const char *name)
{
	const uint16_t known = table->of_selector[port];
	uint16_t selector;

	if (has_name(table, known, name))
		return known;
	if (!known)
		return append(table, ENGINE_IANA_L4, port, name);
	for (size_t i = 0; i < PROTOCOLS; i++)
		if (has_name(table, table->of_port[i][port], name))
			return table->of_port[i][port];
	selector = free_selector(table);
	return selector ? append(table, ENGINE_USER_Defined, selector, name) : -ENOSPC;
}

int application_table_add(struct application_table *table, unsigned int protocols, uint16_t first,
			  uint16_t last, const char *name)
{
	const int number = number_for(table, first, name);

	if (number < 0)
		return number;
	for (size_t i = 0; i < PROTOCOLS; i++)
		for (uint32_t port = first; protocols >> i & 1 && port <= last; port++)
			table->of_port[i][port] = (uint16_t)number;
	return 0;
}

const struct application *application_table_find(const struct application_table *table,
						 uint8_t protocol, uint16_t source_port,
						 uint16_t destination_port)
{
	const uint16_t *of_port;
	uint16_t number;

	switch (protocol) {
	case PROTOCOL_TCP: of_port = table->of_port[0]; break;
	case PROTOCOL_UDP: of_port = table->of_port[1]; break;
	case PROTOCOL_SCTP: of_port = table->of_port[2]; break;
	case PROTOCOL_DCCP: of_port = table->of_port[3]; break;
	case PROTOCOL_UDPLite: of_port = table->of_port[4]; break;
	default: return NULL;
	}
	number = of_port[destination_port] ? of_port[destination_port] : of_port[source_port];
	return number ? &table->applications[number - 1] : NULL;
}

int application_table_reserve(struct application_table *table, size_t count)
{
	const size_t most = table->count + count;
	struct application *grown = realloc(table->applications, most * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	table->applications = grown;
	table->capacity = table->most = most;
	return 0;
}

/* A free selector that is the same for a name wherever it can be: collectors keep names by it. 0 is
 * no application's. FNV-1a, in the upper half, where fewer ports are named. */
static uint16_t selector_of(const struct application_table *table, const char *name)
{
	uint32_t hash = 2166136261u;
	uint16_t selector;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	selector = (uint16_t)(hash >> 16) | PORTS / 2;
	for (uint32_t i = 0; i < PORTS; i++, selector++)
		if (selector && !table->of_selector[selector])
			return selector;
	return 0;
}

const struct application *application_table_name(struct application_table *table, const char *name)
{
	uint16_t selector;

	if (table->count >= table->most)
		return NULL;
	selector = selector_of(table, name);
	if (!selector || append(table, ENGINE_USER_Defined, selector, name) < 0)
		return NULL;
	return &table->applications[table->count - 1];
}

size_t application_table_most(const struct application_table *table)
{
	return table->most > table->count ? table->most : table->count;
}

size_t application_table_count(const struct application_table *table)
{
	return table->count;
}

const struct application *application_table_at(const struct application_table *table, size_t index)
{
	return &table->applications[index];
}

size_t application_table_index(const struct application_table *table,
			       const struct application *application)
{
	return (size_t)(application - table->applications);
}
