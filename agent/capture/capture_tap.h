/* capture_tap.h - the two ways to tap an interface: a packet socket's ring of our own, or libpcap.
 *
 * Place: capture_tap_ring.c or capture_tap_pcap.c -> here -> capture_interface.c, which tries the
 * ring first and knows when an interface has gone. In a build without libpcap
 * capture_without_pcap.c stands for it. */
#ifndef CAPTURE_TAP_H
#define CAPTURE_TAP_H

#include "capture.h"

struct capture_tap; /* opaque: each way has its own */

struct capture_tap_request {
	const char *name;   /* of the interface; borrowed for the tap's life */
	const char *filter; /* words of libpcap; "": all packets */
	uint32_t snaplen;   /* bytes copied of each packet */
	uint32_t buffer_bytes;
	bool is_promiscuous;
};

struct capture_tap_type {
	/* Returns 0, or a negative errno: -ENODEV (no such interface), -ENETDOWN and -EPERM, which
	 * the caller explains; -EOPNOTSUPP: this way cannot, another might; or others with 'error'
	 * filled. */
	int (*open)(const struct capture_tap_request *request, struct capture_tap **tap,
		    struct error_text *error);
	/* As read() of capture.h, without an end. -EIO with 'error' filled: no packet comes any
	 * more, for the interface has gone or for another reason. */
	int (*read)(struct capture_tap *tap, struct packet_view *views, size_t capacity,
		    struct error_text *error);
	/* The socket: readable when there may be packets. */
	int (*descriptor)(const struct capture_tap *tap);
	/* Addresses of the interface and the host may have changed; NULL: they do not matter. */
	void (*follow)(struct capture_tap *tap);
	/* Since it was opened. */
	void (*statistics)(struct capture_tap *tap, struct capture_statistics *statistics);
	void (*close)(struct capture_tap *tap); /* NULL is fine */
};

/* Within this time the kernel hands over a block of its ring that is not full. */
#define CAPTURE_TAP_TIMEOUT_MS 100

extern const struct capture_tap_type capture_tap_ring;
extern const struct capture_tap_type capture_tap_pcap;

#endif
