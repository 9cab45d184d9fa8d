/* transport_writer.h - a transport of files in a thread of its own: a write, an open or a rename
 * that hangs (NFS, a dying disk) holds up nobody but its own collector.
 *
 * Internal to transport_*.c. What is handed over is copied into a bounded ring; it is confirmed
 * when the transport that follows has confirmed it. */
#ifndef TRANSPORT_WRITER_H
#define TRANSPORT_WRITER_H

#include "transport.h"

#define TRANSPORT_WRITER_MESSAGES 64   /* handed over and not written, at most */
#define TRANSPORT_WRITER_HANG_MS  5000 /* one call takes longer: poll() says -ETIME */

/* As transport_type.open, with a transport after it that has sessions. The thread starts with the
 * first poll(): privileges are given up by then. */
int transport_writer_open(const struct transport_type *next, const struct transport_config *config,
			  struct transport **transport, struct error_text *error);

#endif
