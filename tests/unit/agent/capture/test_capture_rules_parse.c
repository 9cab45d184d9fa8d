/* test_capture_rules_parse.c - answers of nf_tables: built here, recorded, cut anywhere. */
#include "check.h"

#include "capture_rules_parse.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>

#define SEQUENCE 7

struct groups {
	uint16_t list[8];
	size_t count;
};

static void found(void *context, uint16_t group)
{
	struct groups *groups = context;

	CHECK(groups->count < 8);
	groups->list[groups->count++] = group;
}

static struct nlmsghdr *begin(void *buffer, uint16_t type)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *family;

	message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	message->nlmsg_seq = SEQUENCE;
	family = mnl_nlmsg_put_extra_header(message, sizeof(*family));
	family->nfgen_family = AF_INET;
	return message;
}

/* Begin an expression; end it with mnl_attr_nest_end() of the data, then of the element. */
static struct nlattr *begin_expression(struct nlmsghdr *message, const char *name,
				       struct nlattr **element)
{
	*element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
	mnl_attr_put_strz(message, NFTA_EXPR_NAME, name);
	return mnl_attr_nest_start(message, NFTA_EXPR_DATA);
}

/* counter; log group 40; NFLOG --nflog-group 41; log without a group; another target. */
static void put_rule(struct nlmsghdr *message)
{
	const uint16_t info[34] = { 0, 0, 41 };
	struct nlattr *element;
	struct nlattr *data;
	struct nlattr *list;

	mnl_attr_put_strz(message, NFTA_RULE_TABLE, "raw");
	list = mnl_attr_nest_start(message, NFTA_RULE_EXPRESSIONS);
	data = begin_expression(message, "counter", &element);
	mnl_attr_put_u64(message, NFTA_COUNTER_BYTES, 1);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, element);
	data = begin_expression(message, "log", &element);
	mnl_attr_put_u32(message, NFTA_LOG_SNAPLEN, 0);
	mnl_attr_put_u16(message, NFTA_LOG_GROUP, htobe16(40));
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, element);
	for (int i = 0; i < 2; i++) {
		data = begin_expression(message, "target", &element);
		mnl_attr_put_strz(message, NFTA_TARGET_NAME, i ? "TOS" : "NFLOG");
		mnl_attr_put(message, NFTA_TARGET_INFO, sizeof(info), info);
		mnl_attr_nest_end(message, data);
		mnl_attr_nest_end(message, element);
	}
	data = begin_expression(message, "log", &element);
	mnl_attr_put_u32(message, NFTA_LOG_LEVEL, 0);
	mnl_attr_nest_end(message, data);
	mnl_attr_nest_end(message, element);
	mnl_attr_nest_end(message, list);
}

static size_t put_done(uint8_t *buffer, int status)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = NLMSG_DONE;
	message->nlmsg_seq = SEQUENCE;
	*(int *)mnl_nlmsg_put_extra_header(message, sizeof(status)) = status;
	return message->nlmsg_len;
}

TEST(rules_that_log_to_groups_are_found)
{
	_Alignas(8) uint8_t buffer[2048] = { 0 };
	struct groups groups = { .count = 0 };
	struct capture_rules_answer answer = { found, &groups, .sequence = SEQUENCE };
	struct nlmsghdr *message = begin(buffer, NFT_MSG_NEWRULE);
	size_t size;

	put_rule(message);
	size = (message->nlmsg_len + 3u) & ~3u;
	capture_rules_parse(&answer, buffer, size);
	CHECK(!answer.is_complete);
	CHECK_EQ(groups.count, 2);
	CHECK_EQ(groups.list[0], 40);
	CHECK_EQ(groups.list[1], 41);

	message->nlmsg_seq = SEQUENCE + 1; /* of another question */
	capture_rules_parse(&answer, buffer, size);
	CHECK_EQ(groups.count, 2);
	message->nlmsg_seq = SEQUENCE;
	message->nlmsg_flags = NLM_F_DUMP_INTR;
	size += put_done(buffer + size, 0);
	capture_rules_parse(&answer, buffer, size);
	CHECK_EQ(groups.count, 4);
	CHECK(answer.is_complete && answer.is_interrupted && !answer.error);
}

TEST(the_number_of_the_rule_set_and_errors_are_reported)
{
	_Alignas(8) uint8_t buffer[256] = { 0 };
	struct capture_rules_answer answer = { found, NULL, .sequence = SEQUENCE };
	struct nlmsghdr *message = begin(buffer, NFT_MSG_NEWGEN);

	mnl_attr_put_u32(message, NFTA_GEN_ID, htobe32(123456));
	capture_rules_parse(&answer, buffer, message->nlmsg_len);
	CHECK_EQ(answer.generation, 123456);
	CHECK(answer.is_complete);
	capture_rules_parse(&answer, buffer, put_done(buffer, -EPERM));
	CHECK_EQ(answer.error, -EPERM);
}

TEST(answers_may_be_cut_anywhere)
{
	_Alignas(8) uint8_t buffer[2048] = { 0 };
	struct nlmsghdr *message = begin(buffer, NFT_MSG_NEWRULE);
	uint32_t whole;

	put_rule(message);
	whole = message->nlmsg_len;
	for (uint32_t size = 0; size <= whole; size++) {
		struct groups groups = { .count = 0 };
		struct capture_rules_answer answer = { found, &groups, .sequence = SEQUENCE };
		uint8_t *copy = malloc(size ? size : 1);

		CHECK(copy != NULL);
		message->nlmsg_len = size; /* so that the attributes are cut, not the message */
		memcpy(copy, buffer, size);
		capture_rules_parse(&answer, copy, size);
		CHECK(groups.count <= 2);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_that_log_to_groups_are_found),
		cmocka_unit_test(the_number_of_the_rule_set_and_errors_are_reported),
		cmocka_unit_test(answers_may_be_cut_anywhere),
	};

	return RUN_TESTS(tests);
}
