"""A BPF source's ledger at every moment: seen = handed up + counted + lost + foreign, in the kernel and as the agent says it, while packets
come, agents are killed, the ring is full, and interfaces go."""

import signal
import threading

import pytest

import ledger
from bpf_ledger import BpfLedger
from conftest import Hosts
from test_bpf import finish
from test_bpf_handover import check_once, counted, serve  # noqa: F401
from test_handover import RATE, manager  # noqa: F401
from test_sources_away import LINK, agent_on, site, wait_for_state  # noqa: F401
from waiting import wait_until

SAMPLES, LOOKS, KILLS = 10, 200, 3  # looks at the kernel's counters for each sample of the agent
SOURCES = pytest.mark.parametrize("word", ["", ",offload=4"], ids=["ring", "offload"])


def sample(control):
    """What the agent says: both in one answer. Returns packets that it has not read yet."""
    statistics = control.statistics()
    ledger.check_summary(statistics)
    (source,) = control.rows("show", "sources")
    waiting = source["packets_seen"] - source["packets_read"] - source["packets_lost_kernel"] - source["packets_foreign"]
    assert waiting >= 0, source
    assert source["packets_counted"] <= source["packets_seen"], source
    return waiting


@SOURCES
def test_every_sample_under_load_and_kills(word, serve, hosts, flood, collector):  # noqa: F811
    own = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    options = ["--bpf", f"eth0{word}", "-n", own.host_port, "--active-timeout", "1s"]
    agent, control = serve(*options)
    kernel = BpfLedger(agent.pid)
    flood.FLOWS = 500
    flood.begin(2 * RATE)
    seen = 0
    for kill in range(KILLS + 1):
        if kill:
            agent.process.kill()
            agent.wait()
            for _ in range(LOOKS):
                kernel.check()
            agent, control = serve(*options, before=agent)
            assert "bpf:eth0: continued" in agent.errors
        for _ in range(SAMPLES):
            sample(control)
            for _ in range(LOOKS):
                now = kernel.check()
                assert now >= seen
                seen = now
    flood.end()
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    wait_until(lambda: sample(control) == 0, "all that was seen")
    check_once(agent, own, flood.packets())
    kernel.check_all()


@SOURCES
def test_every_sample_of_a_ring_that_is_full(word, hosts, flowagent, agentctl, flood):
    """While the agent stands still, and when it goes on."""
    agent = flowagent("--bpf", f"eth0{word},buffer=64k", host=hosts.server)
    agent.wait_for_control()
    control = agentctl(agent)
    kernel = BpfLedger(agent.pid)
    flood.FLOWS = 20_000  # more than the table has room for
    flood.begin(2 * RATE)
    for _ in range(3):
        agent.signal(signal.SIGSTOP)
        begin = kernel.lost()
        wait_until(lambda: kernel.check() and kernel.lost() > begin + 1000, "packets that are lost", interval_s=0)
        agent.signal(signal.SIGCONT)
        for _ in range(SAMPLES):
            sample(control)
            for _ in range(LOOKS):
                kernel.check()
    flood.end()
    wait_until(lambda: counted(control.statistics()) == flood.packets(), "all packets")
    wait_until(lambda: sample(control) == 0, "all that was seen")
    assert finish(agent)["packets_lost_kernel"] > 3000
    kernel.check_all()


def test_every_sample_of_an_agent_that_never_sleeps(hosts, flowagent, agentctl, flood):
    """Its own sums, too: it reads on and on, and is asked meanwhile."""
    agent = flowagent("--bpf", "eth0", host=hosts.server)
    agent.wait_for_control()
    control = agentctl(agent)
    flood.FLOWS = 500
    flood.begin(20 * RATE)
    for _ in range(10 * SAMPLES):
        sample(control)
    flood.end()
    finish(agent)


@SOURCES
def test_every_sample_while_an_interface_comes_and_goes(word, site, agent_on):  # noqa: F811
    """It goes amid packets; the sums of the agent go on over all that there were."""
    agent, control = agent_on("--bpf", f"{LINK}{word}")
    for _ in range(3):
        site.add()
        wait_for_state(control, "running", f"bpf:{LINK}")
        kernel = BpfLedger(agent.pid)
        ends = threading.Event()
        sender = threading.Thread(target=send_until, args=(site, ends))
        sender.start()
        try:
            for _ in range(SAMPLES):
                sample(control)
                for _ in range(LOOKS):
                    kernel.check()
        finally:
            ends.set()
            sender.join()
        site.remove()
        for _ in range(SAMPLES):
            sample(control)
        wait_for_state(control, "waiting", f"bpf:{LINK}")
        kernel.check_all()
        assert sample(control) == 0
        assert control.statistics()["packets_read"] == site.sent
    assert finish(agent)["packets_read"] == site.sent


def send_until(place, ends):
    while not ends.is_set():
        place.send()
