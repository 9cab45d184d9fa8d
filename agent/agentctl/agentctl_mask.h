/* agentctl_mask.h - secrets out of a text that is given away.
 *
 * Place: every text of `bug-report` passes it on its way into the archive. */
#ifndef AGENTCTL_MASK_H
#define AGENTCTL_MASK_H

/* Replace by stars, in each line, what follows = or : or blanks after a word that contains
 * "password", "passphrase", "passwd", "secret", "token", "credential" or "community", in any case,
 * and the body of PEM blocks. The length stays. */
void agentctl_mask(char *text);

#endif
