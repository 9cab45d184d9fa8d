/* handover_translation.c - members of a nat_connection, in their order. */
#include "handover_translation.h"

static void write_endpoint(struct writer *writer, const struct nat_endpoint *endpoint)
{
	writer_bytes(writer, endpoint->address, sizeof(endpoint->address));
	writer_u16(writer, endpoint->port);
}

void handover_translation_write(struct writer *writer, const struct nat_connection *connection,
				int64_t ended_ms)
{
	writer_u8(writer, connection->ip_version);
	writer_u8(writer, connection->protocol);
	writer_u16(writer, connection->type_code);
	writer_u16(writer, connection->reply_type_code);
	writer_u16(writer, 0);
	writer_u32(writer, connection->id);
	write_endpoint(writer, &connection->source);
	write_endpoint(writer, &connection->destination);
	write_endpoint(writer, &connection->reply_source);
	write_endpoint(writer, &connection->reply_destination);
	writer_u64(writer, (uint64_t)ended_ms);
}

uint32_t handover_translation_begin(struct reader *body)
{
	const uint32_t size = reader_left(body) ? reader_u32(body) : 0;

	if (size < HANDOVER_TRANSLATION_SIZE || reader_left(body) % size != 0)
		return 0;
	return size;
}

/* Of IPv4 only 4 bytes are an address. */
static void read_endpoint(struct reader *reader, uint8_t ip_version, struct nat_endpoint *endpoint)
{
	const uint8_t *address = reader_take(reader, sizeof(endpoint->address));

	if (address)
		memcpy(endpoint->address, address, ip_version == 4 ? 4 : 16);
	endpoint->port = reader_u16(reader);
}

bool handover_translation_read(struct reader *body, uint32_t size,
			       struct nat_connection *connection, int64_t *ended_ms)
{
	struct reader reader;
	uint8_t version;

	if (!reader_left(body) || body->failed)
		return false;
	reader = reader_of(reader_take(body, size), size);
	*connection = (struct nat_connection){ .id = 0 };
	version = connection->ip_version = reader_u8(&reader);
	connection->protocol = reader_u8(&reader);
	connection->type_code = reader_u16(&reader);
	connection->reply_type_code = reader_u16(&reader);
	(void)reader_u16(&reader);
	connection->id = reader_u32(&reader);
	read_endpoint(&reader, version, &connection->source);
	read_endpoint(&reader, version, &connection->destination);
	read_endpoint(&reader, version, &connection->reply_source);
	read_endpoint(&reader, version, &connection->reply_destination);
	*ended_ms = (int64_t)reader_u64(&reader);
	if (!reader.failed && (version == 4 || version == 6) && *ended_ms >= 0)
		return true;
	body->failed = true;
	return false;
}
