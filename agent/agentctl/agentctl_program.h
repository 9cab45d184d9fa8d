/* agentctl_program.h - runs nft, systemctl and the like: an array of arguments, never a shell.
 *
 * Place: the only way in which agentctl starts another program. */
#ifndef AGENTCTL_PROGRAM_H
#define AGENTCTL_PROGRAM_H

struct program_result {
	int status;      /* exit status; 128 + number for a signal */
	char *output;    /* owned; standard output, "" if none */
	char fault[256]; /* first line of standard error, "" if none */
};

/* Run a program to its end. argv[0] is looked up in PATH and in /usr/sbin:/sbin, which an ordinary
 * user's PATH lacks; 'input' is its standard input (NULL: none). Returns 0 when it has run,
 * whatever its status, or -ENOENT if it is not installed, or another negative errno. Clear the
 * result after 0. */
int agentctl_program_run(const char *const *argv, const char *input, struct program_result *result);
void agentctl_program_clear(struct program_result *result);

/* The agent that belongs to this program: beside it, or in the sbin beside its bin; else by PATH.
 * For free(); NULL if memory is short. */
char *agentctl_program_agent(void);

#endif
