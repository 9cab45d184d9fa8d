/* interfaces.h - the network interfaces of this namespace: name, alias, MTU, and the number that is
 * exported, kept right by the kernel's link messages (rtnetlink(7)).
 *
 * Place: interfaces_netlink.c -> here -> export thread. Pure: messages and time come in as
 * arguments, what has changed goes out through functions. Single-threaded.
 *
 * An interface that has gone is kept for as long as flows of it may still leave; then, or when its
 * index is used again, it is forgotten. Bounded by INTERFACES_MAX. */
#ifndef INTERFACES_H
#define INTERFACES_H

#include "encoder.h"
#include "interface_mtus.h"
#include "interface_rules.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 2.5 MB. With more, the one that has gone the longest makes room; without any that has gone, the
 * new one has no name. */
#define INTERFACES_MAX       32768
#define INTERFACE_IS_PRESENT INT64_MAX /* gone_ms of an interface that has not gone */

struct interface {
	uint32_t index;  /* the kernel's */
	uint32_t number; /* what is exported for it */
	uint32_t mtu;    /* 0: unknown */
	uint32_t dump;   /* the last dump since whose beginning it was seen */
	int64_t gone_ms; /* monotonic */
	char name[INTERFACE_NAME_SIZE];
	char alias[sizeof(((struct interface_name *)0)->description)]; /* "" if it has none */
};

/* What others do about changes. */
struct interfaces_events {
	/* A number has this name now; borrowed. */
	void (*named)(void *context, const struct interface_name *name);
	/* A number has no name any more. */
	void (*forgotten)(void *context, uint32_t number);
	/* Two present interfaces have one number. Flows of both get it; 'name' is announced. */
	void (*clash)(void *context, uint32_t number, const char *name, const char *other);
	/* There is no room for a new one. */
	void (*full)(void *context);
	void *context;
};

/* Read only for others. */
struct interfaces {
	struct interfaces_events events;
	const struct interface_rules *rules; /* borrowed for life */
	int64_t keep_ms;                     /* how long one that has gone keeps its name */
	struct interface *entries;           /* owned; by index */
	size_t count, capacity;
	int64_t forget_ms;      /* when the next one may be forgotten; INTERFACE_IS_PRESENT: none */
	bool are_mtus_changed;  /* since interfaces_publish_mtus() */
	uint32_t dump;          /* number of dumps begun */
	uint32_t dump_sequence; /* of the one that runs, as its messages carry it; 0: none runs */
	bool is_interrupted;    /* it is not complete: the kernel's list has changed meanwhile */
};

void interfaces_init(struct interfaces *interfaces, const struct interfaces_events *events,
		     const struct interface_rules *rules, int64_t keep_ms);
void interfaces_clear(struct interfaces *interfaces);

/* A dump of all interfaces was asked for, with this sequence number (not 0): what is not in it has
 * gone. */
void interfaces_dump_begin(struct interfaces *interfaces, uint32_t sequence);

enum interfaces_result {
	INTERFACES_ok,
	INTERFACES_dump_done,       /* the dump is complete */
	INTERFACES_dump_incomplete, /* it has ended but must be repeated */
	INTERFACES_malformed,       /* something was not understood: a dump would help */
};

/* Parse one datagram of the kernel: notifications and parts of a dump, in any mixture. 'bytes'
 * begins on 4 bytes. */
enum interfaces_result interfaces_parse(struct interfaces *interfaces, const uint8_t *bytes,
					size_t size, int64_t now_ms);

/* Forget what has been gone for long enough. O(1) if nothing is. */
void interfaces_forget(struct interfaces *interfaces, int64_t now_ms);

/* The rules are others: say which numbers have which names now. */
void interfaces_renumber(struct interfaces *interfaces);

/* The number exported for an index; the index itself if it is unknown. */
uint32_t interfaces_number(const struct interfaces *interfaces, uint32_t index);

/* Report the MTUs that have changed since the last call. */
void interfaces_publish_mtus(struct interfaces *interfaces, struct interface_mtus *mtus);

#endif
