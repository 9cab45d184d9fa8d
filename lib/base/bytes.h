/* bytes.h - bounds-checked reading and writing of bytes from and for outside.
 *
 * Place: none; used by every parser and encoder. The first error sticks: after it a reader gives
 * zeros and a writer writes nothing, so a caller tests 'failed' once at the end. All multi-byte
 * integers are in network byte order in the buffer and in host order in arguments. */
#ifndef BYTES_H
#define BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Load a big-endian integer from 'bytes', which must have that many bytes. */
static inline uint16_t load_be16(const uint8_t *bytes)
{
	uint16_t value;

	memcpy(&value, bytes, sizeof(value));
	return be16toh(value);
}

static inline uint32_t load_be32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return be32toh(value);
}

static inline uint64_t load_be64(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return be64toh(value);
}

/* The same, little-endian. */
static inline uint16_t load_le16(const uint8_t *bytes)
{
	uint16_t value;

	memcpy(&value, bytes, sizeof(value));
	return le16toh(value);
}

static inline uint32_t load_le32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

/* The same, in the byte order of this machine: netlink, and our own structures. */
static inline uint16_t load_host16(const uint8_t *bytes)
{
	uint16_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static inline uint32_t load_host32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static inline uint64_t load_host64(const uint8_t *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

/* Store an integer big-endian in 'bytes', which must have room for it. */
static inline void store_be16(uint8_t *bytes, uint16_t value)
{
	value = htobe16(value);
	memcpy(bytes, &value, sizeof(value));
}

static inline void store_be32(uint8_t *bytes, uint32_t value)
{
	value = htobe32(value);
	memcpy(bytes, &value, sizeof(value));
}

static inline void store_be64(uint8_t *bytes, uint64_t value)
{
	value = htobe64(value);
	memcpy(bytes, &value, sizeof(value));
}

/* A window on borrowed bytes, consumed from the front. */
struct reader {
	const uint8_t *next; /* borrowed */
	const uint8_t *end;  /* one past the last byte */
	bool failed;         /* a read went past 'end'; nothing is consumed any more */
};

/* 'bytes' may be NULL if there are none: C has no NULL + 0, which is why the size is asked. */
static inline struct reader reader_of(const uint8_t *bytes, size_t size)
{
	return (struct reader){ .next = bytes, .end = size ? bytes + size : bytes };
}

static inline size_t reader_left(const struct reader *reader)
{
	return (size_t)(reader->end - reader->next);
}

/* Forget what lies more than 'size' bytes ahead: padding, or what another header does not own. */
static inline void reader_limit(struct reader *reader, uint64_t size)
{
	if (reader_left(reader) > size)
		reader->end = reader->next + size;
}

/* Take 'size' bytes. Returns a borrowed pointer to them, or NULL (and fails the reader) if fewer
 * are left. */
static inline const uint8_t *reader_take(struct reader *reader, size_t size)
{
	const uint8_t *taken = reader->next;

	if (__builtin_expect(reader->failed || reader_left(reader) < size, 0)) {
		reader->failed = true;
		return NULL;
	}
	reader->next += size;
	return taken;
}

/* Take 'size' bytes as a window of their own: an empty one (and the reader fails) if fewer are
 * left.
 */
static inline struct reader reader_window(struct reader *reader, size_t size)
{
	const uint8_t *bytes = reader_take(reader, size);

	return reader_of(bytes, bytes ? size : 0);
}

static inline uint8_t reader_u8(struct reader *reader)
{
	const uint8_t *bytes = reader_take(reader, 1);

	return bytes ? bytes[0] : 0;
}

static inline uint16_t reader_u16(struct reader *reader)
{
	const uint8_t *bytes = reader_take(reader, 2);

	return bytes ? load_be16(bytes) : 0;
}

static inline uint32_t reader_u32(struct reader *reader)
{
	const uint8_t *bytes = reader_take(reader, 4);

	return bytes ? load_be32(bytes) : 0;
}

static inline uint64_t reader_u64(struct reader *reader)
{
	const uint8_t *bytes = reader_take(reader, 8);

	return bytes ? load_be64(bytes) : 0;
}

/* A window on the caller's storage, filled from the front. */
struct writer {
	uint8_t *start; /* borrowed */
	uint8_t *next;
	uint8_t *end;
	bool failed; /* a write did not fit; nothing is written any more */
};

static inline struct writer writer_of(uint8_t *bytes, size_t size)
{
	return (struct writer){ .start = bytes, .next = bytes, .end = bytes + size };
}

static inline size_t writer_size(const struct writer *writer)
{
	return (size_t)(writer->next - writer->start);
}

static inline size_t writer_left(const struct writer *writer)
{
	return (size_t)(writer->end - writer->next);
}

/* Reserve 'size' bytes. Returns a pointer to them, or NULL (and fails the writer) if they do not
 * fit. */
static inline uint8_t *writer_take(struct writer *writer, size_t size)
{
	uint8_t *taken = writer->next;

	if (__builtin_expect(writer->failed || writer_left(writer) < size, 0)) {
		writer->failed = true;
		return NULL;
	}
	writer->next += size;
	return taken;
}

/* Write the low 'size' bytes of 'value', most significant first; size is 1 to 8. */
static inline void writer_unsigned(struct writer *writer, uint64_t value, size_t size)
{
	uint8_t *bytes = writer_take(writer, size);

	if (!bytes)
		return;
	for (size_t i = size; i-- > 0; value >>= 8)
		bytes[i] = (uint8_t)value;
}

static inline void writer_u8(struct writer *writer, uint8_t value)
{
	writer_unsigned(writer, value, 1);
}

static inline void writer_u16(struct writer *writer, uint16_t value)
{
	writer_unsigned(writer, value, 2);
}

static inline void writer_u32(struct writer *writer, uint32_t value)
{
	writer_unsigned(writer, value, 4);
}

static inline void writer_u64(struct writer *writer, uint64_t value)
{
	writer_unsigned(writer, value, 8);
}

static inline void writer_bytes(struct writer *writer, const void *source, size_t size)
{
	uint8_t *bytes = writer_take(writer, size);

	if (bytes && size)
		memcpy(bytes, source, size);
}

#endif
