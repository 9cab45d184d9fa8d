/* outbox_kept.c - cells of datagrams, and notes of which of them wait, in one of two places.
 *
 * Invariant: a cell with a number from 'first' to before 'next' of the note that holds has a whole
 * datagram that waited then, unless it has been given up since. Numbers rise in the order of the
 * queue. Templates that go ahead have none: they are made anew. */
#include "outbox_kept.h"

#include "outbox_state.h"
#include "store_order.h"

#include <string.h>

#define ALIGNMENT 64
#define NO_COPY   2 /* in place of the number of a copy */

struct cell {
	uint64_t number;                 /* 0: none that counts */
	struct queued_datagram datagram; /* but for its bytes, which follow */
};

struct note {
	uint64_t turn;   /* 0: it is being written */
	uint64_t number; /* of two of the same turn the later one holds */
	uint64_t first, next;
	uint64_t unhanded; /* the first number of a datagram that was not handed over */
	uint32_t sequence;
	uint32_t copy; /* of the datagram under construction: 0, 1 or NO_COPY */
	struct collector_ledger ledger;
};

struct handed {
	uint64_t number;
	uint32_t step, size;
};

struct outbox_kept {
	struct note notes[2];
	uint64_t batch_note; /* number of the note that held when the batch was handed over */
	uint64_t batch_count;
	struct handed batch[EXPORTER_BURST_DATAGRAMS];
	_Alignas(ALIGNMENT) uint8_t results[TRANSPORT_KEPT_SIZE];
	/* Then the cells of the queue, and two for copies. */
};

