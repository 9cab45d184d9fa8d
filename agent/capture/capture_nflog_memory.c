/* capture_nflog_memory.c - notes of what is received, in the order that a kill at any store bears.
 *
 * Invariant: while 'expected' is not 0, the datagram belongs to it, and is there if its first word
 * is not 0. */
#include "capture_nflog_memory.h"

#include "store_order.h"

/* The length of the first message. */
static bool has_datagram(const struct capture_nflog_memory *memory)
{
	return load_host32(memory->datagram) != 0;
}

void capture_nflog_memory_expect(struct capture_nflog_memory *memory, size_t size, unix_ms now_ms)
{
	memory->expected = 0;
	store_order();
	memset(memory->datagram, 0, sizeof(uint32_t));
	memory->received_ms = now_ms;
	store_order();
	memory->expected = (uint32_t)(size < DATAGRAM_SIZE ? size : DATAGRAM_SIZE);
	store_order();
}

void capture_nflog_memory_receive(struct capture_nflog_memory *memory, size_t size,
				  unix_ms received_ms)
{
	memory->size = (uint32_t)size;
	memory->received_ms = received_ms;
	store_order();
	memory->number++;
	store_order();
	memory->expected = 0;
	store_order();
}

void capture_nflog_memory_position(const struct capture_nflog_memory *memory,
				   const struct capture_nflog_parser *parser,
				   struct capture_position *position)
{
	position->message = memory->number;
	position->offset = memory->size - (uint32_t)reader_left(&parser->datagram);
	position->next_sequence = parser->next_sequence;
	position->is_sequence_unknown = parser->is_sequence_unknown;
}

/* The one that was being received may be there. */
static void finish_receiving(struct capture_nflog_memory *memory)
{
	if (!memory->expected)
		return;
	if (has_datagram(memory) && memory->expected <= DATAGRAM_SIZE)
		capture_nflog_memory_receive(memory, memory->expected, memory->received_ms);
	else
		capture_nflog_memory_receive(memory, 0, memory->received_ms);
}

void capture_nflog_memory_resume(struct capture_nflog_memory *memory,
				 struct capture_nflog_parser *parser,
				 const struct capture_position *position)
{
	uint32_t offset;

	finish_receiving(memory);
	offset = memory->number == position->message ? position->offset : 0;
	if (memory->size > DATAGRAM_SIZE || offset > memory->size)
		offset = memory->size = 0;
	capture_nflog_parse_begin(parser, memory->datagram + offset, memory->size - offset,
				  memory->received_ms);
	parser->next_sequence = position->next_sequence;
	parser->is_sequence_unknown = position->is_sequence_unknown;
}
