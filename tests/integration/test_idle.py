"""What an agent costs that has nothing to do: little memory, few wake-ups. Release build."""

import time
from pathlib import Path

MEMORY_MAX_KB = 20_000
WAKE_UPS_PER_SECOND_MAX = 8  # measured: 4
INTERVAL_S = 3


def wake_ups(pid):
    """Times that its threads have gone to sleep and come back."""
    return sum(
        int(line.split()[1])
        for status in Path(f"/proc/{pid}/task").glob("*/status")
        for line in status.read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches:")
    )


def resident_kb(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def test_an_idle_agent_is_hardly_there(host, flowagent, collector):
    server = host("server")
    own = collector("127.0.0.1", 0, server)
    agent = flowagent("--nflog", "40", "-n", own.host_port, host=server, release=True)
    agent.wait_for_group()
    own.wait_for_datagrams(1)  # the first templates, and with them the end of starting
    before, began = wake_ups(agent.pid), time.monotonic()
    time.sleep(INTERVAL_S)  # this is the interval that is measured
    rate = (wake_ups(agent.pid) - before) / (time.monotonic() - began)
    assert rate <= WAKE_UPS_PER_SECOND_MAX
    assert resident_kb(agent.pid) <= MEMORY_MAX_KB
    assert agent.stop() == 0, agent.errors
