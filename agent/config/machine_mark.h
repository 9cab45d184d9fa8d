/* machine_mark.h - what marks this machine among clones of its disk: an address of its hardware.
 *
 * Place: config_source_id.c -> here; the kernel's list of interfaces is read, nothing is kept.
 *
 * A mark is a text of one or two words. With hardware it is the lowest permanent address of an
 * interface, which no boot changes. A container has none: the lowest address of its interfaces, and
 * its lowest IP address, stand for it. */
#ifndef MACHINE_MARK_H
#define MACHINE_MARK_H

#include <stdbool.h>

#define MACHINE_MARK_SIZE 96

/* Write the mark of this machine; "" if nothing marks it. */
void machine_mark_read(char mark[static MACHINE_MARK_SIZE]);

/* Whether this machine has an address that is a word of 'mark', so that it is the one that the mark
 * is of. A mark without words is of every machine. */
bool machine_mark_is_here(const char *mark);

#endif
