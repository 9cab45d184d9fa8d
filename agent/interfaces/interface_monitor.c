/* interface_monitor.c - puts socket, list and listeners together.
 *
 * Place: between the kernel's link messages and the export thread. An interface that has gone keeps
 * its name for as long as its flows may stay in the cache. After lost notifications (ENOBUFS) or an
 * interrupted dump the whole list is requested again, at most once a second. */
#include "interface_monitor.h"

#include "interfaces_netlink.h"
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a start waits for the list: ten thousand interfaces take a tenth of a second. */
#define START_PATIENCE_MS 2000
/* A flow may leave this much later than its timeouts say: a wait for its datagram to fill, and one
 * for room in a ring. */
#define KEEP_LONGER_MS 5000

struct interface_monitor {
	struct exporter *exporter; /* borrowed */
	struct interface_mtus *mtus;
	struct interface_rules rules; /* owned */
	struct interfaces interfaces;
	struct interfaces_netlink *netlink; /* owned; NULL: none */
};

static void announce_name(void *context, const struct interface_name *name)
{
	struct interface_monitor *monitor = context;

	if (exporter_set_interface(monitor->exporter, name))
		log_event(LOG_LEVEL_warning, "interface-memory", NULL,
			  "interface %.15s: no memory for its name in options data", name->name);
}

static void forget_name(void *context, uint32_t number)
{
	struct interface_monitor *monitor = context;

	exporter_remove_interface(monitor->exporter, number);
}

static void warn_clash(void *context, uint32_t number, const char *name, const char *other)
{
	char object[16];

	(void)context;
	(void)snprintf(object, sizeof(object), "%" PRIu32, number);
	log_event(LOG_LEVEL_warning, "interface-clash", object,
		  "interfaces %.15s and %.15s are both exported as number %" PRIu32
		  " (if-map); collectors cannot distinguish their flows",
		  name, other, number);
}

static void warn_full(void *context)
{
	(void)context;
	log_event(LOG_LEVEL_warning, "interfaces-full", NULL,
		  "more than %d interfaces: those above have no names in options data",
		  INTERFACES_MAX);
}

/* The longest that a flow with a packet of now may stay in the cache. */
static int64_t longest_ms(const struct expiry_policy *expiry)
{
	uint32_t idle_ms = 0;

	for (size_t i = 0; i < EXPIRY_CLASS_COUNT; i++)
		if (expiry->idle_ms[i] > idle_ms)
			idle_ms = expiry->idle_ms[i];
	return (int64_t)expiry->active_ms + idle_ms + KEEP_LONGER_MS;
}

int interface_monitor_copy_rules(struct interface_rules *copy, const struct interface_rules *rules)
{
	copy->rules = calloc(rules->count + 1, sizeof(*copy->rules));
	if (!copy->rules)
		return -ENOMEM;
	if (rules->count)
		memcpy(copy->rules, rules->rules, rules->count * sizeof(*copy->rules));
	copy->count = rules->count;
	return 0;
}

/* Whether an interface has the number of this rule, and in 'is_name' whether one has the rule's
 * base as its whole name. */
static bool rule_matches(const struct interfaces *interfaces, const struct interface_rule *rule,
			 bool *is_name)
{
	struct interface_rule copy = *rule;
	const struct interface_rules only = { .rules = &copy, .count = 1 };

	*is_name = false;
	for (size_t i = 0; i < interfaces->count; i++) {
		if (interface_rules_number(&only, interfaces->entries[i].name, 0))
			return true;
		*is_name |= !strcmp(interfaces->entries[i].name, rule->name);
	}
	return false;
}

/* fprobe-ulog's "eth0:100" stands for eth0; here a base needs a number after it. */
static void warn_of_rules(const struct interface_monitor *monitor)
{
	for (size_t i = 0; i < monitor->rules.count; i++) {
		const struct interface_rule *rule = &monitor->rules.rules[i];
		bool is_name;

		if (rule_matches(&monitor->interfaces, rule, &is_name))
			continue;
		if (is_name)
			log_warning("if-map %.15s:%" PRIu32 " matches no interface: for %.15s "
				    "itself write %.15s=%" PRIu32,
				    rule->name, rule->number, rule->name, rule->name, rule->number);
		else
			log_warning("if-map %.15s%c%" PRIu32 " matches no interface that is there "
				    "now",
				    rule->name, rule->is_base ? ':' : '=', rule->number);
	}
}

