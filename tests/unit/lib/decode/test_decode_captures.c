/* test_decode_captures.c - every packet of every capture in tests/wire, decoded in a block of
 * exactly its captured length, cut at every length that headers end in. A capture library's buffer
 * is larger than the packet and hides a read past its end. */
#include "capture_sources.h"
#include "decode.h"

#include "check.h"

#include <glob.h>
#include <stdlib.h>

/* Longest cut tried: beyond it are payloads. */
#define CUT_MAX 160

static void decode_exactly(const struct packet_view *view, uint32_t captured_bytes)
{
	uint8_t *block = malloc(captured_bytes ? captured_bytes : 1);
	struct packet_view packet = *view;
	struct packet_info info;
	enum drop_reason reason;

	assert_non_null(block);
	memcpy(block, view->bytes, captured_bytes);
	packet.bytes = block;
	packet.captured_bytes = captured_bytes;
	reason = decode_packet(&packet, &info);
	CHECK(reason < DROP_REASON_COUNT);
	if (reason == DROP_NONE) {
		CHECK(info.key.ip_version == 4 || info.key.ip_version == 6);
		CHECK(info.octets >= (info.key.ip_version == 4 ? 20 : 40));
	}
	free(block);
}

static uint64_t decode_capture(char *path)
{
	const struct capture_type *type = &capture_file;
	const struct source_config config = { .type = type, .name = path };
	struct packet_view views[32];
	struct error_text error = { 0 };
	struct capture *capture;
	uint64_t packets = 0;
	int count;

	CHECK_EQ(type->open(&config, &capture, &error), 0);
	while ((count = type->read(capture, views, 32, &error)) > 0) {
		for (int i = 0; i < count; i++) {
			uint32_t end = views[i].captured_bytes < CUT_MAX ? views[i].captured_bytes
									 : CUT_MAX;

			decode_exactly(&views[i], views[i].captured_bytes);
			/* Every cut of a few packets, one cut of the others: seconds, not minutes.
			 */
			for (uint32_t cut = packets < 8 ? 0 : (uint32_t)packets % (end + 1);
			     cut < end; cut += packets < 8 ? 1 : end)
				decode_exactly(&views[i], cut);
			packets++;
		}
	}
	type->close(capture);
	return packets;
}

TEST(no_packet_is_read_past_its_end)
{
	uint64_t packets = 0;
	glob_t files;

	CHECK_EQ(glob("wire/captures/*cap*", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		packets += decode_capture(files.gl_pathv[i]);
	CHECK(files.gl_pathc >= 50);
	CHECK(packets > 11000);
	globfree(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_packet_is_read_past_its_end),
	};

	return RUN_TESTS(tests);
}
