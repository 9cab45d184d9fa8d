/* capture_ulog.h - whether this kernel has the old netfilter log at all.
 *
 * Place: beside fprobe_ulog.c, which reads NFLOG where it has not. */
#ifndef CAPTURE_ULOG_H
#define CAPTURE_ULOG_H

#include <stdbool.h>

bool capture_ulog_is_there(void);

#endif
