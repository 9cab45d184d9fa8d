/* agentctl_local_reader.h - which program of this host listens on a UDP port.
 *
 * Place: /proc -> here -> the doctor's checks of collectors. */
#ifndef AGENTCTL_LOCAL_READER_H
#define AGENTCTL_LOCAL_READER_H

#include <stdbool.h>

struct local_reader {
	unsigned int port; /* UDP */
	unsigned int pid;
	char program[64]; /* the name of the process: nfacctd, also where it has a title */
	char file[512];   /* nfacctd's configuration, "" if not known */
	char *settings;   /* owned; content of that file, NULL: none */
	char version[64]; /* nfacctd's, "" if not known */
	bool is_renamed;  /* pmacct 1.7.9 or newer, whose keys were renamed */
};

/* Find who listens on a port. Needs root for processes of others. Returns false if nobody, or an
 * unknown process, does. Clear afterwards. */
bool local_reader_find(unsigned int port, struct local_reader *reader);

/* Find a collector that is known by its name, at any port. */
bool local_reader_find_any(struct local_reader *reader);

void local_reader_clear(struct local_reader *reader);

/* "nfacctd 1.7.9-git (...)", "... Daemon, nfacctd 1.7.7": whether it is 1.7.9 or newer. */
bool local_reader_is_renamed(const char *version);

#endif
