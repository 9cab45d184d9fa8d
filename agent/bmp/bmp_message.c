/* bmp_message.c - see bmp_message.h. */
#include "bmp_message.h"

#include <errno.h>
#include <string.h>

int64_t bmp_message_size(const uint8_t *bytes, size_t size, struct error_text *error)
{
	struct reader reader = reader_of(bytes, size);
	const uint8_t version = reader_u8(&reader);
	const uint32_t length = reader_u32(&reader);

	if (size > 0 && version == 4) {
		error_text_set(error, "BMP version 4, a draft; expected version 3 (RFC 7854)");
		return -EPROTONOSUPPORT;
	}
	if (size > 0 && version != BMP_VERSION) {
		error_text_set(error, "first byte %u: no BMP; expected version 3 (RFC 7854)",
			       version);
		return -EPROTONOSUPPORT;
	}
	if (reader.failed)
		return 0;
	if (length < BMP_HEADER_SIZE || length > BMP_MESSAGE_LIMIT) {
		error_text_set(error, "a message of %lu bytes; expected %u to %lu",
			       (unsigned long)length, BMP_HEADER_SIZE,
			       (unsigned long)BMP_MESSAGE_LIMIT);
		return -EMSGSIZE;
	}
	return length;
}

bool bmp_peer_header_take(struct reader *reader, struct bmp_peer_header *header)
{
	const uint8_t type = reader_u8(reader);
	const uint8_t flags = reader_u8(reader);
	const uint8_t *distinguisher = reader_take(reader, 8);
	const uint8_t *address = reader_take(reader, 16);

	*header = (struct bmp_peer_header){ .name.type = type };
	header->as_number = reader_u32(reader);
	(void)reader_take(reader, 4 + 8); /* BGP identifier, time */
	if (!distinguisher || !address || reader->failed)
		return false;
	memcpy(header->name.distinguisher, distinguisher, sizeof(header->name.distinguisher));
	memcpy(header->name.address, address, sizeof(header->name.address));
	/* There the first bit is another one, and the others mean nothing: RFC 9069 section 4.2. */
	header->flags = type == BMP_PEER_loc_rib ? 0 : flags;
	return true;
}

bool bmp_tlv_take(struct reader *reader, uint16_t *type, struct reader *value)
{
	if (!reader_left(reader))
		return false;
	*type = reader_u16(reader);
	*value = reader_window(reader, reader_u16(reader));
	return !reader->failed;
}
