/* printable.h - text from outside that can do nothing but be read.
 *
 * Place: the last step before outside text reaches a log or a terminal.
 *
 * Names of interfaces and files, TLS names, prefixes of rules and what a peer says reach the log
 * and the terminal. Not printable are control characters (C0, DEL, and C1: U+009B begins a command
 * to the terminal as ESC [ does), line separators, marks that turn the direction of text, and bytes
 * that are no UTF-8. Pure. */
#ifndef PRINTABLE_H
#define PRINTABLE_H

#include <stddef.h>

/* Bytes of the printable character that 'text' of 'length' bytes begins with; 0 if it begins with
 * something else. */
size_t printable_size(const char *text, size_t length);

/* Write \uXXXX, as JSON has it, in the place of a character of 'size' bytes of valid UTF-8 that is
 * not printable: 6 bytes. Returns the new end. */
char *printable_escape(char *to, const char *character, size_t size);

/* Put '?' in the place of each byte that is not part of a printable character. */
void printable_make(char *text);

#endif
