/* tcp_echo.h - when time stamps of TCP (RFC 7323) passed in one direction, and their echoes in the
 * other.
 *
 * Place: part of tcp_track.c. Pure; of fixed size.
 *
 * Each direction is seen alone, and both must remember the same few of many stamps: those whose
 * hash is lowest. So what one side has sent and the other has echoed is found in both lists, and
 * a packet costs a comparison with the last stamp, or with the highest hash. */
#ifndef TCP_ECHO_H
#define TCP_ECHO_H

#include <stdint.h>

#define TCP_ECHO_STAMPS 8

/* Lowest hash first. All 0: none. */
struct tcp_echo {
	uint32_t stamps[TCP_ECHO_STAMPS];
	uint32_t times_us[TCP_ECHO_STAMPS]; /* when each passed first; low bits */
	uint32_t last;                      /* the one that came last */
	uint8_t count;
};

/* A packet with this stamp passes. */
void tcp_echo_add(struct tcp_echo *echo, uint32_t stamp, int64_t time_us);

/* The shortest time from a stamp in 'sent' to the same one in 'echoed', in microseconds; -1: none
 * is in both. Where a packet is acknowledged late the others are not. */
int64_t tcp_echo_shortest(const struct tcp_echo *sent, const struct tcp_echo *echoed);

#endif
