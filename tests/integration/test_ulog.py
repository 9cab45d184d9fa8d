"""The old netfilter log, ULOG: the source whole, over a netlink family in which user space may send.

Kernels of today have no ULOG. Debugging builds read another family when FLOWAGENT_TEST_ULOG is set,
and take datagrams of anybody there: here a test stands for the kernel."""

import contextlib
import socket
import struct

import pytest

import frames
import ledger
import programs
from conftest import BUILD
from flows import FlowKey
from waiting import wait_until

USERSOCK = 2
SO_SNDBUFFORCE = 32
EVENT, NLMSG_DONE, NLM_F_MULTI = 111, 3, 2
OUTPUT = 3
LAYOUTS = {64: ("=QqqI16s16s4xQ32sB80s", 192), 32: ("=LllI16s16sL32sB80s", 168)}
SECONDS = 1_700_000_000


def message(packet, sequence, layout=64, kind=EVENT, flags=0, mark=0, hook=1, indev=b"lo", outdev=b"", prefix=b""):
    form, size = LAYOUTS[layout]
    body = struct.pack(form, mark, SECONDS, 1000 * sequence, hook, indev, outdev, len(packet), prefix, 14, bytes(80))
    body = (body + packet).ljust(size + len(packet), b"\0")
    header = struct.pack("=IHHII", 16 + len(body), kind, flags, sequence, 0)
    return header + body.ljust((len(body) + 3) // 4 * 4, b"\0")


def datagram(packets, **options):
    """As the kernel makes it: numbered messages, the last one of type NLMSG_DONE if there are several."""
    several = len(packets) > 1
    parts = []
    for number, packet in enumerate(packets):
        is_last = number == len(packets) - 1
        kind = NLMSG_DONE if several and is_last else EVENT
        parts.append(message(packet, number, kind=kind, flags=0 if is_last else NLM_F_MULTI, **options))
    return b"".join(parts)


class Kernel:
    """What sends to the agent. By port a full queue holds it up, so that nothing is lost."""

    def __init__(self, host):
        self.host = host
        with host.entered():
            self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, USERSOCK)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 1 << 20)
        self.socket.bind((0, 0))

    def port_of(self, groups):
        """Of the socket that has joined the groups."""
        for line in self.host.read("netlink").splitlines()[1:]:
            _, family, port, joined = line.split()[:4]
            if int(family) == USERSOCK and int(joined, 16) == groups:
                return int(port)
        return None

    def to_port(self, port, bytes_):
        self.socket.sendto(bytes_, (port, 0))

    def to_groups(self, groups, bytes_):
        """After the group it goes to port 0 as well, where no kernel listens in this family."""
        with contextlib.suppress(ConnectionRefusedError):
            self.socket.sendto(bytes_, (0, groups))


@pytest.fixture
def kernel(host, cleanup):
    made = Kernel(host("site"))
    cleanup.callback(made.socket.close)
    return made


@pytest.fixture
def start(kernel, flowagent):
    """start(MASK, *options) runs an agent that reads the mask: (agent, its port)."""

    def run(mask, *options):
        agent = flowagent("--ulog", mask, *options, host=kernel.host, environment={"FLOWAGENT_TEST_ULOG": "1"})
        agent.wait_for_control()
        return agent, kernel.port_of(mask)

    return run


def udp(number, size=0):
    """A datagram of flow 'number', with its key."""
    source, port = f"192.0.2.{number % 250 + 1}", 1024 + number
    key = FlowKey(source, "198.51.100.7", frames.UDP, port, 53)
    return key, frames.ipv4(frames.udp(port, payload=b"u" * size), source=source)


def source_of(agentctl, agent):
    (row,) = agentctl(agent).rows("show", "sources")
    return row


