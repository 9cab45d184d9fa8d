/* test_handover_translation.c - a translated connection as bytes and back; what is none is refused.
 */
#include "handover_translation.h"

#include "check.h"

static const struct nat_connection example = {
	.source = { { 0x20, [15] = 1 }, 1000 },
	.destination = { { 0x20, [15] = 2 }, 53 },
	.reply_source = { { 0x20, [15] = 3 }, 54 },
	.reply_destination = { { 0x20, [15] = 4 }, 2000 },
	.type_code = 0x800,
	.reply_type_code = 0x100,
	.id = 0xdeadbeef,
	.protocol = 17,
	.ip_version = 6,
};

static size_t write(uint8_t *bytes, size_t size, const struct nat_connection *connection,
		    int64_t ended_ms, uint32_t each)
{
	struct writer writer = writer_of(bytes, size);

	writer_u32(&writer, each);
	handover_translation_write(&writer, connection, ended_ms);
	CHECK(!writer.failed);
	CHECK_EQ(writer_size(&writer), 4 + HANDOVER_TRANSLATION_SIZE);
	return writer_size(&writer);
}

TEST(a_connection_comes_back_as_it_was)
{
	uint8_t bytes[128];
	struct reader body = reader_of(
		bytes, write(bytes, sizeof(bytes), &example, 12345, HANDOVER_TRANSLATION_SIZE));
	struct nat_connection connection;
	int64_t ended_ms;

	CHECK_EQ(handover_translation_begin(&body), HANDOVER_TRANSLATION_SIZE);
	CHECK(handover_translation_read(&body, HANDOVER_TRANSLATION_SIZE, &connection, &ended_ms));
	CHECK_BYTES(&connection, &example, sizeof(connection));
	CHECK_EQ(ended_ms, 12345);
	CHECK(!handover_translation_read(&body, HANDOVER_TRANSLATION_SIZE, &connection, &ended_ms));
	CHECK(!body.failed);
}

TEST(members_of_a_later_version_are_skipped)
{
	uint8_t bytes[128] = { 0 };
	struct nat_connection connection;
	struct reader body;
	int64_t ended_ms;

	(void)write(bytes, sizeof(bytes), &example, 1, HANDOVER_TRANSLATION_SIZE + 4);
	body = reader_of(bytes, 4 + HANDOVER_TRANSLATION_SIZE + 4);
	CHECK_EQ(handover_translation_begin(&body), HANDOVER_TRANSLATION_SIZE + 4);
	CHECK(handover_translation_read(&body, HANDOVER_TRANSLATION_SIZE + 4, &connection,
					&ended_ms));
	CHECK_BYTES(&connection, &example, sizeof(connection));
	CHECK(!handover_translation_read(&body, HANDOVER_TRANSLATION_SIZE + 4, &connection,
					 &ended_ms));
}

TEST(of_IPv4_the_rest_is_0)
{
	struct nat_connection ipv4 = example, connection;
	uint8_t bytes[128];
	struct reader body;
	int64_t ended_ms;

	ipv4.ip_version = 4;
	body = reader_of(bytes, write(bytes, sizeof(bytes), &ipv4, 1, HANDOVER_TRANSLATION_SIZE));
	(void)handover_translation_begin(&body);
	CHECK(handover_translation_read(&body, HANDOVER_TRANSLATION_SIZE, &connection, &ended_ms));
	CHECK_EQ(connection.source.address[0], 0x20);
	CHECK_EQ(connection.source.address[15], 0);
}

static void check_refused(const struct nat_connection *connection, int64_t ended_ms)
{
	struct nat_connection read;
	uint8_t bytes[128];
	struct reader body = reader_of(bytes, write(bytes, sizeof(bytes), connection, ended_ms,
						    HANDOVER_TRANSLATION_SIZE));

	(void)handover_translation_begin(&body);
	CHECK(!handover_translation_read(&body, HANDOVER_TRANSLATION_SIZE, &read, &ended_ms));
	CHECK(body.failed);
}

TEST(what_is_none_is_refused)
{
	struct nat_connection wrong = example;
	uint8_t bytes[128];
	size_t size;

	wrong.ip_version = 5;
	check_refused(&wrong, 1);
	check_refused(&example, -1);
	size = write(bytes, sizeof(bytes), &example, 1, HANDOVER_TRANSLATION_SIZE);
	for (size_t cut = 1; cut < size; cut++) {
		struct reader body = reader_of(bytes, size - cut);

		CHECK_EQ(handover_translation_begin(&body) != 0, size - cut == 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_comes_back_as_it_was),
		cmocka_unit_test(members_of_a_later_version_are_skipped),
		cmocka_unit_test(of_IPv4_the_rest_is_0),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return RUN_TESTS(tests);
}
