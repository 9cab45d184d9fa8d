/* agentctl.c - main() of agentctl: everything is in agentctl_main.c, which tests can link. */
#include "agentctl.h"
#include "standard_streams.h"

int main(int argc, char **argv)
{
	if (standard_streams_hold() < 0)
		return AGENTCTL_FAILED;
	return (int)agentctl_main(argc, argv);
}