static void open_netlink(struct interface_monitor *monitor)
{
	struct error_text error = { .text = "" };

	monitor->netlink = interfaces_netlink_open(&monitor->interfaces, &error);
	if (!monitor->netlink) {
		log_warning("names and MTUs of interfaces are not known: %s", error.text);
		return;
	}
	interfaces_netlink_read_all(monitor->netlink, START_PATIENCE_MS);
	interfaces_publish_mtus(&monitor->interfaces, monitor->mtus);
	warn_of_rules(monitor);
}

struct interface_monitor *interface_monitor_create(const struct interface_monitor_config *config)
{
	struct interface_monitor *monitor = calloc(1, sizeof(*monitor));
	const struct interfaces_events events = {
		.named = announce_name,
		.forgotten = forget_name,
		.clash = warn_clash,
		.full = warn_full,
		.context = monitor,
	};

	if (!monitor || interface_monitor_copy_rules(&monitor->rules, config->rules)) {
		free(monitor);
		return NULL;
	}
	monitor->exporter = config->exporter;
	monitor->mtus = config->mtus;
	interfaces_init(&monitor->interfaces, &events, &monitor->rules, longest_ms(config->expiry));
	if (config->is_live)
		open_netlink(monitor);
	return monitor;
}

void interface_monitor_destroy(struct interface_monitor *monitor)
{
	if (!monitor)
		return;
	interfaces_netlink_close(monitor->netlink);
	interfaces_clear(&monitor->interfaces);
	interface_rules_clear(&monitor->rules);
	free(monitor);
}

void interface_monitor_set_expiry(struct interface_monitor *monitor,
				  const struct expiry_policy *expiry)
{
	monitor->interfaces.keep_ms = longest_ms(expiry);
}

void interface_monitor_set_rules(struct interface_monitor *monitor, struct interface_rules *rules)
{
	const struct interface_rules before = monitor->rules;

	monitor->rules = *rules;
	*rules = before;
	interfaces_renumber(&monitor->interfaces);
	if (monitor->netlink)
		warn_of_rules(monitor);
}

void interface_monitor_set_fallback(struct interface_monitor *monitor, uint32_t mtu)
{
	interface_mtus_set_fallback(monitor->mtus, mtu);
	monitor->interfaces.are_mtus_changed = true;
	interfaces_publish_mtus(&monitor->interfaces, monitor->mtus);
}

int interface_monitor_descriptor(const struct interface_monitor *monitor)
{
	return monitor->netlink ? interfaces_netlink_descriptor(monitor->netlink) : -1;
}

bool interface_monitor_read(struct interface_monitor *monitor, int64_t now_ms)
{
	bool has_more;

	if (!monitor->netlink)
		return false;
	has_more = interfaces_netlink_read(monitor->netlink, now_ms);
	interfaces_forget(&monitor->interfaces, now_ms);
	interfaces_publish_mtus(&monitor->interfaces, monitor->mtus);
	return has_more;
}

bool interface_monitor_has_rules(const struct interface_monitor *monitor)
{
	return monitor->rules.count > 0;
}

uint32_t interface_monitor_number(const struct interface_monitor *monitor, uint32_t index)
{
	return interfaces_number(&monitor->interfaces, index);
}

int interface_monitor_list(const struct interface_monitor *monitor, struct interface_list *list)
{
	const struct interfaces *interfaces = &monitor->interfaces;

	list->entries = calloc(interfaces->count + 1, sizeof(*list->entries));
	if (!list->entries)
		return -ENOMEM;
	list->count = interfaces->count;
	if (list->count)
		memcpy(list->entries, interfaces->entries, list->count * sizeof(*list->entries));
	return 0;
}

void interface_list_clear(struct interface_list *list)
{
	free(list->entries);
	*list = (struct interface_list){ 0 };
}

static int compare_index(const void *key, const void *element)
{
	const uint32_t index = *(const uint32_t *)key;
	const struct interface *entry = element;

	return index < entry->index ? -1 : index > entry->index;
}

const struct interface *interface_list_find(const struct interface_list *list, uint32_t index)
{
	if (!list->count)
		return NULL;
	return bsearch(&index, list->entries, list->count, sizeof(*list->entries), compare_index);
}

uint32_t interface_list_number(const struct interface_list *list, const char *name)
{
	const struct interface *best = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct interface *entry = &list->entries[i];

		if (strcmp(entry->name, name) == 0 && (!best || entry->gone_ms > best->gone_ms))
			best = entry;
	}
	return best ? best->number : 0;
}
