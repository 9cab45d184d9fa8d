/* pipeline_uncounted.h - packets that a killed agent had read and not counted, in the state that
 * becomes of its memories.
 *
 * Place: pipeline_former.c -> pipeline_state.c -> here -> pipeline_handover.c. Control thread only.
 * So the state has all that these memories had, and may be taken over as often as an agent is
 * killed while it does that. The body of the section: the build, which alone can read the rest
 * (pipeline_kept.c), filled up with NUL; struct worker_kept_turn; what the source reads into, up to
 * its last byte that is not 0. */
#ifndef PIPELINE_UNCOUNTED_H
#define PIPELINE_UNCOUNTED_H

struct handover_writer;
struct pipeline;
struct worker;

/* Write the section of a source; worker_kept_recover() has found 'left'. */
void pipeline_uncounted_write(struct handover_writer *writer, const char *build, const char *source,
			      const struct worker *left);
/* The state's flows and counters are there, and no thread runs: give each worker with a section of
 * its source the packets in it. */
void pipeline_uncounted_give(struct pipeline *pipeline);

#endif
