"""What waiting costs: a stage that cannot continue sleeps until there is plenty to do. Release build.

Counted are the times that threads go to sleep and come back. A slow machine does not make them more in
a file; live it cuts the packets into more parts, so that test wants a quiet machine.
"""

import resource
import socket
import subprocess
import threading
import time

import pytest

import ledger
from conftest import ROOT
from test_idle import wake_ups
from waiting import wait_until

FLOWS = 400_000
# Most of a burst of 32 at once, and what fills the queue again. Measured: 20 a switch.
DATAGRAMS_PER_SWITCH = 18
# The reader takes 85 messages a second. Looks for confirmations: 25 a second; offers of room: 20.
READ_BYTES, READ_INTERVAL_S = 12_000, 0.1
WAKE_UPS_PER_SECOND_MAX = 160  # measured: 80 to 115
INTERVAL_S = 3
INTERVALS = 5
RUNS = 4


@pytest.fixture(scope="session")
def storm(tmp_path_factory):
    """A capture in which each packet is a flow of its own."""
    directory = tmp_path_factory.mktemp("storm")
    source = ROOT / "tests" / "bench" / "generate.c"
    subprocess.run(["cc", "-O2", "-o", directory / "generate", source, "-lm"], check=True)
    path = directory / "storm.pcap"
    subprocess.run(
        [directory / "generate", "storm", str(FLOWS), "0", path],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return path


def switches_and_datagrams(storm, flowagent, collector):
    own = collector()
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw
    agent = flowagent("--read", storm, "-n", own.host_port, release=True)
    assert agent.wait() == 0, agent.errors
    switches = resource.getrusage(resource.RUSAGE_CHILDREN).ru_nvcsw - before
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["records_sent"] == FLOWS and summary["records_lost"] == 0
    return switches, summary["datagrams_sent"]


def test_a_paced_file_wakes_for_bursts_not_for_datagrams(storm, flowagent, collector):
    """The fewest of some runs: others on the machine only add to them."""
    fewest = datagrams = None
    for _ in range(RUNS):
        switches, datagrams = switches_and_datagrams(storm, flowagent, collector)
        fewest = switches if fewest is None else min(fewest, switches)
        if fewest <= datagrams / DATAGRAMS_PER_SWITCH:
            break
    assert fewest <= datagrams / DATAGRAMS_PER_SWITCH, (fewest, datagrams)


class SlowReader:
    """A collector over TCP that takes 'size' bytes each 'interval_s', and counts them."""

    def __init__(self, namespace, size, interval_s):
        self._size, self._interval_s = size, interval_s
        self.taken = 0
        with namespace.entered():
            self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        self.host_port = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        connection, _ = self._listener.accept()
        with connection:
            while not self._is_over.wait(self._interval_s):
                self.taken += len(connection.recv(self._size))

    def close(self):
        self._is_over.set()
        self._thread.join()
        self._listener.close()


@pytest.mark.quiet
def test_a_slow_collector_wakes_nobody_often(hosts, flowagent, flood, cleanup):
    """Live: workers and export thread sleep while a reader over TCP takes a tenth of what comes."""
    own = SlowReader(hosts.server, READ_BYTES, READ_INTERVAL_S)
    cleanup.callback(own.close)
    agent = flowagent(
        "--nflog", "40", "-n", f"{own.host_port},transport=tcp,version=10",
        "--inactive-timeout", "1s", "--max-flows", "2000", host=hosts.server, release=True,
    )  # fmt: skip
    agent.wait_for_group()
    flood.begin(20_000)
    wait_until(lambda: own.taken >= 400_000, "the buffers of the connection to be full")

    def rate():
        before, began = wake_ups(agent.pid), time.monotonic()
        time.sleep(INTERVAL_S)  # this is the interval that is measured
        return (wake_ups(agent.pid) - before) / (time.monotonic() - began)

    # Others on the machine cut what comes into smaller parts: the calmest interval tells.
    rates = [rate()]
    while min(rates) > WAKE_UPS_PER_SECOND_MAX and len(rates) < INTERVALS:
        rates.append(rate())
    flood.end()
    assert min(rates) <= WAKE_UPS_PER_SECOND_MAX, rates
