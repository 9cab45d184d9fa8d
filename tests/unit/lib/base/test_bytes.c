/* test_bytes.c - reader and writer: byte order, bounds, and the first error that sticks. */
#include "bytes.h"
#include "check.h"

TEST(loads)
{
	static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 0xf9 };

	CHECK_EQ(load_be16(bytes), 0x0102);
	CHECK_EQ(load_be32(bytes + 1), 0x02030405);
	CHECK_EQ(load_be64(bytes), 0x0102030405060708);
	CHECK_EQ(load_be16(bytes + 7), 0x08f9);
	CHECK_EQ(load_le16(bytes), 0x0201);
	CHECK_EQ(load_le32(bytes + 5), 0xf9080706);
}

TEST(reader_takes_from_the_front)
{
	static const uint8_t bytes[] = {
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
	};
	struct reader reader = reader_of(bytes, sizeof(bytes));

	CHECK_EQ(reader_left(&reader), 17);
	CHECK_EQ(reader_u8(&reader), 1);
	CHECK_EQ(reader_u16(&reader), 0x0203);
	CHECK_EQ(reader_u32(&reader), 0x04050607);
	CHECK_EQ(reader_u64(&reader), 0x08090a0b0c0d0e0f);
	CHECK(reader_take(&reader, 2) == bytes + 15);
	CHECK_EQ(reader_left(&reader), 0);
	CHECK(reader_take(&reader, 0) != NULL);
	CHECK(!reader.failed);
}

TEST(reader_fails_past_the_end_and_stays_failed)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct reader reader = reader_of(bytes, sizeof(bytes));

	CHECK_EQ(reader_u32(&reader), 0);
	CHECK(reader.failed);
	CHECK_EQ(reader_left(&reader), 3); /* nothing was consumed */
	CHECK_EQ(reader_u8(&reader), 0);
	CHECK_EQ(reader_u16(&reader), 0);
	CHECK_EQ(reader_u64(&reader), 0);
	CHECK(reader_take(&reader, 0) == NULL);
	CHECK(reader_take(&reader, SIZE_MAX) == NULL);
}

TEST(reader_refuses_sizes_that_would_wrap)
{
	static const uint8_t bytes[] = { 1, 2, 3 };
	struct reader reader = reader_of(bytes, sizeof(bytes));

	CHECK(reader_take(&reader, SIZE_MAX) == NULL);
	CHECK(reader.failed);
	reader = reader_of(bytes, sizeof(bytes));
	CHECK(reader_take(&reader, SIZE_MAX - 1) == NULL);
}

TEST(writer_fills_from_the_front)
{
	static const uint8_t expected[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	uint8_t bytes[16] = { 0 };
	struct writer writer = writer_of(bytes, sizeof(bytes));

	writer_u8(&writer, 1);
	writer_u16(&writer, 0x0203);
	writer_u32(&writer, 0x04050607);
	writer_u64(&writer, 0x08090a0b0c0d0e0f);
	CHECK_EQ(writer_size(&writer), 15);
	CHECK_EQ(writer_left(&writer), 1);
	writer_bytes(&writer, expected + 15, 1);
	CHECK(!writer.failed);
	CHECK_EQ(writer_left(&writer), 0);
	CHECK_BYTES(bytes, expected, sizeof(expected));
	writer_bytes(&writer, NULL, 0);
	CHECK(!writer.failed);
}

TEST(writer_writes_the_low_bytes_of_a_number)
{
	uint8_t bytes[8] = { 0 };
	struct writer writer = writer_of(bytes, sizeof(bytes));
	static const uint8_t expected[] = { 0x06, 0x07, 0x08, 0x04, 0x05, 0x06, 0x07, 0x08 };

	writer_unsigned(&writer, 0x0102030405060708, 3);
	writer_unsigned(&writer, 0x0102030405060708, 5);
	CHECK_BYTES(bytes, expected, sizeof(expected));
}

TEST(writer_fails_past_the_end_and_stays_failed)
{
	uint8_t bytes[4] = { 9, 9, 9, 9 };
	static const uint8_t untouched[4] = { 9, 9, 9, 9 };
	struct writer writer = writer_of(bytes, 3);

	writer_u32(&writer, 0);
	CHECK(writer.failed);
	CHECK_EQ(writer_size(&writer), 0);
	writer_u8(&writer, 1);
	writer_bytes(&writer, "ab", 2);
	CHECK(writer_take(&writer, 0) == NULL);
	CHECK_BYTES(bytes, untouched, sizeof(bytes));
	writer = writer_of(bytes, 3);
	CHECK(writer_take(&writer, SIZE_MAX) == NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads),
		cmocka_unit_test(reader_takes_from_the_front),
		cmocka_unit_test(reader_fails_past_the_end_and_stays_failed),
		cmocka_unit_test(reader_refuses_sizes_that_would_wrap),
		cmocka_unit_test(writer_fills_from_the_front),
		cmocka_unit_test(writer_writes_the_low_bytes_of_a_number),
		cmocka_unit_test(writer_fails_past_the_end_and_stays_failed),
	};

	return RUN_TESTS(tests);
}
