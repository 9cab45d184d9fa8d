/* transport_udp_send.c - sendmsg() with UDP_SEGMENT, and sendmmsg().
 *
 * Place: transport_udp.c -> here -> kernel. Datagrams of one size that follow each other go down
 * the network stack as one packet, which the device, or the kernel just before it, cuts apart: a
 * quarter of the time that sending them one by one takes. Such a packet is taken or refused as a
 * whole, so what a call has sent is known to the datagram. */
#include "transport_udp_send.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

enum {
	BATCH_MAX = 64,          /* UDP_MAX_SEGMENTS of kernels before 6.9 */
	BATCH_BYTES_MAX = 65487, /* payload of the largest packet, an IPv6 one beside its header */
	WORTH_IT = 2,            /* datagrams of one size */
};

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

static struct transport_result send_as_one(int fd, const struct datagram *datagrams, size_t count)
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

	option->cmsg_level = IPPROTO_UDP;
	option->cmsg_type = UDP_SEGMENT;
	option->cmsg_len = CMSG_LEN(sizeof(size));
	memcpy(CMSG_DATA(option), &size, sizeof(size));
	for (size_t i = 0; i < count; i++)
		parts[i] = part_of(&datagrams[i]);
	if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return (struct transport_result){ .error = -errno };
	return (struct transport_result){ .sent = count, .is_one_packet = true };
}

static struct transport_result send_each(int fd, const struct datagram *datagrams, size_t count)
{
	struct mmsghdr messages[BATCH_MAX];
	struct iovec parts[BATCH_MAX];
	int sent;

	for (size_t i = 0; i < count; i++) {
		parts[i] = part_of(&datagrams[i]);
		messages[i] = (struct mmsghdr){
			.msg_hdr = { .msg_iov = &parts[i], .msg_iovlen = 1 },
		};
	}
	sent = sendmmsg(fd, messages, (unsigned int)count, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return (struct transport_result){ .error = -errno };
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
					   const struct datagram *datagrams, size_t count)
{
	size_t alone = 0;

	if (count > BATCH_MAX)
		count = BATCH_MAX;
	/* Up to where datagrams of one size begin. */
	while (alone < count &&
	       (!*can_segment || count_alike(datagrams + alone, count - alone) < WORTH_IT))
		alone++;
	if (alone == 0 && count) {
		size_t alike = count_alike(datagrams, count);
		struct transport_result result = send_as_one(fd, datagrams, alike);

		if (!is_about_segments(result.error))
			return result;
		*can_segment = false;
		alone = alike;
	}
	return send_each(fd, datagrams, alone);
}
