/* transport_udp_send.h - several datagrams in one system call, cut apart by kernel or device where
 * they can do that. Internal to transport_udp.c. */
#ifndef TRANSPORT_UDP_SEND_H
#define TRANSPORT_UDP_SEND_H

#include "transport.h"

/* Whether the kernel can cut datagrams out of one buffer (UDP_SEGMENT, Linux 4.18). */
bool transport_udp_can_segment(int fd);

/* What the kernel says of each message as soon as it has taken it, also if this process is being
 * killed meanwhile. */
struct transport_udp_batch;

/* Hand datagrams to a connected socket that does not block. 'batch' is memory of
 * TRANSPORT_KEPT_SIZE bytes, or NULL. '*can_segment' becomes false when the
 * device or the kernel refuses to cut; what was refused then goes one by one. Sends only a
 * part, without an error, where datagrams differ in size: call again. */
struct transport_result transport_udp_send(int fd, bool *can_segment,
					   struct transport_udp_batch *batch,
					   const struct datagram *datagrams, size_t count);
/* As transport_type.kept_sent. */
size_t transport_udp_kept_sent(const void *memory);

#endif
