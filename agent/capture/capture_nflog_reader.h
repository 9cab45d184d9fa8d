/* capture_nflog_reader.h - who reads an NFLOG group that cannot be had, in words for people.
 *
 * Place: beside capture_nflog.c, when the kernel has refused a group. Reads /proc only. */
#ifndef CAPTURE_NFLOG_READER_H
#define CAPTURE_NFLOG_READER_H

#include "error_text.h"

#include <stddef.h>
#include <stdint.h>

/* The systemd service of a process, from the text of its /proc/PID/cgroup (cgroups(7), version 1 or
 * 2): the innermost "NAME.service" of a path. 'unit' gets it, or "" if there is none or it does not
 * fit. */
void capture_nflog_reader_unit(const char *cgroups, char *unit, size_t size);

/* Say who reads the group, and what to do about it. */
void capture_nflog_reader_explain(uint16_t group, struct error_text *error);

#endif
