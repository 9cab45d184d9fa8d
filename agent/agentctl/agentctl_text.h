/* agentctl_text.h - numbers as a person reads them. Pure; only agentctl_text_time() looks at the
 * time zone.
 *
 * Place: called where a cell or a sentence has a number, a size or a time. */
#ifndef AGENTCTL_TEXT_H
#define AGENTCTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define AGENTCTL_TEXT_SIZE 48

/* "2280 B", "91.2 MB": powers of 1000, three digits at least. */
const char *agentctl_text_bytes(uint64_t bytes, char text[static AGENTCTL_TEXT_SIZE]);
/* "980 b/s", "24.1 Mb/s": likewise. */
const char *agentctl_text_bitrate(uint64_t bits_per_s, char text[static AGENTCTL_TEXT_SIZE]);
/* "0.250s", "12.3s", "4m10s", "3h05m", "3d04h". */
const char *agentctl_text_duration(int64_t milliseconds, char text[static AGENTCTL_TEXT_SIZE]);
/* "2026-11-22 19:17:00.114", with "Z" after it in UTC. */
const char *agentctl_text_time(int64_t unix_ms, bool is_utc, char text[static AGENTCTL_TEXT_SIZE]);
/* "tcp", or the number. */
const char *agentctl_text_protocol(int64_t protocol, char text[static AGENTCTL_TEXT_SIZE]);
/* One letter per TCP flag from CWR to FIN, '.' where it was not seen: "...AP.SF". */
const char *agentctl_text_flags(int64_t flags, char text[static AGENTCTL_TEXT_SIZE]);

/* Print a line, broken between words so that it fits a width (0: it is not broken); what follows
 * the first line is set in by 'indent'. Ends with a newline. */
void agentctl_text_fold(FILE *out, const char *line, size_t width, size_t indent);

#endif
