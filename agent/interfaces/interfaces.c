/* interfaces.c - link messages of the kernel -> a sorted list, and what changes by them.
 *
 * Place: interfaces_netlink.c (the socket) -> here -> exporter (names), workers (MTUs). Invariant:
 * entries are in the order of their indexes, and after each call what was reported through the
 * events is what the list says.
 *
 * The kernel sends notifications and the parts of a dump through one queue, each made under one
 * lock, so that what comes later is the newer state, whichever of the two it is. An entry that
 * neither a dump nor a notification since the dump's beginning has named is gone. */
#include "interfaces.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { FIRST_CAPACITY = 16 };

void interfaces_init(struct interfaces *interfaces, const struct interfaces_events *events,
		     const struct interface_rules *rules, int64_t keep_ms)
{
	*interfaces = (struct interfaces){
		.events = *events,
		.rules = rules,
		.keep_ms = keep_ms,
		.forget_ms = INTERFACE_IS_PRESENT,
	};
}

void interfaces_clear(struct interfaces *interfaces)
{
	free(interfaces->entries);
	interfaces->entries = NULL;
	interfaces->count = interfaces->capacity = 0;
}

/* Where an index is, or would be: the first that is not below it. */
static size_t position_of(const struct interfaces *interfaces, uint32_t index)
{
	size_t low = 0;
	size_t high = interfaces->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (interfaces->entries[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct interface *find(const struct interfaces *interfaces, uint32_t index)
{
	const size_t position = position_of(interfaces, index);

	return position < interfaces->count && interfaces->entries[position].index == index
		       ? &interfaces->entries[position]
		       : NULL;
}

static bool is_present(const struct interface *entry)
{
	return entry->gone_ms == INTERFACE_IS_PRESENT;
}

/* Which of two with one number gives it its name: one that is there, and of these the first. */
static bool is_better(const struct interface *entry, const struct interface *best)
{
	if (is_present(entry) != is_present(best))
		return is_present(entry);
	return entry->index < best->index;
}

/* Say what a number is called after a change. Only rules can give several interfaces one. */
static void report_number(struct interfaces *interfaces, uint32_t number)
{
	const struct interfaces_events *events = &interfaces->events;
	const struct interface *best = NULL;
	const struct interface *other = NULL;
	struct interface_name name = { .index = number };

	if (!interfaces->rules->count)
		best = find(interfaces, number);
	for (size_t i = 0; interfaces->rules->count && i < interfaces->count; i++) {
		const struct interface *entry = &interfaces->entries[i];

		if (entry->number != number)
			continue;
		if (!best || is_better(entry, best)) {
			other = best && is_present(best) ? best : other;
			best = entry;
		} else if (is_present(entry)) {
			other = entry;
		}
	}
	if (!best) {
		events->forgotten(events->context, number);
		return;
	}
	memcpy(name.name, best->name, sizeof(best->name));
	if (best->alias[0])
		memcpy(name.description, best->alias, sizeof(best->alias));
	else
		memcpy(name.description, best->name, sizeof(best->name));
	events->named(events->context, &name);
	if (other)
		events->clash(events->context, number, best->name, other->name);
}

static void remove_at(struct interfaces *interfaces, size_t position)
{
	struct interface *entry = &interfaces->entries[position];
	const uint32_t number = entry->number;

	interfaces->count--;
	memmove(entry, entry + 1, (interfaces->count - position) * sizeof(*entry));
	interfaces->are_mtus_changed = true;
	report_number(interfaces, number);
}

/* Make room by forgetting what has gone the longest. */
static bool forget_oldest(struct interfaces *interfaces)
{
	size_t oldest = 0;

	for (size_t i = 1; i < interfaces->count; i++)
		if (interfaces->entries[i].gone_ms < interfaces->entries[oldest].gone_ms)
			oldest = i;
	if (is_present(&interfaces->entries[oldest]))
		return false;
	remove_at(interfaces, oldest);
	return true;
}

static bool make_room(struct interfaces *interfaces)
{
	size_t capacity = interfaces->capacity ? 2 * interfaces->capacity : FIRST_CAPACITY;
	struct interface *entries;

	if (interfaces->count < interfaces->capacity)
		return true;
	if (interfaces->count == INTERFACES_MAX)
		return forget_oldest(interfaces);
	if (capacity > INTERFACES_MAX)
		capacity = INTERFACES_MAX;
	entries = realloc(interfaces->entries, capacity * sizeof(*entries));
	if (!entries)
		return false;
	interfaces->entries = entries;
	interfaces->capacity = capacity;
	return true;
}

/* New, empty entry; NULL if there is no room. */
static struct interface *insert(struct interfaces *interfaces, uint32_t index)
{
	struct interface *entry;
	size_t position;

	if (!make_room(interfaces)) {
		interfaces->events.full(interfaces->events.context);
		return NULL;
	}
	position = position_of(interfaces, index);
	entry = &interfaces->entries[position];
	memmove(entry + 1, entry, (interfaces->count - position) * sizeof(*entry));
	interfaces->count++;
	*entry = (struct interface){ .index = index, .gone_ms = INTERFACE_IS_PRESENT };
	return entry;
}

/* 'link' is how an interface is now. */
static void set_link(struct interfaces *interfaces, const struct interface *link)
{
	struct interface *entry = find(interfaces, link->index);
	struct interface before;

	if (!entry)
		entry = insert(interfaces, link->index);
	if (!entry)
		return;
	before = *entry;
	*entry = *link;
	entry->dump = interfaces->dump;
	entry->gone_ms = INTERFACE_IS_PRESENT;
	entry->number = interface_rules_number(interfaces->rules, link->name, link->index);
	if (!link->mtu)
		entry->mtu = before.mtu;
	interfaces->are_mtus_changed |= entry->mtu != before.mtu;
	if (before.number && before.number != entry->number)
		report_number(interfaces, before.number);
	if (before.number != entry->number || !is_present(&before) ||
	    memcmp(entry->name, before.name, sizeof(before.name)) != 0 ||
	    memcmp(entry->alias, before.alias, sizeof(before.alias)) != 0)
		report_number(interfaces, entry->number);
}

static void set_gone(struct interfaces *interfaces, struct interface *entry, int64_t now_ms)
{
	if (!is_present(entry))
		return;
	entry->gone_ms = now_ms;
	if (now_ms + interfaces->keep_ms < interfaces->forget_ms)
		interfaces->forget_ms = now_ms + interfaces->keep_ms;
	/* Another one of its number may give the name now. */
	if (interfaces->rules->count)
		report_number(interfaces, entry->number);
}

void interfaces_forget(struct interfaces *interfaces, int64_t now_ms)
{
	if (now_ms < interfaces->forget_ms)
		return;
	interfaces->forget_ms = INTERFACE_IS_PRESENT;
	for (size_t i = interfaces->count; i-- > 0;) {
		const struct interface *entry = &interfaces->entries[i];

		if (is_present(entry))
			continue;
		if (entry->gone_ms + interfaces->keep_ms <= now_ms)
			remove_at(interfaces, i);
		else if (entry->gone_ms + interfaces->keep_ms < interfaces->forget_ms)
			interfaces->forget_ms = entry->gone_ms + interfaces->keep_ms;
	}
}

void interfaces_dump_begin(struct interfaces *interfaces, uint32_t sequence)
{
	interfaces->dump++;
	interfaces->dump_sequence = sequence;
	interfaces->is_interrupted = false;
}

static enum interfaces_result end_dump(struct interfaces *interfaces, bool is_complete,
				       int64_t now_ms)
{
	interfaces->dump_sequence = 0;
	if (!is_complete || interfaces->is_interrupted)
		return INTERFACES_dump_incomplete;
	for (size_t i = 0; i < interfaces->count; i++)
		if (interfaces->entries[i].dump != interfaces->dump)
			set_gone(interfaces, &interfaces->entries[i], now_ms);
	return INTERFACES_dump_done;
}

/* Text of an attribute, up to its NUL, cut to 'size' with one; not within a character of UTF-8. */
static void text_copy(char *text, size_t size, const uint8_t *value, size_t length)
{
	length = strnlen((const char *)value, length);
	if (length >= size) {
		length = size - 1;
		while (length && (value[length] & 0xc0) == 0x80)
			length--;
	}
	memset(text, 0, size);
	memcpy(text, value, length);
}

/* Take an attribute if it is of use here. */
static void note_attribute(const struct nlattr *attribute, struct interface *link)
{
	const uint8_t *value = mnl_attr_get_payload(attribute);
	const size_t size = mnl_attr_get_payload_len(attribute);

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_IFNAME: text_copy(link->name, sizeof(link->name), value, size); break;
	case IFLA_IFALIAS: text_copy(link->alias, sizeof(link->alias), value, size); break;
	case IFLA_MTU:
		if (size >= sizeof(link->mtu))
			link->mtu = mnl_attr_get_u32(attribute);
		break;
	default: break;
	}
}

/* The attributes after struct ifinfomsg. Returns whether all of them make sense; padding may be
 * missing at the end, which mnl_attr_for_each() would read. */
static bool parse_attributes(const struct nlmsghdr *message, struct interface *link)
{
	const uint8_t *end = (const uint8_t *)message + message->nlmsg_len;
	const struct nlattr *attribute =
		mnl_nlmsg_get_payload_offset(message, sizeof(struct ifinfomsg));
	ptrdiff_t left = end - (const uint8_t *)attribute;

	while (mnl_attr_ok(attribute, (int)left)) {
		note_attribute(attribute, link);
		attribute = mnl_attr_next(attribute);
		left = end - (const uint8_t *)attribute;
	}
	/* What is left is too short to be an attribute, or one that says that it is longer. */
	return left < (ptrdiff_t)sizeof(*attribute);
}

/* The body of RTM_NEWLINK or RTM_DELLINK. Bridges and IPv6 have messages of the same types with
 * families of their own, about ports and addresses: a port that leaves its bridge still is there.
 */
static bool parse_link(struct interfaces *interfaces, const struct nlmsghdr *message,
		       int64_t now_ms)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	struct interface link = { .gone_ms = INTERFACE_IS_PRESENT };
	struct interface *entry;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*header))
		return false;
	if (header->ifi_family != AF_UNSPEC || header->ifi_index == 0)
		return true;
	link.index = (uint32_t)header->ifi_index;
	if (message->nlmsg_type == RTM_DELLINK) {
		entry = find(interfaces, link.index);
		if (entry)
			set_gone(interfaces, entry, now_ms);
		return true;
	}
	if (!parse_attributes(message, &link) || !link.name[0])
		return false;
	set_link(interfaces, &link);
	return true;
}