def test_a_million_messages_are_exact(kernel, start, collector):
    """50 in each datagram, of 3200 flows."""
    sink = collector("127.0.0.1", 0, kernel.host)
    agent, port = start(5, "-n", f"{sink.host_port},version=5", "-m", "100000")
    batches = [[udp(50 * i + k, k) for k in range(50)] for i in range(64)]
    datagrams = [datagram([packet for _, packet in batch]) for batch in batches]
    count = 20_000
    for number in range(count):
        kernel.to_port(port, datagrams[number % len(datagrams)])
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["packets_read"] == 50 * count
    assert summary["packets_lost_kernel"] == 0
    expected = {}
    for number, batch in enumerate(batches):
        times = len(range(number, count, len(batches)))
        expected |= {key: (times, times * len(packet)) for key, packet in batch}
    wait_until(lambda: sink.flows().packets() == 50 * count, "all packets at the collector")
    assert sink.flows().counters() == expected


@pytest.mark.parametrize("layout", LAYOUTS)
def test_members_of_a_message(layout, kernel, start, agentctl):
    """By a group of the mask, as the kernel sends: one message, in the layout of its "long"."""
    agent, _ = start(4, "--mark-as-tos", "on")
    key, packet = udp(7)
    options = {"mark": 0x2E, "hook": OUTPUT, "indev": b"", "outdev": b"lo", "layout": layout}
    kernel.to_groups(4, message(packet, 0, **options))
    kernel.to_groups(8, message(packet, 0, **options))  # another group
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] == 1, "a packet")
    (row,) = control.rows("show", "flows")
    assert (row["src"], row["src_port"], row["packets"], row["bytes"]) == (key.source, key.source_port, 1, len(packet))
    assert (row["tos"], row["dir"], row["in_if"], row["out_if"]) == (0x2E, "out", 0, 1)
    assert row["start_unix_ms"] == SECONDS * 1000
    assert source_of(agentctl, agent)["name"] == "ulog:4"
    assert agent.stop() == 0, agent.errors


def test_what_is_wrong_is_counted(kernel, start, agentctl):
    """Garbage, a datagram that is cut, a gap in the numbers; the packets around are counted."""
    agent, port = start(1)
    whole = datagram([udp(number)[1] for number in range(4)])
    sent = [
        (b"garbage", 0, {"messages_malformed": 1}),
        (b"\xff" * 4096, 0, {"messages_malformed": 2}),
        (whole[:-20], 3, {"messages_malformed": 3}),
        (message(udp(1)[1], 0) + message(udp(2)[1], 6), 2, {"packets_lost": 5}),
        (b"\0" * (300 << 10), 0, {"messages_truncated": 1}),
        (whole, 4, {}),
    ]
    packets = 0
    for bytes_, count, _ in sent:
        kernel.to_port(port, bytes_)
        packets += count
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] == packets, f"{packets} packets")
    row = source_of(agentctl, agent)
    assert (row["messages_malformed"], row["messages_truncated"]) == (4, 1)
    assert control.statistics()["packets_lost_kernel"] == 5
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary())


def test_fprobe_ulog_reads_it(kernel, directory, cleanup):
    """Under that name the groups of the mask are those of ULOG where the kernel has it."""
    command = directory / "fprobe-ulog"
    command.symlink_to(BUILD / "flowagent")
    program = programs.Program(
        "fprobe-ulog", [command, "-l", "2", "-U", "5", "127.0.0.1:2055"], directory, kernel.host,
        environment={"FLOWAGENT_TEST_ULOG": "1"},
    )  # fmt: skip
    cleanup.callback(program.kill)
    program.wait_until(lambda: "fprobe-ulog: reading ulog:5\n" in program.output, "its groups")
    assert "nflog" not in program.output
    assert program.stop() == 0


def test_a_kernel_without_names_the_rule(flowagent_run, host):
    for more in [], ["--check-config"]:
        done = flowagent_run("--ulog", "0x80000001", "--control", "none", *more, host=host("site"))
        assert done.returncode == 1, done.stderr
        assert "this kernel has no ULOG (Linux has had none since 3.17): use NFLOG, also for IPv6 (group 1,32)" in done.stderr
        assert '"-j NFLOG --nflog-group N --nflog-size 128"' in done.stderr
        assert "start flowagent -g 1 -g 32" in done.stderr
