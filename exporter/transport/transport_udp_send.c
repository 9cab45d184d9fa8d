/* transport_udp_send.c - sendmmsg(), with UDP_SEGMENT or without.
 *
 * Place: transport_udp.c -> here -> kernel. Datagrams of one size that follow each other go down
 * the network stack as one packet, which the device, or the kernel just before it, cuts apart: a
 * quarter of the time that sending them one by one takes. Such a packet is taken or refused as a
 * whole, so what a call has sent is known to the datagram. */
#include "transport_udp_send.h"

#include "store_order.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

enum {
	BATCH_MAX = 64,          /* UDP_MAX_SEGMENTS of kernels before 6.9 */
	BATCH_BYTES_MAX = 65487, /* payload of the largest packet, an IPv6 one beside its header */
	WORTH_IT = 2,            /* datagrams of one size */
};

/* sendmmsg() stores the bytes of each message right after that has gone. */
struct transport_udp_batch {
	uint32_t count; /* messages; 0: they are not ready */
	uint32_t datagrams_in_first;
	struct mmsghdr messages[BATCH_MAX];
};
_Static_assert(sizeof(struct transport_udp_batch) <= TRANSPORT_KEPT_SIZE, "fits in kept memory");

/* Returns how many messages have gone, or a negative errno. */
static int send_batch(int fd, struct transport_udp_batch *batch, size_t count, size_t in_first)
{
	int sent;

	batch->datagrams_in_first = (uint32_t)in_first;
	store_order();
	batch->count = (uint32_t)count;
	sent = sendmmsg(fd, batch->messages, (unsigned int)count, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent < 0 ? -errno : sent;
}

size_t transport_udp_kept_sent(const void *memory)
{
	const struct transport_udp_batch *batch = memory;
	size_t sent = 0;

	while (sent < batch->count && sent < BATCH_MAX && batch->messages[sent].msg_len)
		sent++;
	return sent ? sent - 1 + batch->datagrams_in_first : 0;
}

bool transport_udp_can_segment(int fd)
{
	const int not_always = 0;

	return setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &not_always, sizeof(not_always)) == 0;
}

/* How many datagrams, from the first on, make one packet: all of one size, only the last may be
 * smaller. */
static size_t count_alike(const struct datagram *datagrams, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		bytes += datagrams[i].size;
		if (datagrams[i].size > datagrams[0].size || bytes > BATCH_BYTES_MAX)
			return i;
		if (datagrams[i].size < datagrams[0].size)
			return i + 1;
	}
	return count;
}

static struct iovec part_of(const struct datagram *datagram)
{
	return (struct iovec){ (void *)(uintptr_t)datagram->bytes, datagram->size };
}

static struct transport_result send_as_one(int fd, struct transport_udp_batch *batch,
					   const struct datagram *datagrams, size_t count)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))] = { 0 };
	const uint16_t size = (uint16_t)datagrams[0].size;
	struct iovec parts[BATCH_MAX];
	struct msghdr message = {
		.msg_iov = parts,
		.msg_iovlen = count,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *option = CMSG_FIRSTHDR(&message);
	int sent;

	option->cmsg_level = IPPROTO_UDP;
	option->cmsg_type = UDP_SEGMENT;
	option->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(option), &size, sizeof(size));
	for (size_t i = 0; i < count; i++)
		parts[i] = part_of(&datagrams[i]);
	batch->messages[0] = (struct mmsghdr){ .msg_hdr = message };
	sent = send_batch(fd, batch, 1, count);
	if (sent < 0)
		return (struct transport_result){ .error = sent };
	return (struct transport_result){ .sent = count, .is_one_packet = true };
}

static struct transport_result send_each(int fd, struct transport_udp_batch *batch,
					 const struct datagram *datagrams, size_t count)
{
	struct iovec parts[BATCH_MAX];
	int sent;

	for (size_t i = 0; i < count; i++) {
		parts[i] = part_of(&datagrams[i]);
		batch->messages[i] = (struct mmsghdr){
			.msg_hdr = { .msg_iov = &parts[i], .msg_iovlen = 1 },
		};
	}
	sent = send_batch(fd, batch, count, 1);
	if (sent < 0)
		return (struct transport_result){ .error = sent };
	return (struct transport_result){ .sent = (size_t)sent };
}

/* Answers to UDP_SEGMENT itself: a device that computes no checksums (EIO), IPsec on the way, or a
 * size beyond the path's MTU (EINVAL up to Linux 6.13), which is reported as EMSGSIZE when
 * the datagram goes alone. */
static bool is_about_segments(int error)
{
	return error == -EIO || error == -EINVAL || error == -ENOPROTOOPT || error == -EOPNOTSUPP;
}

struct transport_result transport_udp_send(int fd, bool *can_segment,
					   struct transport_udp_batch *batch,
					   const struct datagram *datagrams, size_t count)
{
	struct transport_udp_batch own;
	size_t alone = 0;

	if (!batch)
		batch = &own;

	if (count > BATCH_MAX)
		count = BATCH_MAX;
	/* Up to where datagrams of one size begin. */
	while (alone < count &&
	       (!*can_segment || count_alike(datagrams + alone, count - alone) < WORTH_IT))
		alone++;
	if (alone == 0 && count) {
		size_t alike = count_alike(datagrams, count);
		struct transport_result result = send_as_one(fd, batch, datagrams, alike);

		if (!is_about_segments(result.error))
			return result;
		*can_segment = false;
		batch->count = 0;
		store_order();
		alone = alike;
	}
	return send_each(fd, batch, datagrams, alone);
}
