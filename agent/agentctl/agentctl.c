/* agentctl.c - main() of agentctl: everything is in agentctl_main.c, which tests can link. */
#include "agentctl.h"

int main(int argc, char **argv)
{
	return (int)agentctl_main(argc, argv);
}
