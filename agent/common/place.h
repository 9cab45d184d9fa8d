/* place.h - whose place a path is in, when root makes a file by it.
 *
 * Place: called while root makes the control socket and the summary.
 *
 * What is made before privileges are dropped is made as root, and may be in a directory that the
 * agent's own user can change: a link that was put there would lead root anywhere. So in such a
 * place root acts with the rights of that user, who can then only harm himself. */
#ifndef PLACE_H
#define PLACE_H

#include <stdbool.h>
#include <sys/types.h>

struct place {
	uid_t uid; /* of the agent's user */
	gid_t gid;
	bool has_user;   /* we are root, and there is such a user */
	bool is_entered; /* files are made as that user */
};

/* Find the user: 'name', or DEFAULT_USER (defaults.h) if that is NULL. */
struct place place_of(const char *name);

/* Act as the agent's user if he owns, or may write to, any directory on the way to 'path', or owns
 * what is there. For the calling thread, until place_leave(). */
void place_enter(struct place *place, const char *path);
void place_leave(struct place *place);

/* Give what an open descriptor stands for to the agent's user, if there is one. Returns 0 or a
 * negative errno. */
int place_give(const struct place *place, int descriptor);

#endif
