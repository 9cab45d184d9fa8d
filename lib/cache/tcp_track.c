/* tcp_track.c - judges the packets of one direction of a connection.
 *
 * Sequence numbers are compared modulo 2^32 (RFC 9293 section 3.4). Invariant: gaps are in order,
 * apart from each other, and before 'next'. */
#include "tcp_track.h"

#include "tcp_flags.h"
#include "tcp_segment.h"

#include <string.h>

/* No window is larger (RFC 7323 section 2.3): beyond it is another connection. */
#define WINDOW_MAX (1 << 30)

/* How much later than the stamps say both may have been read. */
#define READ_LATE_MS 1000

static int32_t distance(uint32_t from, uint32_t to)
{
	return (int32_t)(to - from);
}

void tcp_track_begin(struct tcp_track *track, bool is_new)
{
	if (is_new) {
		memset(track, 0, sizeof(*track));
		return;
	}
	track->quality = (struct tcp_quality){ 0 };
	track->state &= TCP_TRACK_next;
	track->sent.count = track->echoed.count = 0;
}

/* ---- the round-trip time ---- */

/* A time as struct tcp_quality has it. */
static uint32_t known(int64_t us)
{
	return us < 0 || us >= UINT32_MAX ? 0 : (uint32_t)us + 1;
}

static void set_time(struct tcp_track *track, int64_t *place, int64_t time_us, bool is_stamped,
		     uint8_t flag)
{
	*place = time_us;
	track->state = (uint16_t)(is_stamped ? track->state | flag : track->state & ~flag);
}

/* The first packet after a SYN that is not one. With data it may have come long after the ACK that
 * was lost. */
static void end_handshake(struct tcp_track *track, const struct tcp_segment *segment,
			  int64_t time_us, bool is_stamped)
{
	const uint8_t times = TCP_TRACK_syn_time | TCP_TRACK_ack_time;

	track->state |= TCP_TRACK_open;
	if (!(track->state & TCP_TRACK_opener) ||
	    track->state & (TCP_TRACK_again | TCP_TRACK_forwarded) ||
	    !(segment->flags & TCP_FLAG_ACK) || tcp_segment_length(segment) ||
	    segment->sequence != track->opened + 1)
		return;
	track->answered = segment->acknowledgement;
	set_time(track, &track->ack_us, time_us, is_stamped, TCP_TRACK_ack_time);
	if ((track->state & times) == times) {
		track->quality.handshake_us = known(time_us - track->syn_us);
	} else if (!(track->state & times) && segment->has_stamp &&
		   track->state & TCP_TRACK_syn_stamp) {
		const int64_t ms = distance(track->syn_stamp, segment->stamp);

		if (ms <= (time_us - track->syn_us) / 1000 + READ_LATE_MS)
			track->quality.handshake_us = known(ms * 1000);
	}
}

/* 'opener' has ended the handshake that 'answerer' has answered. */
static void divide(struct tcp_track *opener, struct tcp_track *answerer)
{
	struct tcp_quality *quality = &opener->quality;
	const bool is_timed = opener->state & TCP_TRACK_syn_time;

	if (answerer->state & TCP_TRACK_again)
		quality->handshake_us = 0;
	quality->client_us = quality->server_us = 0;
	if (answerer->state & TCP_TRACK_forwarded) {
		/* Its parts are not known. */
	} else if (quality->handshake_us && !is_timed) {
		quality->server_us = quality->handshake_us;
	} else if (quality->handshake_us && !(answerer->state & TCP_TRACK_syn_time)) {
		quality->client_us = quality->handshake_us;
	} else if (quality->handshake_us) {
		quality->client_us = known(opener->ack_us - answerer->syn_us);
		quality->server_us = known(answerer->syn_us - opener->syn_us);
	}
	answerer->quality.handshake_us = quality->handshake_us;
	answerer->quality.client_us = quality->client_us;
	answerer->quality.server_us = quality->server_us;
}

void tcp_track_pair(struct tcp_track *one, struct tcp_track *other)
{
	struct tcp_track *opener = one->state & TCP_TRACK_opener ? one : other;
	struct tcp_track *answerer = opener == one ? other : one;

	if (opener->state & TCP_TRACK_opener && opener->state & TCP_TRACK_open &&
	    answerer->state & TCP_TRACK_answerer && answerer->opened + 1 == opener->answered)
		divide(opener, answerer);
}

static bool has_handshake(const struct tcp_track *track)
{
	return track->quality.handshake_us && !(track->state & TCP_TRACK_by_stamps);
}

