/* capture_sources.h - one declaration per packet source; defined in capture_<name>.c. */
#ifndef CAPTURE_SOURCES_H
#define CAPTURE_SOURCES_H

#include "capture.h"

extern const struct capture_type capture_nflog;     /* netfilter log group */
extern const struct capture_type capture_interface; /* network interface, by libpcap */
extern const struct capture_type capture_file;      /* pcap and pcapng file, standard input */

#endif
