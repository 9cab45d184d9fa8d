/* test_capture_sock_diag_parse.c - answers about sockets, as the kernel lays them out, and what is
 * none. */
#include "capture_sock_diag_parse.h"

#include "bytes.h"
#include "check.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#define CGROUP   21 /* INET_DIAG_CGROUP_ID */
#define SEQUENCE 7

struct datagram {
	size_t size;
	uint8_t bytes[512];
};

static void put(struct datagram *datagram, const void *bytes, size_t size)
{
	memcpy(datagram->bytes + datagram->size, bytes, size);
	datagram->size += size;
}

static void put_header(struct datagram *datagram, uint16_t type, uint32_t sequence, size_t body)
{
	const struct nlmsghdr header = {
		.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + body),
		.nlmsg_type = type,
		.nlmsg_seq = sequence,
	};

	put(datagram, &header, sizeof(header));
}

/* A socket with its attributes, each with its header: SHUTDOWN (1 byte and padding), the control
 * group. */
static struct datagram socket_of(uint32_t sequence, uint32_t user, uint32_t inode, uint64_t cgroup)
{
	const struct inet_diag_msg message = { .idiag_uid = user, .idiag_inode = inode };
	const struct nlattr shutdown = { 5, INET_DIAG_SHUTDOWN };
	const struct nlattr group = { 12, CGROUP };
	struct datagram datagram = { .size = 0 };

	put_header(&datagram, SOCK_DIAG_BY_FAMILY, sequence, sizeof(message) + 8 + 12);
	put(&datagram, &message, sizeof(message));
	put(&datagram, &shutdown, sizeof(shutdown));
	put(&datagram, "\0xyz", 4);
	put(&datagram, &group, sizeof(group));
	put(&datagram, &cgroup, sizeof(cgroup));
	return datagram;
}

static int parse(const struct datagram *datagram, struct packet_owner *owner)
{
	uint8_t *exact = malloc(datagram->size); /* so that sanitizers see its end */
	int result;

	CHECK(exact);
	memcpy(exact, datagram->bytes, datagram->size);
	*owner = (struct packet_owner){ .user = 77, .cgroup = 77 };
	result = capture_sock_diag_parse(exact, datagram->size, SEQUENCE, owner);
	free(exact);
	return result;
}

TEST(socket_has_user_and_control_group)
{
	struct datagram datagram = socket_of(SEQUENCE, 0, 5, UINT64_C(0x100000002));
	struct packet_owner owner;

	CHECK_EQ(parse(&datagram, &owner), 1);
	CHECK_EQ(owner.user, 1);
	CHECK_EQ(owner.cgroup, 0x100000002);
	datagram = socket_of(SEQUENCE, 1001, 5, 1); /* the root is of nobody */
	CHECK_EQ(parse(&datagram, &owner), 1);
	CHECK_EQ(owner.user, 1002);
	CHECK_EQ(owner.cgroup, 0);
}

/* TIME_WAIT, and a SYN that nobody has accepted, have 0 for all. */
TEST(what_has_no_inode_has_no_owner)
{
	struct datagram datagram = socket_of(SEQUENCE, 0, 0, 4711);
	struct packet_owner owner;

	CHECK_EQ(parse(&datagram, &owner), 1);
	CHECK_EQ(owner.user, 0);
	CHECK_EQ(owner.cgroup, 0);
}

TEST(answer_to_another_question_is_passed_over)
{
	struct datagram datagram = socket_of(SEQUENCE - 1, 1, 5, 2);
	const struct datagram ours = socket_of(SEQUENCE, 2, 5, 3);
	struct packet_owner owner;

	CHECK_EQ(parse(&datagram, &owner), 0);
	CHECK_EQ(owner.user, 77);
	put(&datagram, ours.bytes, ours.size);
	CHECK_EQ(parse(&datagram, &owner), 1);
	CHECK_EQ(owner.user, 3);
	CHECK_EQ(owner.cgroup, 3);
}

TEST(error_is_returned)
{
	const int32_t errors[][2] = {
		{ -ENOENT, -ENOENT }, { -EPERM, -EPERM },      { 0, -EBADMSG },
		{ 5, -EBADMSG },      { INT32_MIN, -EBADMSG },
	};
	struct packet_owner owner;

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct datagram datagram = { .size = 0 };

		put_header(&datagram, NLMSG_ERROR, SEQUENCE, 4);
		put(&datagram, &errors[i][0], 4);
		CHECK_EQ(parse(&datagram, &owner), errors[i][1]);
	}
}

/* Cut anywhere, it is one of the answers; what is left of an attribute is none. */
TEST(what_is_cut_makes_no_sense_or_says_less)
{
	const struct datagram whole = socket_of(SEQUENCE, 1001, 5, 4711);
	struct packet_owner owner;

	for (size_t size = 1; size < whole.size; size++) {
		struct datagram cut = whole;

		cut.size = size;
		CHECK_EQ(parse(&cut, &owner), -EBADMSG); /* the length in front says more */
		if (size < NLMSG_HDRLEN)
			continue;
		memcpy(cut.bytes, &(uint32_t){ (uint32_t)size }, 4);
		if (size < NLMSG_HDRLEN + sizeof(struct inet_diag_msg)) {
			CHECK_EQ(parse(&cut, &owner), -EBADMSG);
			continue;
		}
		CHECK_EQ(parse(&cut, &owner), 1);
		CHECK_EQ(owner.user, 1002);
		CHECK_EQ(owner.cgroup, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(socket_has_user_and_control_group),
		cmocka_unit_test(what_has_no_inode_has_no_owner),
		cmocka_unit_test(answer_to_another_question_is_passed_over),
		cmocka_unit_test(error_is_returned),
		cmocka_unit_test(what_is_cut_makes_no_sense_or_says_less),
	};

	return RUN_TESTS(tests);
}