void tcp_track_pair_stamps(struct tcp_track *client, struct tcp_track *server)
{
	struct tcp_track *const both[2] = { client, server };
	int64_t to_server, to_client;

	if (has_handshake(client) || has_handshake(server))
		return;
	if (client->state & TCP_TRACK_answerer || server->state & TCP_TRACK_opener) {
		struct tcp_track *opener = server;

		server = client;
		client = opener;
	}
	to_server = tcp_echo_shortest(&client->sent, &server->echoed);
	to_client = tcp_echo_shortest(&server->sent, &client->echoed);
	if (to_server < 0 && to_client < 0)
		return;
	for (int i = 0; i < 2; i++) {
		struct tcp_quality *quality = &both[i]->quality;

		both[i]->state |= TCP_TRACK_by_stamps;
		quality->server_us = known(to_server);
		quality->client_us = known(to_client);
		quality->handshake_us =
			to_server < 0 || to_client < 0 ? 0 : known(to_server + to_client);
	}
}

/* ---- order ---- */

static void count(uint32_t *number, uint32_t packets)
{
	*number += packets;
}

/* All before is of another connection, or unknown. */
static void start_at(struct tcp_track *track, uint32_t next)
{
	track->next = next;
	track->gap_count = 0;
	track->state |= TCP_TRACK_next;
}

static void remove_gap(struct tcp_track *track, size_t index)
{
	track->gap_count--;
	memmove(&track->gaps[index], &track->gaps[index + 1],
		(track->gap_count - index) * sizeof(track->gaps[0]));
}

static void insert_gap(struct tcp_track *track, size_t index, struct tcp_gap gap)
{
	memmove(&track->gaps[index + 1], &track->gaps[index],
		(track->gap_count - index) * sizeof(track->gaps[0]));
	track->gaps[index] = gap;
	track->gap_count++;
}

/* Where gaps are more than there is place for, the two oldest are one, with what lies between: what
 * fills it is far behind, so no stamp makes it an overtaken packet. */
static void add_gap(struct tcp_track *track, struct tcp_gap gap)
{
	if (track->gap_count == TCP_TRACK_GAPS) {
		track->gaps[0].end = track->gaps[1].end;
		remove_gap(track, 1);
	}
	insert_gap(track, track->gap_count, gap);
}

/* Take what a packet brings out of a gap. Without place for two the gap stays whole. */
static void fill_gap(struct tcp_track *track, size_t index, uint32_t start, uint32_t end)
{
	struct tcp_gap *gap = &track->gaps[index];
	const bool has_front = distance(gap->start, start) > 0;
	const bool has_back = distance(end, gap->end) > 0;

	if (has_front && has_back) {
		const struct tcp_gap back = { end, gap->end, gap->stamp };

		if (track->gap_count == TCP_TRACK_GAPS)
			return;
		gap->end = start;
		insert_gap(track, index + 1, back);
	} else if (has_front) {
		gap->end = start;
	} else if (has_back) {
		gap->start = end;
	} else {
		remove_gap(track, index);
	}
}

/* Fill all gaps that a packet before 'next' reaches. Returns whether there is one; then 'stamp' is
 * that of the latest. */
static bool fill_gaps(struct tcp_track *track, uint32_t start, uint32_t end, uint32_t *stamp)
{
	bool found = false;

	for (size_t i = track->gap_count; i-- > 0;) {
		if (distance(start, track->gaps[i].end) <= 0 ||
		    distance(track->gaps[i].start, end) <= 0)
			continue;
		if (!found)
			*stamp = track->gaps[i].stamp;
		found = true;
		fill_gap(track, i, start, end);
	}
	return found;
}

/* Packets of a superpacket that hold 'bytes' of it. */
static uint32_t packets_of(const struct tcp_segment *segment, uint32_t packets, uint32_t bytes)
{
	const uint32_t each = (segment->payload + packets - 1) / packets;
	const uint32_t some = each ? (bytes + each - 1) / each : 1;

	return some < packets ? some : packets;
}

static uint32_t stamp_of(const struct tcp_segment *segment, int64_t time_us)
{
	return segment->has_stamp ? segment->stamp : (uint32_t)(time_us / 1000);
}