/* The end of a dump, or an error instead of one: the body begins with 0 or a negative errno. */
static enum interfaces_result parse_status(struct interfaces *interfaces,
					   const struct nlmsghdr *message, bool is_of_dump,
					   int64_t now_ms)
{
	const int *status = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*status))
		return INTERFACES_malformed;
	if (!is_of_dump)
		return INTERFACES_ok;
	return end_dump(interfaces, message->nlmsg_type == NLMSG_DONE && !*status, now_ms);
}

/* One message. */
static enum interfaces_result parse_message(struct interfaces *interfaces,
					    const struct nlmsghdr *message, int64_t now_ms)
{
	const bool is_of_dump =
		interfaces->dump_sequence && message->nlmsg_seq == interfaces->dump_sequence;

	if (is_of_dump && (message->nlmsg_flags & NLM_F_DUMP_INTR))
		interfaces->is_interrupted = true;
	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return parse_link(interfaces, message, now_ms) ? INTERFACES_ok
							       : INTERFACES_malformed;
	case NLMSG_DONE:
	case NLMSG_ERROR: return parse_status(interfaces, message, is_of_dump, now_ms);
	default: return INTERFACES_ok;
	}
}

/* libmnl 1.0.5 takes the length for a signed number: one above 2^31 would pass. */
static bool message_is_whole(const struct nlmsghdr *message, int left)
{
	return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (uint32_t)left;
}

