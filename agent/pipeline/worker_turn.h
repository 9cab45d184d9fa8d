/* worker_turn.h - one turn of a worker's loop.
 *
 * Place: capture source -> decode -> flow cache -> ring. Of the worker's thread. */
#ifndef WORKER_TURN_H
#define WORKER_TURN_H

#include "worker_parts.h"

/* Answer who asks, do what there is to do, and sleep if that was all. Sets worker->has_finished
 * once the input has ended and everything has been handed over. */
void worker_turn(struct worker *worker);
/* Stand still for as long as that is wanted, if it can between this turn and the next. Returns
 * whether it has. */
bool worker_turn_rests(struct worker *worker);

#endif
