/* flood_frame.h - the frame that flood and inject send: UDP from 192.0.2.1 to 198.51.100.1 port 9,
 * whose source port is the flow. */
#ifndef FLOOD_FRAME_H
#define FLOOD_FRAME_H

#include <stdint.h>
#include <string.h>

#define FRAME_BYTES       60
#define FRAME_HEADERS     42 /* Ethernet, IPv4, UDP */
#define FRAME_SOURCE_PORT 34

static inline void flood_frame_fill(uint8_t frame[static FRAME_BYTES])
{
	static const uint8_t start[FRAME_HEADERS] = {
		0,    0,
		0,    0,
		0,    0,
		2,    0,
		0,    0,
		0,    1,
		8,    0, /* to the loopback device itself */
		0x45, 0,
		0,    FRAME_BYTES - 14,
		0,    0,
		0,    0,
		64,   17,
		0,    0, /* IPv4 */
		192,  0,
		2,    1,
		198,  51,
		100,  1,
		0,    0,
		0,    9,
		0,    FRAME_BYTES - 34,
		0,    0, /* UDP without checksum */
	};
	uint32_t sum = 0;

	memset(frame, 0, FRAME_BYTES);
	memcpy(frame, start, sizeof(start));
	for (int i = 14; i < 34; i += 2)
		sum += (uint32_t)frame[i] << 8 | frame[i + 1];
	sum = ~((sum & 0xffff) + (sum >> 16));
	frame[24] = (uint8_t)(sum >> 8);
	frame[25] = (uint8_t)sum;
}

static inline void flood_frame_set_flow(uint8_t frame[static FRAME_BYTES], uint32_t flow)
{
	frame[FRAME_SOURCE_PORT] = (uint8_t)(flow >> 8);
	frame[FRAME_SOURCE_PORT + 1] = (uint8_t)flow;
}

#endif
