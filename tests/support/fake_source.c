/* fake_source.c - packets from nowhere: 10.x.y.z:1024 -> 192.0.2.1:53. */
#include "fake_source.h"

#include "check.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FAKE_PACKET_BYTES 28
#define FAKE_BATCH        64
#define FAKE_START_MS     1700000000000

struct capture {
	struct fake_source *fake;
	int descriptor; /* eventfd, never readable */
	uint8_t bytes[FAKE_BATCH][FAKE_PACKET_BYTES];
};

struct fake_source fake_source;
static struct capture fake_capture;

static int fake_source_open(const struct source_config *config, struct capture **capture,
			    struct error_text *error)
{
	if (fake_source.open_error) {
		error_text_set(error, "%s: does not open", config->name);
		return fake_source.open_error;
	}
	fake_capture.fake = &fake_source;
	fake_capture.descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	CHECK(fake_capture.descriptor >= 0);
	fake_source.is_open = true;
	*capture = &fake_capture;
	return 0;
}

static unix_ms fake_time_ms(const struct fake_source *fake, uint64_t number)
{
	const int64_t gap_ms = number + 1 == fake->packets ? fake->gap_ms : 0;

	if (fake->apart_ms)
		return FAKE_START_MS + gap_ms + (int64_t)number * fake->apart_ms;
	return FAKE_START_MS + gap_ms + (int64_t)(fake->per_ms ? number / fake->per_ms : 0);
}

static void fake_fill(struct packet_view *view, uint8_t *bytes, uint64_t number, unix_ms time_ms)
{
	static const uint8_t packet[FAKE_PACKET_BYTES] = {
		0x45, 0,  0, FAKE_PACKET_BYTES,
		0,    0,  0, 0,
		64,   17, 0, 0, /* IPv4, UDP */
		10,   0,  0, 0,
		192,  0,  2, 1,
		4,    0,  0, 53,
		0,    8,  0, 0,
	};

	memcpy(bytes, packet, sizeof(packet));
	for (int i = 0; i < 3; i++)
		bytes[15 - i] = (uint8_t)(number >> 8 * i);
	*view = (struct packet_view){
		.bytes = bytes,
		.captured_bytes = sizeof(packet),
		.original_bytes = sizeof(packet),
		.time_ms = time_ms,
		.link = LINK_IPV4,
		.side = SIDE_ingress,
	};
}

static int fake_source_read(struct capture *capture, struct packet_view *views, size_t capacity,
			    struct error_text *error)
{
	struct fake_source *fake = capture->fake;
	const bool is_stopping = atomic_load(&fake->is_stopping);
	const uint64_t all = fake->packets + (is_stopping ? fake->late : 0);
	size_t count = 0;

	while (count < capacity && count < FAKE_BATCH && atomic_load(&fake->given) < all) {
		fake_fill(&views[count], capture->bytes[count], atomic_load(&fake->given),
			  fake_time_ms(fake, atomic_load(&fake->given)));
		atomic_fetch_add(&fake->given, 1);
		count++;
	}
	if (count)
		return (int)count;
	if (fake->failure) {
		error_text_set(error, "fake: failed");
		return fake->failure;
	}
	return is_stopping ? -ENODATA : 0;
}

static int fake_source_read_file(struct capture *capture, struct packet_view *views,
				 size_t capacity, struct error_text *error)
{
	const int result = fake_source_read(capture, views, capacity, error);

	return result ? result : -ENODATA;
}

static int fake_source_descriptor(const struct capture *capture)
{
	return capture->descriptor;
}

static void fake_source_stop(struct capture *capture)
{
	atomic_store(&capture->fake->is_stopping, true);
}

static void fake_source_statistics(struct capture *capture, struct capture_statistics *statistics)
{
	capture->fake->asked++;
	*statistics = (struct capture_statistics){ .packets_lost = capture->fake->lost };
}

static void fake_source_close(struct capture *capture)
{
	(void)close(capture->descriptor);
	capture->fake->is_open = false;
}

const struct capture_type fake_source_file = {
	.noun = "fake file",
	.prefix = "",
	.open = fake_source_open,
	.read = fake_source_read_file,
	.descriptor = fake_source_descriptor,
	.statistics = fake_source_statistics,
	.close = fake_source_close,
};

const struct capture_type fake_source_live = {
	.noun = "fake interface",
	.prefix = "",
	.is_live = true,
	.open = fake_source_open,
	.read = fake_source_read,
	.descriptor = fake_source_descriptor,
	.stop = fake_source_stop,
	.statistics = fake_source_statistics,
	.close = fake_source_close,
};