enum interfaces_result interfaces_parse(struct interfaces *interfaces, const uint8_t *bytes,
					size_t size, int64_t now_ms)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)bytes;
	enum interfaces_result result = INTERFACES_ok;
	int left = (int)size; /* below 0 where the padding of the last is missing */

	while (message_is_whole(message, left)) {
		const enum interfaces_result one = parse_message(interfaces, message, now_ms);

		if (one > result)
			result = one;
		message = mnl_nlmsg_next(message, &left);
	}
	return left > 0 ? INTERFACES_malformed : result; /* where the next starts is not known */
}

void interfaces_renumber(struct interfaces *interfaces)
{
	for (size_t i = 0; i < interfaces->count; i++) {
		struct interface *entry = &interfaces->entries[i];

		interfaces->events.forgotten(interfaces->events.context, entry->number);
		entry->number =
			interface_rules_number(interfaces->rules, entry->name, entry->index);
	}
	for (size_t i = 0; i < interfaces->count; i++)
		report_number(interfaces, interfaces->entries[i].number);
}

uint32_t interfaces_number(const struct interfaces *interfaces, uint32_t index)
{
	const struct interface *entry = interfaces->rules->count ? find(interfaces, index) : NULL;

	return entry ? entry->number : index;
}

void interfaces_publish_mtus(struct interfaces *interfaces, struct interface_mtus *mtus)
{
	struct interface_mtu list[INTERFACE_MTUS_MAX];
	size_t count = 0;

	if (!interfaces->are_mtus_changed)
		return;
	interfaces->are_mtus_changed = false;
	for (size_t i = 0; i < interfaces->count && count < INTERFACE_MTUS_MAX; i++) {
		const struct interface *entry = &interfaces->entries[i];

		/* What is not in the list has the fallback. */
		if (entry->mtu && entry->mtu != mtus->fallback)
			list[count++] = (struct interface_mtu){ entry->index, entry->mtu };
	}
	interface_mtus_set(mtus, list, count);
}
