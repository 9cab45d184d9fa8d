/* pipeline_waiting.c - members of a queued_datagram, in their order. */
#include "pipeline_waiting.h"

void pipeline_waiting_write(struct writer *writer, const struct queued_datagram *datagram)
{
	writer_u32(writer, datagram->size);
	writer_u32(writer, datagram->sequence_step);
	writer_u64(writer, datagram->amount.records);
	writer_u64(writer, datagram->amount.packets);
	writer_u64(writer, datagram->amount.octets);
	writer_u64(writer, (uint64_t)datagram->time.unix_ms);
	writer_u32(writer, datagram->time.uptime_ms);
	writer_u32(writer, datagram->has_templates);
}

bool pipeline_waiting_read(struct reader *body, struct queued_datagram *datagram)
{
	const uint8_t *bytes;

	if (!reader_left(body) || body->failed)
		return false;
	*datagram = (struct queued_datagram){ .size = reader_u32(body) };
	datagram->sequence_step = reader_u32(body);
	datagram->amount.records = reader_u64(body);
	datagram->amount.packets = reader_u64(body);
	datagram->amount.octets = reader_u64(body);
	datagram->time.unix_ms = (unix_ms)reader_u64(body);
	datagram->time.uptime_ms = reader_u32(body);
	datagram->has_templates = reader_u32(body) != 0;
	bytes = reader_take(body, datagram->size);
	datagram->bytes = (uint8_t *)(uintptr_t)bytes;
	return bytes != NULL;
}
