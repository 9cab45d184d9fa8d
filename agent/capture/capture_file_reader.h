/* capture_file_reader.h - one capture file, standard input or a pipe: the reading half. The bytes
 * are understood in capture_pcap_parse.c.
 *
 * Place: file -> here -> capture_file.c or capture_file_merge.c -> worker. Needs no privileges and
 * no libpcap.
 * Invariant: the buffer is refilled only when all whole packets in it are given out, so views stay
 * valid for their batch without a copy. */
#ifndef CAPTURE_FILE_READER_H
#define CAPTURE_FILE_READER_H

#include "capture_pcap_parse.h"

struct capture_file_reader {
	char *name;     /* owned; for messages */
	int fd;         /* owned, except standard input */
	bool can_block; /* not a regular file */
	struct capture_pcap_parser parser;
	uint8_t *buffer; /* owned; grows when a packet is larger */
	size_t buffer_size;
	uint64_t reads;
};

/* Open a file, or take standard input ("-"), and see that it can be a capture file: a regular
 * file's header is looked at, a pipe's comes with the first read. Returns 0, or a negative errno
 * with 'error' filled, which names the file; then there is nothing to close. */
int capture_file_reader_open(struct capture_file_reader *file, const char *path, size_t buffer_size,
			     struct error_text *error);
/* Also of one that is all zeros. */
void capture_file_reader_close(struct capture_file_reader *file);

/* As read() of struct capture_type; 'capacity' is more than 0. */
int capture_file_reader_read(struct capture_file_reader *file, struct packet_view *views,
			     size_t capacity, struct error_text *error);

#endif
