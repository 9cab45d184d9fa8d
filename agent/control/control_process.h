/* control_process.h - what the agent's process takes of the machine.
 *
 * Place: control_rows.c calls it for `show status`. */
#ifndef CONTROL_PROCESS_H
#define CONTROL_PROCESS_H

#include <jansson.h>

/* New object: "cpu_ms" (user and system), "resident_bytes" and "open_fds", null where the kernel does
 * not say. NULL if memory is short. */
json_t *control_process_json(void);

#endif
