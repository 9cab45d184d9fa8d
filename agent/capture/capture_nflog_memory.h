/* capture_nflog_memory.h - the datagram that a group has read last, in memory that may outlive the
 * process.
 *
 * Place: capture_nflog.c -> here -> parser. A process may be killed at any instruction, also within
 * recv(2): then the datagram is out of the kernel's queue and in the memory, but not noted. So its
 * length is asked for first (MSG_PEEK), and noted; and it is there if its first length is no longer
 * 0. Without the length, what an older datagram has left behind it would pass for packets. */
#ifndef CAPTURE_NFLOG_MEMORY_H
#define CAPTURE_NFLOG_MEMORY_H

#include "capture.h"
#include "capture_nflog_parse.h"

enum {
	/* A datagram's buffer in the kernel, which holds 700 packets of 128 bytes. The default of a
	 * page holds 20 and costs the reader 8 times as much, and the sender's CPU 250 ns. */
	KERNEL_BUFFER_SIZE = 64 * 1024,
	/* The kernel rounds its buffer up to a power of two and fills that: twice is needed, and
	 * four times is on the safe side. */
	DATAGRAM_SIZE = 4 * KERNEL_BUFFER_SIZE,
};

struct capture_nflog_memory {
	uint32_t number;   /* of datagrams received */
	uint32_t expected; /* bytes of the one that is being received; 0: none is */
	uint32_t size;
	uint32_t is_loss_unknown; /* the queue was full, and no packet has come since that says more
				   */
	unix_ms received_ms;
	uint8_t datagram[DATAGRAM_SIZE];
};

/* A datagram of this size will be received now; nothing needs the last one any more. */
void capture_nflog_memory_expect(struct capture_nflog_memory *memory, size_t size, unix_ms now_ms);
/* It is there, as long as this; 0: it is nothing. */
void capture_nflog_memory_receive(struct capture_nflog_memory *memory, size_t size,
				  unix_ms received_ms);

/* The parser stands there. */
void capture_nflog_memory_position(const struct capture_nflog_memory *memory,
				   const struct capture_nflog_parser *parser,
				   struct capture_position *position);
/* Set the parser to what is left of the datagram there; or, if another one has been received since,
 * to that. */
void capture_nflog_memory_resume(struct capture_nflog_memory *memory,
				 struct capture_nflog_parser *parser,
				 const struct capture_position *position);

#endif
