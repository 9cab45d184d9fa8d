/* export_take.h - from the rings of all workers to the exporter.
 *
 * Place: rings -> here -> exporter. Of the export thread, in each of its turns. */
#ifndef EXPORT_TAKE_H
#define EXPORT_TAKE_H

#include "export_thread_parts.h"

/* Take entries of all rings, as far as there is room. 'now_us' is monotonic time, here and below.
 */
void export_take(struct export_thread *thread, int64_t now_us);
/* Places in the rings of what was taken are free again, once that is noted. */
void export_take_release(struct export_thread *thread, int64_t now_us);

/* How many entries may be taken before asking again: 0 also while more room is waited for. */
size_t export_take_room(struct export_thread *thread, int64_t now_us);
/* When that wait ends for want of plenty, from now on, in microseconds; -1: not by time. */
int64_t export_take_hold_us(const struct export_thread *thread, int64_t now_us);
/* Whether a ring has entries. */
bool export_take_is_waiting(const struct export_thread *thread);

/* Before the start: the clock has begun earlier, in an agent before this one. */
void export_take_set_origin(struct export_thread *thread, cache_ms origin_ms, unix_ms start_ms);
/* The clock as the exporter sees it: that of the packets, and real time. */
void export_take_set_time(struct export_thread *thread, cache_ms clock_ms, unix_ms now_ms);

#endif
