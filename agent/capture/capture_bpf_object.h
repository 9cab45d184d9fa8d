/* capture_bpf_object.h - the compiled program for the kernel, as an ELF object.
 *
 * Place: the build makes it of bpf/capture_bpf_program.c, for capture_bpf_kernel.c. */
#ifndef CAPTURE_BPF_OBJECT_H
#define CAPTURE_BPF_OBJECT_H

#include <stddef.h>

extern const unsigned char capture_bpf_object[];
extern const size_t capture_bpf_object_size;

#endif
