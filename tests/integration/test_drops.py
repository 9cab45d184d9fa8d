"""agentctl show drops: each reason to ignore a packet is reached, and its last packet is shown."""

import struct
import subprocess

from conftest import ROOT, Hosts
from firewalls import Nft
from waiting import wait_until

IP = bytes.fromhex("0000 0014 0000 0000 4011 0000 c0000201 c0000202".replace(" ", ""))
ETHERNET = bytes(12)

# reason -> frame; own_export is what the agent itself sends, for not_sampled see test_sampling.py.
FRAMES = {
    "not_ip": ETHERNET + b"\x08\x06" + bytes(28),
    "link_unknown": ETHERNET + b"\x89\x26" + bytes(40),
    "link_truncated": ETHERNET[:10],
    "link_malformed": ETHERNET + b"\x88\x64" + b"\x21" + bytes(40),
    "ip_truncated": ETHERNET + b"\x08\x00\x45" + IP[1:15],
    "ip_version": ETHERNET + b"\x08\x00\x55" + IP[1:],
    "ip_header_length": ETHERNET + b"\x08\x00\x44" + IP[1:],
    "ip_total_length": ETHERNET + b"\x08\x00\x45" + IP[1:3] + b"\x13" + IP[4:] + bytes(200),
}


def capture_of(frames):
    yield struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    for number, frame in enumerate(frames):
        yield struct.pack("<IIII", 1_700_000_000 + number, 5000, len(frame), len(frame) + 4) + frame


def test_every_reason_is_shown(flowagent, agentctl, directory):
    """Two packets for each reason through a pipe that stays open: the later one is the example."""
    control = directory / "drops.sock"
    agent = flowagent(
        "--read", "-", "--control", control, stdin=subprocess.PIPE, control=control
    )  # fmt: skip
    agent.wait_for_control()
    tool = agentctl(agent)
    assert all(row["packets"] == 0 and row["example"] is None for row in tool.rows("show", "drops"))

    early = [frame + b"early" if len(frame) > 60 else frame for frame in FRAMES.values()]
    for piece in capture_of([*early, *FRAMES.values()]):
        agent.process.stdin.write(piece)
    agent.process.stdin.flush()
    wait_until(lambda: tool.statistics()["packets_read"] == 2 * len(FRAMES), "all packets read")

    rows = {row["reason"]: row for row in tool.rows("show", "drops")}
    assert set(rows) == {*FRAMES, "own_export", "not_sampled"}
    for number, (reason, frame) in enumerate(FRAMES.items()):
        row = rows[reason]
        assert row["packets"] == 2, reason
        assert bytes.fromhex(row["example"]) == frame[:96]
        assert (row["captured_bytes"], row["original_bytes"]) == (len(frame), len(frame) + 4)
        assert (row["source"], row["link"]) == ("-", "ethernet")
        assert row["last_unix_ms"] == (1_700_000_000 + number + len(FRAMES)) * 1000 + 5
    table = tool.run("show", "drops", "--utc").stdout
    assert "ip_header_length" in table and "own_export" not in table
    assert "0000  00 00 00 00" in table

    agent.process.stdin.close()
    assert agent.wait() == 0, agent.errors


def test_reasons_are_in_the_manual(directory):
    """One line of manual each; the list is made from the table."""
    manual = (ROOT / "packaging" / "man" / "flowagent.8.scd").read_text()
    assert "@DROP_REASONS@" in manual
    table = (ROOT / "lib" / "decode" / "drop_reasons.def").read_text()
    names = [line.split(",")[1].strip() for line in table.splitlines()
             if line.startswith("DROP_REASON(")]  # fmt: skip
    assert sorted(names) == sorted([*FRAMES, "own_export", "not_sampled"])


def test_own_export_is_shown(hosts, flowagent, agentctl, collector):
    """A rule that catches the agent's own datagrams: the last one is kept like any other."""
    own = collector(Hosts.COLLECTOR[0], 2055, hosts.collector)
    agent = flowagent("--nflog", "40", "-n", own.host_port, host=hosts.server)
    agent.wait_for_group()
    Nft().install(hosts.server, "eth0", skip_own=False)
    tool = agentctl(agent)

    def is_seen():
        hosts.server.run("ping", "-c", "1", "-W", "1", Hosts.REMOTE[0])
        assert tool.run("flush").returncode == 0
        return tool.statistics()["packets_ignored"]["own_export"] > 0

    wait_until(is_seen, "own datagrams to be seen")
    (row,) = [row for row in tool.rows("show", "drops") if row["reason"] == "own_export"]
    datagram = bytes.fromhex(row["example"])
    assert row["source"] == "nflog:40" and row["link"] == "ipv4"
    assert datagram[12:20] == bytes([192, 0, 2, 10, 172, 16, 0, 2])
    assert struct.unpack("!H", datagram[22:24]) == (2055,)
    assert struct.unpack("!H", datagram[28:30]) == (9,)  # NetFlow version after the UDP header
    assert agent.stop() == 0, agent.errors
