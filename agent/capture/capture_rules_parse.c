/* capture_rules_parse.c - messages of nf_tables -> groups.
 *
 * Place: beside capture_nflog_parse.c, which reads what the rules log. A rule is a list of
 * expressions, each a name and attributes of its own (linux/netfilter/nf_tables.h). */
#include "capture_rules_parse.h"

#include "bytes.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

enum { AT_XT_GROUP = 4 }; /* struct xt_nflog_info: 32 bits of length, 16 of group, host order */

/* The attribute at 'bytes', NULL at the end. */
static const struct nlattr *attribute_at(const void *bytes, const uint8_t *end)
{
	return mnl_attr_ok(bytes, (int)(end - (const uint8_t *)bytes)) ? bytes : NULL;
}

static const uint8_t *end_of(const struct nlattr *nest)
{
	return (const uint8_t *)mnl_attr_get_payload(nest) + mnl_attr_get_payload_len(nest);
}

/* Find an attribute in 'size' bytes of them; NULL if there is none. */
static const struct nlattr *find_attribute(const void *bytes, size_t size, uint16_t type)
{
	const uint8_t *end = (const uint8_t *)bytes + size;
	const struct nlattr *attribute = attribute_at(bytes, end);

	while (attribute && mnl_attr_get_type(attribute) != type)
		attribute = attribute_at(mnl_attr_next(attribute), end);
	return attribute;
}

static const struct nlattr *find_nested(const struct nlattr *nest, uint16_t type)
{
	return nest ? find_attribute(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest),
				     type)
		    : NULL;
}

static bool is_text(const struct nlattr *attribute, const char *text)
{
	return attribute && mnl_attr_get_payload_len(attribute) == strlen(text) + 1 &&
	       memcmp(mnl_attr_get_payload(attribute), text, strlen(text) + 1) == 0;
}

/* The group that an expression logs to; -1 if it does not. */
static int32_t group_of(const struct nlattr *expression)
{
	const struct nlattr *name = find_nested(expression, NFTA_EXPR_NAME);
	const struct nlattr *data = find_nested(expression, NFTA_EXPR_DATA);
	const struct nlattr *value;
	uint16_t group;

	if (is_text(name, "log")) {
		value = find_nested(data, NFTA_LOG_GROUP);
		return value && mnl_attr_get_payload_len(value) >= sizeof(group)
			       ? (int32_t)load_be16(mnl_attr_get_payload(value))
			       : -1;
	}
	if (!is_text(name, "target") || !is_text(find_nested(data, NFTA_TARGET_NAME), "NFLOG"))
		return -1;
	value = find_nested(data, NFTA_TARGET_INFO);
	if (!value || mnl_attr_get_payload_len(value) < AT_XT_GROUP + sizeof(group))
		return -1;
	memcpy(&group, (const uint8_t *)mnl_attr_get_payload(value) + AT_XT_GROUP, sizeof(group));
	return group;
}

static void parse_rule(const struct capture_rules_answer *answer, const uint8_t *attributes,
		       size_t size)
{
	const struct nlattr *list = find_attribute(attributes, size, NFTA_RULE_EXPRESSIONS);
	const uint8_t *end = list ? end_of(list) : NULL;
	const struct nlattr *expression =
		list ? attribute_at(mnl_attr_get_payload(list), end) : NULL;

	for (; expression; expression = attribute_at(mnl_attr_next(expression), end)) {
		const int32_t group = group_of(expression);

		if (mnl_attr_get_type(expression) == NFTA_LIST_ELEM && group >= 0)
			answer->found(answer->context, (uint16_t)group);
	}
}

static void parse_generation(struct capture_rules_answer *answer, const uint8_t *attributes,
			     size_t size)
{
	const struct nlattr *id = find_attribute(attributes, size, NFTA_GEN_ID);

	if (id && mnl_attr_get_payload_len(id) >= sizeof(uint32_t))
		answer->generation = load_be32(mnl_attr_get_payload(id));
}

/* The end of a dump, or what the kernel has against the question. */
static void parse_status(struct capture_rules_answer *answer, const struct nlmsghdr *message)
{
	int status = 0;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(status))
		memcpy(&status, mnl_nlmsg_get_payload(message), sizeof(status));
	answer->error = status < 0 ? status : 0;
	answer->is_complete = true;
}

static void parse_message(struct capture_rules_answer *answer, const struct nlmsghdr *message)
{
	const size_t size = mnl_nlmsg_get_payload_len(message);
	const uint8_t *attributes =
		(const uint8_t *)mnl_nlmsg_get_payload(message) + sizeof(struct nfgenmsg);

	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		answer->is_interrupted = true;
	if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) {
		parse_status(answer, message);
		return;
	}
	if (size < sizeof(struct nfgenmsg))
		return;
	switch (message->nlmsg_type) {
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE:
		parse_rule(answer, attributes, size - sizeof(struct nfgenmsg));
		break;
	case NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN:
		parse_generation(answer, attributes, size - sizeof(struct nfgenmsg));
		answer->is_complete = true;
		break;
	default: break;
	}
}

/* libmnl 1.0.5 takes the length for a signed number: one above 2^31 would pass. */
static bool message_is_whole(const struct nlmsghdr *message, int left)
{
	return mnl_nlmsg_ok(message, left) && message->nlmsg_len <= (uint32_t)left;
}

void capture_rules_parse(struct capture_rules_answer *answer, const uint8_t *bytes, size_t size)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)bytes;
	int left = (int)size;

	while (message_is_whole(message, left)) {
		if (message->nlmsg_seq == answer->sequence)
			parse_message(answer, message);
		message = mnl_nlmsg_next(message, &left);
	}
}
