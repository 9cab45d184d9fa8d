"""Collectors that start after the agent, or anew while it runs: without the templates they can read
nothing, and these come within the refresh time, or at once with `agentctl send-template`.

No ICMP here: where nobody listens nothing says so, as behind a firewall. The agent goes on as if
all were well, and what it has sent is lost for them.
"""

import struct
import time

import programs
import pytest
import traffic
from collector import DECODERS, Collector
from flows import FlowTable, differences
from netflow9 import flow_table
from waiting import wait_until

ADDRESS, COLLECTORS = "127.0.0.1", "127.0.0.2"
PORTS = {9: (2055, 3055, 4055), 10: (4739, 5739, 6739)}  # own, nfacctd, nfcapd
REFRESH_S = 4
WAIT_S = 1  # a datagram may wait so long before it leaves
SLACK_S = 2  # a sanitizer build on a loaded machine

RULES = f"""
table inet test {{
	chain out {{
		type filter hook output priority 0; policy accept;
		icmp type destination-unreachable drop
		ip daddr {ADDRESS} ip saddr {ADDRESS} log group 40 snaplen 96
	}}
}}
"""


class Site:
    """One host with an agent, and three collectors for each of v9 and IPFIX."""

    def __init__(self, cleanup, directory, host, flowagent, agentctl, refresh):
        self._cleanup, self._directory, self.host = cleanup, directory, host
        host.run("nft", "-f", "-", input=RULES)
        words = [word for version, ports in PORTS.items() for port in ports
                 for word in ("-n", f"{COLLECTORS}:{port},version={version}")]  # fmt: skip
        self.agent = flowagent("--nflog", "40", *words, "--template-refresh", refresh, host=host)
        self.agent.wait_for_group()
        self.control = agentctl(self.agent)
        self._starts = 0

    def start_collectors(self):
        """{version: (own, nfacctd, nfcapd)}"""
        self._starts += 1
        directory = self._directory / str(self._starts)
        directory.mkdir()
        started = {}
        for version, (own_port, nfacctd_port, nfcapd_port) in PORTS.items():
            own = self._cleanup.enter_context(Collector(COLLECTORS, own_port, self.host))
            others = (
                programs.Nfacctd(directory, COLLECTORS, nfacctd_port, self.host),
                programs.Nfcapd(directory, COLLECTORS, nfcapd_port, self.host),
            )
            for program in others:
                self._cleanup.callback(program.kill)
            started[version] = (own, *others)
        return started

    def send(self):
        """Packets of two new flows, which have left as records when this returns."""
        table, end = FlowTable(), (self.host, ADDRESS)
        before = self.control.statistics()["packets_read"]
        traffic.udp_dialogue(end, end, table, 5, 10, 20)
        wait_until(
            lambda: self.control.statistics()["packets_read"] >= before + table.packets(), "packets"
        )
        assert self.control.run("flush").returncode == 0
        wait_until(lambda: all(row["records_waiting"] == 0
                               for row in self.control.rows("show", "collectors")), "records sent")  # fmt: skip
        return table


def carries_templates(datagram):
    """Whether its first set is of templates: RFC 3954 section 5.2, RFC 7011 section 3.3.2."""
    (version,) = struct.unpack_from(">H", datagram)
    offset, template_set = {9: (20, 0), 10: (16, 2)}[version]
    return struct.unpack_from(">H", datagram, offset)[0] == template_set


def first_templates(own):
    """Index of the first datagram with templates, None without one."""
    return next((i for i, each in enumerate(list(own.datagrams)) if carries_templates(each)), None)


def wait_for_templates(collectors, timeout_s):
    for version, (own, *_) in collectors.items():
        wait_until(lambda: first_templates(own) is not None, f"templates of v{version}", timeout_s)


def read_by_own(version, own):
    """Flows of all datagrams from the first templates on."""
    decoder = DECODERS[version]()
    for datagram in list(own.datagrams)[first_templates(own) :]:
        decoder.decode(datagram)
    return flow_table(decoder.messages).counters()


def check_all_have(collectors, table):
    """Every collector has read these flows exactly; then they end."""
    for version, (own, nfacctd, nfcapd) in collectors.items():
        expected = table.counters()
        wait_until(lambda: expected.keys() <= read_by_own(version, own).keys(), "flows at our own")
        # The memory plugin is behind its collector.
        nfacctd.wait_until(
            lambda: len(nfacctd.table()) > 1
            and expected.keys() <= nfacctd.flows()[0].counters().keys(),
            "flows in its table",
        )
        nfcapd.stop()
        for found in (
            read_by_own(version, own),
            nfacctd.flows()[0].counters(),
            nfcapd.flows().counters(),
        ):
            seen = {key: found.get(key) for key in expected}
            assert not differences(seen, expected), version
        assert nfacctd.stop() == 0
        own.close()


@pytest.fixture
def site(cleanup, directory, host, flowagent, agentctl):
    return lambda refresh: Site(cleanup, directory, host("site"), flowagent, agentctl, refresh)


def test_templates_come_within_the_refresh_time(site):
    late = site(f"{REFRESH_S}s,0")
    late.send()  # for nobody
    for _ in "started late", "started anew":
        collectors = late.start_collectors()
        began = time.monotonic()
        wait_for_templates(collectors, REFRESH_S + WAIT_S + SLACK_S)
        assert time.monotonic() - began <= REFRESH_S + WAIT_S + SLACK_S
        check_all_have(collectors, late.send())
    assert late.agent.stop() == 0, late.agent.errors


def test_templates_come_at_once_on_request(site):
    late = site("1d,0")
    late.send()
    for _ in "started late", "started anew":
        collectors = late.start_collectors()
        late.send()
        for own, *_ in collectors.values():
            own.wait_for_datagrams(1)
            assert first_templates(own) is None  # records that nobody can read
        assert late.control.run("send-template").returncode == 0
        wait_for_templates(collectors, WAIT_S + SLACK_S)
        check_all_have(collectors, late.send())
    assert late.agent.stop() == 0, late.agent.errors
