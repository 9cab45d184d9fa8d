/* standard_streams.h - standard input, output and error are never something else.
 *
 * Place: the first call of main() in each program.
 *
 * A program may be started with one of them closed (">&-"). The next file or socket that it opens
 * then gets that number, and what is meant for people goes into it: messages into a connection, or
 * the answer of a command into a file of rules. */
#ifndef STANDARD_STREAMS_H
#define STANDARD_STREAMS_H

/* Put a descriptor that refuses to be used in the place of each that is closed: reading and writing
 * fail with EBADF as before. Call it first in main(). Returns 0 or a negative errno. */
int standard_streams_hold(void);

#endif
