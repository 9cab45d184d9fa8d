/* capture_bpf_claim.c - sockets that are bound, and never read. */
#include "capture_bpf_claim.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int capture_bpf_claim(uint32_t index, bool is_egress, uint32_t number)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const int length =
		snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "flowagent-bpf-%u-%s-%u",
			 index, is_egress ? "out" : "in", number);
	const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const socklen_t size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
	int error;

	if (descriptor < 0)
		return -errno;
	if (bind(descriptor, (const struct sockaddr *)&name, size) == 0)
		return descriptor;
	error = errno;
	(void)close(descriptor);
	return -error;
}

bool capture_bpf_is_claimed(uint32_t index, bool is_egress, uint32_t number)
{
	const int descriptor = capture_bpf_claim(index, is_egress, number);

	if (descriptor >= 0)
		(void)close(descriptor);
	return descriptor == -EADDRINUSE;
}