static uint64_t aligned(uint64_t size)
{
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static uint64_t cell_size(const struct outbox *outbox)
{
	return aligned(sizeof(struct cell) + outbox->config.datagram_size);
}

uint64_t outbox_kept_size(const struct outbox *outbox)
{
	return aligned(sizeof(struct outbox_kept)) + (DATAGRAM_QUEUE_SLOTS + 2) * cell_size(outbox);
}

static struct cell *cell_at(const struct outbox *outbox, struct outbox_kept *kept, size_t index)
{
	return (struct cell *)(void *)((uint8_t *)kept + aligned(sizeof(*kept)) +
				       index * cell_size(outbox));
}

static struct cell *copy_at(const struct outbox *outbox, uint32_t copy)
{
	return cell_at(outbox, outbox->keeping.kept, DATAGRAM_QUEUE_SLOTS + copy);
}

static struct cell *cell_of(const struct queued_datagram *datagram)
{
	return (struct cell *)(void *)(datagram->bytes - sizeof(struct cell));
}

static uint8_t *bytes_of(struct cell *cell)
{
	return (uint8_t *)(cell + 1);
}

/* ---- noting ---- */

static void number_datagram(struct outbox *outbox, const struct queued_datagram *datagram)
{
	struct cell *cell = cell_of(datagram);

	cell->number = 0;
	store_order();
	cell->datagram = *datagram;
	store_order();
	cell->number = outbox->keeping.next++;
}

void outbox_kept_put(struct outbox *outbox)
{
	if (outbox_is_kept(outbox))
		number_datagram(outbox, datagram_queue_at(&outbox->queue, outbox->queue.count - 1));
}

void outbox_kept_drop(struct outbox *outbox, size_t index)
{
	if (!outbox_is_kept(outbox))
		return;
	cell_of(datagram_queue_at(&outbox->queue, index))->number = 0;
	store_order();
}

/* Of those sent after it the cells would count as waiting: they lose their numbers. One of them
 * that waits again as well is in doubt after a kill. */
void outbox_kept_return(struct outbox *outbox, uint64_t number)
{
	if (!outbox_is_kept(outbox))
		return;
	for (size_t back = 1; back <= outbox->queue.sent; back++) {
		const struct queued_datagram *sent = datagram_queue_sent(&outbox->queue, back);

		if (sent->sent_number > number + 1)
			cell_of(sent)->number = 0;
	}
	store_order();
}

/* Number of the first datagram from 'index' on that has one; of the next to come without any. */
static uint64_t number_from(const struct outbox *outbox, size_t index)
{
	for (; index < outbox->queue.count; index++) {
		const struct queued_datagram *datagram = datagram_queue_at(&outbox->queue, index);

		if (cell_of(datagram)->number)
			return cell_of(datagram)->number;
	}
	return outbox->keeping.next;
}

void outbox_kept_note(struct outbox *outbox)
{
	struct outbox_keeping *keeping = &outbox->keeping;
	struct note *note;

	if (!outbox_is_kept(outbox) || !keeping->turn)
		return;
	note = &keeping->kept->notes[++keeping->notes & 1];
	note->turn = 0;
	store_order();
	note->number = keeping->notes;
	note->first = number_from(outbox, 0);
	note->next = keeping->next;
	note->unhanded = number_from(outbox, outbox->queue.handed);
	note->sequence = outbox->sending.sequence;
	note->copy = keeping->is_open ? keeping->copy : NO_COPY;
	note->ledger = outbox->ledger;
	store_order();
	note->turn = keeping->turn;
	store_order();
}

struct queued_datagram *outbox_kept_open(struct outbox *outbox)
{
	struct cell *cell = copy_at(outbox, !outbox->keeping.copy);

	cell->datagram.bytes = bytes_of(cell);
	return &cell->datagram;
}

void outbox_kept_note_turn(struct outbox *outbox, uint64_t turn, bool is_open)
{
	if (is_open)
		outbox->keeping.copy = !outbox->keeping.copy;
	outbox->keeping.is_open = is_open;
	outbox->keeping.turn = turn;
	outbox_kept_note(outbox);
}

/* What the transport has noted of the last batch is void before this one is said to be under way.
 */
void outbox_kept_hand(struct outbox *outbox, size_t count)
{
	struct outbox_kept *kept = outbox->keeping.kept;

	if (!kept)
		return;
	kept->batch_note = 0;
	store_order();
	memset(kept->results, 0, ALIGNMENT);
	for (size_t i = 0; i < count; i++) {
		const struct queued_datagram *datagram =
			datagram_queue_at(&outbox->queue, outbox->queue.handed + i);

		kept->batch[i] = (struct handed){
			.number = cell_of(datagram)->number,
			.step = datagram->sequence_step,
			.size = datagram->size,
		};
	}
	kept->batch_count = count;
	store_order();
	kept->batch_note = outbox->keeping.notes;
	store_order();
}

/* ---- continuing ---- */

/* What is found in the memory. */
struct found {
	const struct note *note;
	struct cell *cells[DATAGRAM_QUEUE_SLOTS]; /* in order */
	size_t count;
	struct amount sent;      /* since the note */
	struct amount recovered; /* waits again */
	uint64_t datagrams_sent, bytes_sent;
	uint32_t sequence;
};

static const struct note *note_of(const struct outbox_kept *kept, uint64_t turn)
{
	const struct note *one = &kept->notes[0];
	const struct note *other = &kept->notes[1];

	if (one->turn != turn || (other->turn == turn && other->number > one->number))
		one = other;
	return one->turn == turn ? one : NULL;
}

static bool waits(const struct outbox *outbox, const struct note *note, const struct cell *cell)
{
	return cell->number >= note->first && cell->number < note->next &&
	       cell->datagram.size <= outbox->config.datagram_size;
}

/* The cells that waited, by their numbers; others lose theirs, which come again. */
static void find_cells(const struct outbox *outbox, struct outbox_kept *kept, struct found *found)
{
	for (size_t i = 0; i < DATAGRAM_QUEUE_SLOTS; i++) {
		struct cell *cell = cell_at(outbox, kept, i);
		size_t place = found->count;

		if (!waits(outbox, found->note, cell)) {
			cell->number = 0;
			continue;
		}
		for (; place && found->cells[place - 1]->number > cell->number; place--)
			found->cells[place] = found->cells[place - 1];
		found->cells[place] = cell;
		found->count++;
	}
}

/* The datagram of that number does not wait. Returns what it carries. */
static struct amount take_out(struct found *found, uint64_t number)
{
	struct amount amount = { 0 };

	for (size_t i = 0; number && i < found->count; i++) {
		if (found->cells[i]->number != number)
			continue;
		amount = found->cells[i]->datagram.amount;
		found->cells[i]->number = 0;
		found->count--;
		memmove(&found->cells[i], &found->cells[i + 1],
			(found->count - i) * sizeof(found->cells[0]));
		break;
	}
	return amount;
}

/* What was being handed over when the process ended. */
static void settle_batch(const struct outbox *outbox, const struct outbox_kept *kept,
			 struct found *found)
{
	const struct transport_type *type = outbox->config.type;
	const bool is_known = type->kept_sent != NULL;
	size_t gone = kept->batch_count;

	found->sequence = found->note->sequence;
	if (kept->batch_note != found->note->number || gone > EXPORTER_BURST_DATAGRAMS)
		return;
	if (is_known && type->kept_sent(kept->results) < gone)
		gone = type->kept_sent(kept->results);
	for (size_t i = 0; i < gone; i++) {
		const struct handed *handed = &kept->batch[i];
		const struct amount amount = take_out(found, handed->number);

		found->sequence += handed->step;
		if (!is_known)
			continue;
		amount_add(&found->sent, &amount);
		found->datagrams_sent++;
		found->bytes_sent += handed->size;
	}
}

/* A session ends with its process: what it has not confirmed is in doubt. */
static void drop_handed(const struct outbox *outbox, struct found *found)
{
	while (outbox_has_sessions(outbox) && found->count &&
	       found->cells[0]->number < found->note->unhanded)
		(void)take_out(found, found->cells[0]->number);
}

static void wait_again(struct outbox *outbox, const struct queued_datagram *datagram)
{
	struct queued_datagram *slot = datagram_queue_next(&outbox->queue);
	uint8_t *bytes = slot->bytes;

	*slot = *datagram;
	slot->bytes = bytes;
	slot->record_from = slot->record_to = 0;
	slot->file = 0;
	slot->file_ms = datagram->time.unix_ms;
	datagram_queue_put_last(&outbox->queue);
}

/* The cells that wait are those of the first slots; all others follow. */
static void place_cells(struct outbox *outbox, struct outbox_kept *kept, const struct found *found)
{
	uint8_t *bytes[DATAGRAM_QUEUE_SLOTS];
	size_t count = 0;

	for (; count < found->count; count++)
		bytes[count] = bytes_of(found->cells[count]);
	for (size_t i = 0; i < DATAGRAM_QUEUE_SLOTS; i++) {
		struct cell *cell = cell_at(outbox, kept, i);
		bool is_found = false;

		for (size_t j = 0; j < found->count && !is_found; j++)
			is_found = found->cells[j] == cell;
		if (!is_found)
			bytes[count++] = bytes_of(cell);
	}
	datagram_queue_use(&outbox->queue, bytes);
}

/* The datagram that was under construction follows as it was. */
static void take_copy(struct outbox *outbox, struct found *found)
{
	const struct cell *copy;

	if (found->note->copy >= NO_COPY || !datagram_queue_room(&outbox->queue))
		return;
	copy = copy_at(outbox, found->note->copy);
	if (copy->datagram.size > outbox->config.datagram_size)
		return;
	memcpy(datagram_queue_next(&outbox->queue)->bytes, copy + 1, copy->datagram.size);
	wait_again(outbox, &copy->datagram);
	outbox_kept_put(outbox);
	amount_add(&found->recovered, &copy->datagram.amount);
}

static uint64_t continue_ledger(struct outbox *outbox, const struct found *found)
{
	struct collector_ledger ledger = found->note->ledger;
	struct amount doubt = ledger.waiting;

	amount_subtract(&doubt, &found->sent);
	amount_subtract(&doubt, &found->recovered);
	amount_add(&ledger.sent, &found->sent);
	amount_add(&ledger.lost[LOSS_IN_DOUBT], &doubt);
	ledger.datagrams_sent += found->datagrams_sent;
	ledger.datagram_bytes_sent += found->bytes_sent;
	ledger.waiting = found->recovered;
	outbox_state_continue(outbox, &ledger);
	return doubt.records;
}

static uint64_t recover(struct outbox *outbox, struct found *found)
{
	struct outbox_keeping *keeping = &outbox->keeping;

	find_cells(outbox, keeping->kept, found);
	settle_batch(outbox, keeping->kept, found);
	drop_handed(outbox, found);
	while (found->count > DATAGRAM_QUEUE_CAPACITY)
		(void)take_out(found, found->cells[0]->number);
	place_cells(outbox, keeping->kept, found);
	for (size_t i = 0; i < found->count; i++) {
		amount_add(&found->recovered, &found->cells[i]->datagram.amount);
		wait_again(outbox, &found->cells[i]->datagram);
	}
	keeping->next = found->note->next;
	keeping->notes = found->note->number;
	keeping->copy = found->note->copy < NO_COPY ? found->note->copy : 0;
	take_copy(outbox, found);
	if (!outbox_has_sessions(outbox))
		outbox->sending.sequence = found->sequence;
	return continue_ledger(outbox, found);
}

/* To new memory, where all cells are free. */
static void move(struct outbox *outbox, struct outbox_kept *kept, const struct found *nothing)
{
	place_cells(outbox, kept, nothing);
	for (size_t i = 0; i < outbox->queue.count; i++)
		number_datagram(outbox, datagram_queue_at(&outbox->queue, i));
}

uint64_t outbox_kept_begin(struct outbox *outbox, void *memory, uint64_t turn)
{
	struct found found = { .note = turn ? note_of(memory, turn) : NULL };
	const struct transport_type *type = outbox->config.type;
	uint64_t in_doubt = 0;

	outbox->keeping = (struct outbox_keeping){ .kept = memory, .next = 1 };
	if (found.note)
		in_doubt = recover(outbox, &found);
	else
		move(outbox, memory, &found);
	if (type->keep)
		type->keep(outbox->transport, outbox->keeping.kept->results);
	return in_doubt;
}

const void *outbox_kept_memory(const struct outbox *outbox)
{
	return outbox->keeping.kept;
}

/* ---- an outbox that leaves ---- */

/* Returns how many records. */
static uint64_t leave_in_doubt(struct collector_ledger *ledger)
{
	const uint64_t records = ledger->waiting.records;

	amount_add(&ledger->lost[LOSS_IN_DOUBT], &ledger->waiting);
	ledger->waiting = (struct amount){ 0 };
	return records;
}

uint64_t outbox_kept_left(const void *memory, uint64_t turn, struct collector_ledger *ledger)
{
	const struct note *note = note_of(memory, turn);

	*ledger = note ? note->ledger : (struct collector_ledger){ 0 };
	return leave_in_doubt(ledger);
}

/* What is in a cell as it can wait elsewhere. */
static struct queued_datagram datagram_in(struct cell *cell)
{
	struct queued_datagram datagram = cell->datagram;

	datagram.bytes = bytes_of(cell);
	datagram.record_from = datagram.record_to = 0;
	return datagram;
}

/* The longest datagrams that memory of this size is for. */
static size_t datagram_size_of(uint64_t size)
{
	return (size_t)((size - aligned(sizeof(struct outbox_kept))) / (DATAGRAM_QUEUE_SLOTS + 2) -
			sizeof(struct cell));
}

uint64_t outbox_kept_succeed(struct outbox *outbox, void *memory, uint64_t size, uint64_t turn,
			     outbox_kept_give *give, struct collector_ledger *ledger)
{
	struct outbox before = { .config = outbox->config, .keeping = { .kept = memory } };
	struct found found = { .note = note_of(memory, turn) };

	if (!found.note || outbox_has_sessions(outbox))
		return outbox_kept_left(memory, turn, ledger);
	before.config.datagram_size = datagram_size_of(size);
	*ledger = found.note->ledger;
	find_cells(&before, memory, &found);
	settle_batch(&before, memory, &found);
	outbox->sending.sequence = found.sequence;
	amount_add(&ledger->sent, &found.sent);
	amount_subtract(&ledger->waiting, &found.sent);
	ledger->datagrams_sent += found.datagrams_sent;
	ledger->datagram_bytes_sent += found.bytes_sent;
	for (size_t i = 0; give && i < found.count; i++) {
		const struct queued_datagram datagram = datagram_in(found.cells[i]);

		if (!give(outbox, &datagram))
			continue;
		amount_subtract(&ledger->waiting, &datagram.amount);
		amount_subtract(&ledger->taken, &datagram.amount);
	}
	return leave_in_doubt(ledger);
}
