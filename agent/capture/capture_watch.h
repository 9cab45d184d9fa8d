/* capture_watch.h - whether something has changed about network interfaces or their addresses.
 *
 * Place: part of the capture sources that depend on an interface. It says only that there is news,
 * not what: who asks looks for himself. Needs no privileges. */
#ifndef CAPTURE_WATCH_H
#define CAPTURE_WATCH_H

#include <stdbool.h>

/* Returns a descriptor, readable when there is news, to be closed with close(); or a negative
 * errno. */
int capture_watch_open(void);

/* Whether there was news since the last call. Never blocks. 'descriptor' may be negative: never. */
bool capture_watch_has_news(int descriptor);

#endif