/* A packet before 'next', or that begins there. */
static void judge_old(struct tcp_track *track, const struct tcp_segment *segment, uint32_t packets,
		      int64_t time_us)
{
	const uint32_t end = segment->sequence + tcp_segment_length(segment);
	const int32_t after_gap_least = segment->has_stamp ? 1 : TCP_TRACK_REORDERED_MS;
	uint32_t stamp;

	if (distance(track->next, end) > 0) {
		const uint32_t old = track->next - segment->sequence;

		track->next = end;
		count(&track->quality.retransmitted, packets_of(segment, packets, old));
	} else if (fill_gaps(track, segment->sequence, end, &stamp) &&
		   distance(stamp, stamp_of(segment, time_us)) < after_gap_least) {
		count(&track->quality.out_of_order, packets);
	} else {
		count(&track->quality.retransmitted, packets);
	}
}

/* A keep-alive, or what probes a closed window: the byte before the next one, again (RFC 9293
 * section 3.8.4). */
static bool is_probe(const struct tcp_track *track, const struct tcp_segment *segment)
{
	return segment->payload <= 1 && !(segment->flags & TCP_FLAG_FIN) &&
	       segment->sequence + 1 == track->next;
}

static void take_syn(struct tcp_track *track, const struct tcp_segment *segment, int64_t time_us,
		     bool is_stamped)
{
	const uint8_t role = segment->flags & TCP_FLAG_ACK ? TCP_TRACK_answerer : TCP_TRACK_opener;

	if (track->state & role && segment->sequence == track->opened) {
		count(&track->quality.retransmitted, 1);
		track->state |= TCP_TRACK_again;
		return;
	}
	start_at(track, segment->sequence + tcp_segment_length(segment));
	track->sent.count = track->echoed.count = 0;
	track->state = TCP_TRACK_next | role;
	track->opened = segment->sequence;
	track->syn_stamp = segment->stamp;
	if (segment->has_stamp)
		track->state |= TCP_TRACK_syn_stamp;
	set_time(track, &track->syn_us, time_us, is_stamped, TCP_TRACK_syn_time);
	track->quality.handshake_us = track->quality.client_us = track->quality.server_us = 0;
}

static void take_data(struct tcp_track *track, const struct tcp_segment *segment, uint32_t packets,
		      int64_t time_us)
{
	const int32_t ahead = distance(track->next, segment->sequence);
	const uint32_t end = segment->sequence + tcp_segment_length(segment);

	if (is_probe(track, segment))
		return;
	if (ahead > WINDOW_MAX || ahead < -WINDOW_MAX) {
		start_at(track, end);
	} else if (ahead < 0) {
		judge_old(track, segment, packets, time_us);
	} else {
		if (ahead > 0)
			add_gap(track, (struct tcp_gap){ track->next, segment->sequence,
							 stamp_of(segment, time_us) });
		track->next = end;
	}
}

/* Only packets with data are answered at once. */
static void take_stamps(struct tcp_track *track, const struct tcp_segment *segment, int64_t time_us)
{
	if (segment->payload)
		tcp_echo_add(&track->sent, segment->stamp, time_us);
	if (segment->flags & TCP_FLAG_ACK)
		tcp_echo_add(&track->echoed, segment->echo, time_us);
}

void tcp_track_add(struct tcp_track *track, const struct packet_info *packet,
		   const struct packet_note *note)
{
	const bool is_forwarded = note->microseconds == PACKET_UNSTAMPED_FORWARDED;
	const bool is_stamped = note->microseconds != PACKET_UNSTAMPED && !is_forwarded;
	const int64_t time_us = packet->time_ms * 1000 + (is_stamped ? note->microseconds : 0);
	struct tcp_segment segment;

	if (!note->tcp ||
	    !tcp_segment_parse(note->tcp, note->tcp_captured, note->tcp_octets, &segment))
		return;
	track->quality.is_known = true;
	if (track->gap_count > TCP_TRACK_GAPS) /* found in memory that was kept */
		track->gap_count = 0;
	/* A RST has the number that the other side expects, or none (RFC 9293 section 3.10.7). */
	if (segment.flags & TCP_FLAG_RST)
		return;
	if (segment.flags & TCP_FLAG_SYN) {
		take_syn(track, &segment, time_us, is_stamped);
		if (is_forwarded)
			track->state |= TCP_TRACK_forwarded;
		return;
	}
	if (!(track->state & TCP_TRACK_open)) {
		if (is_forwarded)
			track->state |= TCP_TRACK_forwarded;
		end_handshake(track, &segment, time_us, is_stamped);
	}
	if (is_stamped && segment.has_stamp)
		take_stamps(track, &segment, time_us);
	if (tcp_segment_length(&segment) == 0)
		return;
	if (track->state & TCP_TRACK_next)
		take_data(track, &segment, packet->packets_added + 1u, time_us);
	else
		start_at(track, segment.sequence + tcp_segment_length(&segment));
}
