/* capture_bpf_interface.h - what is asked about an interface, by name and a socket that is there:
 * where no more may be opened, the interface would seem to be gone.
 *
 * Place: part of capture_bpf.c. */
#ifndef CAPTURE_BPF_INTERFACE_H
#define CAPTURE_BPF_INTERFACE_H

#include "error_text.h"

#include <stdint.h>

/* The index of the interface that has the name now; 0: none has. */
uint32_t capture_bpf_interface_index(int socket, const char *name);

/* How its packets begin at tc: 'link' is an enum link_type. Returns 0, or a negative errno with
 * 'error' filled. */
int capture_bpf_interface_link(int socket, const char *name, uint8_t *link,
			       struct error_text *error);

#endif
