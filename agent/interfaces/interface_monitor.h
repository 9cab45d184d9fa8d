/* interface_monitor.h - the interfaces of this host for everyone in the agent: names to the
 * exporter, MTUs to the workers, numbers for records.
 *
 * Place: interfaces_netlink -> interfaces -> here -> exporter, interface_mtus. Used by the control
 * thread before the export thread starts, then by the export thread alone. */
#ifndef INTERFACE_MONITOR_H
#define INTERFACE_MONITOR_H

#include "exporter.h"
#include "flow_expiry.h"
#include "interfaces.h"

struct interface_monitor; /* opaque: defined in interface_monitor.c */

struct interface_monitor_config {
	struct exporter *exporter;           /* borrowed for life */
	struct interface_mtus *mtus;         /* borrowed for life */
	const struct interface_rules *rules; /* copied */
	const struct expiry_policy *expiry;  /* how long flows stay: borrowed until return */
	bool is_live; /* else nothing is known of interfaces: those in a file are of another
			 machine */
};

/* Learns all interfaces first. Without netlink it is logged that they have no names. Returns NULL
 * if memory is short. */
struct interface_monitor *interface_monitor_create(const struct interface_monitor_config *config);
void interface_monitor_destroy(struct interface_monitor *monitor);

/* Flows stay for other times from now on: borrowed until return. */
void interface_monitor_set_expiry(struct interface_monitor *monitor,
				  const struct expiry_policy *expiry);

/* Other numbers from now on: 'rules' is taken, and gets the ones before. */
void interface_monitor_set_rules(struct interface_monitor *monitor, struct interface_rules *rules);
/* Another MTU of interfaces that are not known. */
void interface_monitor_set_fallback(struct interface_monitor *monitor, uint32_t mtu);
/* A copy for that. Returns 0 or -ENOMEM. */
int interface_monitor_copy_rules(struct interface_rules *copy, const struct interface_rules *rules);

/* To poll for reading, -1: nothing to poll. */
int interface_monitor_descriptor(const struct interface_monitor *monitor);
/* Take in what the kernel says, and forget what is long gone. Call it when the descriptor is
 * readable, and once a second. Returns whether there may be more at once. */
bool interface_monitor_read(struct interface_monitor *monitor, int64_t now_ms);

/* Whether interface_monitor_number() may give anything but the index. */
bool interface_monitor_has_rules(const struct interface_monitor *monitor);
/* The number that is exported for an index. */
uint32_t interface_monitor_number(const struct interface_monitor *monitor, uint32_t index);

/* A list that stays as it is. Zero-initialized it is empty. */
struct interface_list {
	struct interface *entries; /* owned; by index */
	size_t count;
};

/* Copy what is known now. Returns 0 or -ENOMEM. */
int interface_monitor_list(const struct interface_monitor *monitor, struct interface_list *list);
void interface_list_clear(struct interface_list *list);
/* Find by the kernel's index; NULL if it is unknown. */
const struct interface *interface_list_find(const struct interface_list *list, uint32_t index);
/* The number of a name, of an interface that is there rather than one that has gone; 0 if there is
 * none. */
uint32_t interface_list_number(const struct interface_list *list, const char *name);

#endif
