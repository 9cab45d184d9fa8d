/* test_agentctl_faults.c - command lines of agentctl that are wrong, and agents that do not answer.
 */
#include "agentctl_fixture.h"

#include <sys/prctl.h>

TEST(faults_of_a_command_line_are_usage)
{
	struct agent agent = { .path = "/nonexistent" };

	expect(&agent, "", 2, "", "a command is missing");
	expect(&agent, "s", 2, "", "ambiguous: setup or show");
	expect(&agent, "show", 2, "", "show: flows, status");
	expect(&agent, "show st", 2, "", "ambiguous: status or stats");
	expect(&agent, "show flowz", 2, "", "unknown command \"show flowz\"");
	expect(&agent, "reload now", 2, "", "nothing may follow");
	expect(&agent, "flush --top 3", 2, "", "--top is not for \"flush\"");
	expect(&agent, "show flows --top 0", 2, "", "--top 0: expected a number");
	expect(&agent, "show flows --top -1", 2, "", "--top -1: expected a number");
	expect(&agent, "show flows --nonsense", 2, "", "--nonsense");
	expect(&agent, "show flows -Z", 2, "", "-Z");
	expect(&agent, "show flows --sort", 2, "", "wants a value");
	expect(&agent, "show flows -o nothing", 2, "", "no column \"nothing\"");
	expect(&agent, "show flows -o src,dst,saddr", 2, "", "column \"src\" is there twice");
	expect(&agent, "show flows --by src,src", 2, "", "key \"src\" is there twice");
	expect(&agent, "show flows -J -r", 2, "", "exclude each other");
	expect(&agent, "show flows --timeout soon", 2, "", "--timeout soon");
	expect(&agent, "rules print -g 65536", 2, "", "--group 65536");
	expect(&agent, "-h", 0, NULL, NULL);
	expect(&agent, "--help show flows", 0, NULL, NULL);
	expect(&agent, "-V", 0, "agentctl " FLOWAGENT_VERSION "\n", NULL);
}

TEST(faults_of_a_filter_are_usage)
{
	struct agent agent;

	agent_prepare(&agent);
	agent_start(&agent);
	expect(&agent, "show flows colour=red", 2, "", "colour");
	agent_stop(&agent);
}

TEST(an_agent_that_is_not_there_is_unreachable)
{
	struct agent agent = { .path = "/nonexistent/control.sock" };

	expect(&agent, "show status", 3, "", "cannot reach the agent at /nonexistent/control.sock");
	expect(&agent, "wait packets --timeout 100ms", 3, "", "cannot reach");
	memset(agent.path, 'a', 107);
	expect(&agent, "show status", 3, "", "cannot reach");
}

TEST(a_path_that_is_no_socket_is_named_as_such)
{
	struct agent agent = { .path = "/etc" };

	expect(&agent, "show status", 3, "", "cannot reach the agent at /etc: it is not a socket");
	strcpy(agent.path, "/etc/passwd");
	expect(&agent, "flush", 3, "", "hint: the agent's own is /run/flowagent/control.sock");
}

/* Act as another user, or as root again: this thread alone, the server goes on as it is. */
static void become(uid_t user)
{
	CHECK_EQ(syscall(SYS_setresuid, -1, user, -1), 0);
	CHECK_EQ(prctl(PR_SET_DUMPABLE, 1), 0); /* the leak checker wants to look */
}

TEST(a_socket_that_may_not_be_opened_is_not_permitted)
{
	struct agent agent;

	if (geteuid() != 0)
		skip();
	agent_prepare(&agent);
	agent_start(&agent);
	become(65534);
	expect(&agent, "show status", 4, "", "you are not in group _flowagent");
	expect(&agent, "wait packets", 4, "", "you are not in group _flowagent");
	become(0);
	CHECK_EQ(chmod(agent.directory, 0755), 0);
	CHECK_EQ(chmod(agent.path, 0666), 0);
	become(65534);
	expect(&agent, "flush", 4, "", "only for root");
	expect(&agent, "show flows -J", 0, "", NULL);
	become(0);
	agent_stop(&agent);
}

TEST(a_pipeline_that_does_not_answer_is_a_timeout)
{
	struct agent agent;

	agent_prepare(&agent);
	agent_start(&agent);
	agent.pipeline.fault = -ETIMEDOUT;
	expect(&agent, "show stats", 5, "", "did not answer");
	agent_stop(&agent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_of_a_command_line_are_usage),
		cmocka_unit_test(faults_of_a_filter_are_usage),
		cmocka_unit_test(an_agent_that_is_not_there_is_unreachable),
		cmocka_unit_test(a_path_that_is_no_socket_is_named_as_such),
		cmocka_unit_test(a_socket_that_may_not_be_opened_is_not_permitted),
		cmocka_unit_test(a_pipeline_that_does_not_answer_is_a_timeout),
	};

	return RUN_TESTS(tests);
}
