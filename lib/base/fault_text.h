/* fault_text.h - what a negative errno says to a person.
 *
 * Place: errno -> here -> error_text or log.
 *
 * Like strerror(), but where a limit of open files is reached it names the limit, its value, and
 * what raises it. */
#ifndef FAULT_TEXT_H
#define FAULT_TEXT_H

/* 'fault' is a positive errno value. The text is valid until the next call of the same thread. */
const char *fault_text(int fault);

#endif
