"""agentctl top: whole screens in a terminal that tmux draws, keys, sizes, and the batch mode."""

import re
import socket
import subprocess
import sys

import pytest

import programs
from conftest import BUILD, Hosts
from fake_agent import FakeAgent
from firewalls import Nft
from terminal import Terminal
from waiting import wait_until

STATUS = {
    "version": "0.1.0",
    "uptime_ms": 273600000,
    "packets_lost_kernel": 0,
    "cache": {"flows": 8123, "capacity": 65536},
    "collectors": [{"up": True}, {"up": True}],
    "asn_table": {"file": "/table"},
    "problems": [],
}
DIRECTIONS = [
    ("eth0", "", "in", 288000000, 41200),
    ("", "eth0", "out", 31000000, 9000),
]
AS_ROWS = [
    (15169, "GOOGLE", 24100000, 91200000, 88213, 1204),
    (64500, "EXAMPLE-ISP", 16000000, 60800000, 61002, 88),
    (0, None, 200000, 1100000, 1733, 61),
]
HOST_ROWS = [
    ("2001:db8:1234:5678:9abc:def0:1234:5678", 9999, 5000, 10, 2),
    ("192.0.2.1", 0, 40, 1, 1),
]


def sums(rate, size, packets, flows):
    return {"bits_per_s": rate, "packets_per_s": 1, "bytes": size, "packets": packets, "flows": flows}


def answer(request):
    if request["cmd"] == "show-status":
        return [STATUS]
    if request["by"] == "in_if_name,out_if_name,dir":
        if isinstance(DIRECTIONS, str):
            return DIRECTIONS
        return [
            {"in_if_name": i, "out_if_name": o, "dir": d, "bits_per_s": rate, "packets_per_s": pps}
            for i, o, d, rate, pps in DIRECTIONS
        ]
    if "proto=x" in request.get("filter", []):
        return 'filter: proto "x", expected a number'
    if request["by"] == "as":
        return [
            {"as": number, **({"as_name": name} if name else {}), **sums(*numbers)}
            for number, name, *numbers in AS_ROWS
        ]
    return [{"host": host, **sums(*numbers)} for host, *numbers in HOST_ROWS]


@pytest.fixture
def agent(cleanup, directory):
    fake = FakeAgent(directory / "fake.sock", answer)
    cleanup.callback(fake.close)
    return fake


@pytest.fixture
def top(cleanup, directory, agent):
    """A terminal with top in it; it asks when it is told to: at the start, and at a key."""

    def start(*options, size=(80, 24), environment=()):
        command = [BUILD / "agentctl", "-s", agent.control, "top", "--wait", "1h", *options]
        terminal = Terminal(command, directory, *size, environment)
        cleanup.callback(terminal.close)
        return terminal

    return start


def is_whole(screen):
    return "quit" in screen[-1]


SCREEN_80 = """\
flowagent 0.1.0  up 3d04h  cache █░░░░░░░░░ 12%  lost 0  collectors 2/2
eth0 in                                              █  288.0 Mb/s     41200 p/s
eth0 out                                             █   31.0 Mb/s      9000 p/s
by a:as h:host p:port o:proto i:iface  sort r:rate b:bytes k:packets f:flows
AS                         RATE     BYTES    PACKETS   FLOWS
AS15169 GOOGLE        24.1 Mb/s   91.2 MB      88213    1204                   █
AS64500 EXAMPLE-ISP   16.0 Mb/s   60.8 MB      61002      88                   █
AS0                  200.0 kb/s    1.1 MB       1733      61                   █""".split("\n")  # fmt: skip
FOOTER = "every 3600.0s  /:filter space:pause q:quit"


def test_80_columns_and_24_lines(top):
    terminal = top()
    screen = terminal.wait_for(is_whole, "a screen")
    assert screen == [*SCREEN_80, *[""] * 15, FOOTER]
    terminal.keys("q")
    assert terminal.wait_for_end() == 0


def test_200_columns_and_50_lines(top):
    screen = top(size=(200, 50)).wait_for(is_whole, "a screen")
    assert len(screen) == 50 and screen[-1] == FOOTER
    assert screen[0] == SCREEN_80[0]
    assert screen[1] == "eth0 in" + 129 * " " + "█  288.0 Mb/s     41200 p/s"
    assert screen[3:5] == SCREEN_80[3:5]
    assert screen[5] == SCREEN_80[5][:-1] + 101 * " " + "█"
    assert screen[8:-1] == [""] * 41


def test_a_terminal_that_changes_its_size(top):
    terminal = top(size=(200, 50))
    terminal.wait_for(is_whole, "a screen")
    terminal.resize(80, 24)
    screen = terminal.wait_for(
        lambda screen: is_whole(screen) and len(screen) == 24 and len(screen[1]) == 80, "the new size"
    )
    # Resizing asks anew: there are two values by now.
    assert [line.replace("██", " █") for line in screen[:8]] == SCREEN_80
    terminal.resize(30, 10)
    terminal.wait_for(lambda screen: screen[0] == "too small", "what is too small")
    terminal.resize(40, 8)
    screen = terminal.wait_for(
        lambda screen: len(screen) == 8 and screen[-1].startswith("every"), "a small screen"
    )
    assert screen[1].split()[2:] == ["288.0", "Mb/s", "41200"]
    assert screen[5].startswith("AS15169 GOOG")


def test_letters_where_the_locale_has_no_blocks(top):
    screen = top(environment={"LC_ALL": "C"}).wait_for(is_whole, "a screen")
    assert screen[0].startswith("flowagent 0.1.0  up 3d04h  cache #......... 12%")
    assert screen[1].split() == ["eth0", "in", "#", "288.0", "Mb/s", "41200", "p/s"]
    assert "".join(screen).isascii()


def test_keys(top, agent):
    terminal = top()
    terminal.wait_for(is_whole, "a screen")
    terminal.keys("h")
    screen = terminal.wait_for(lambda screen: screen[4].startswith("HOST"), "hosts")
    assert screen[5] == HOST_ROWS[0][0] + "   9999 b/s    5000 B         10       2 █"
    assert agent.requests[-1]["by"] == "host" and agent.requests[-1]["sort"] == "bits_per_s"
    terminal.keys("k")
    wait_until(lambda: agent.requests[-1].get("sort") == "packets", "another order")
    asked = len(agent.requests)
    terminal.keys("Space")
    terminal.wait_for(lambda screen: screen[-1].startswith("PAUSED"), "a pause")
    terminal.keys("Up")  # begins with ESC, as all of these keys
    terminal.resize(100, 24)
    terminal.wait_for(lambda screen: len(screen[1]) > 80, "another size")
    assert len(agent.requests) == asked, "a pause asks nothing"
    terminal.keys("Space")
    terminal.wait_for(lambda screen: screen[-1].startswith("every"), "no pause")


def test_filters_that_are_typed(top, agent):
    terminal = top("dir=in")
    terminal.wait_for(lambda screen: screen[-1].endswith("filter: dir=in"), "the filter")
    assert agent.requests[-1]["filter"] == ["dir=in"]
    terminal.keys("/", " proto=xy", "BSpace")
    terminal.wait_for(lambda screen: screen[-1] == "filter: dir=in proto=x_", "what is typed")
    terminal.keys("Enter")
    terminal.wait_for(lambda screen: "expected a number" in screen[-1], "what is wrong")
    terminal.keys("r")  # the last filter that was right is still there
    terminal.wait_for(lambda screen: screen[-1].endswith("filter: dir=in"), "the filter")
    terminal.keys("/", "x", "Escape")
    screen = terminal.wait_for(is_whole, "a screen")
    assert screen[-1].endswith("filter: dir=in")


def test_losses_and_problems_are_red(top, monkeypatch):
    monkeypatch.setitem(STATUS, "packets_lost_kernel", 7)
    monkeypatch.setitem(STATUS, "collectors", [{"up": False}])
    monkeypatch.setitem(STATUS, "problems", [{"problem": "192.0.2.1: \x1b[2Jconnection refused"}])
    terminal = top()
    screen = terminal.wait_for(lambda screen: "refused" in screen[-1], "the problem")
    assert screen[-1] == "192.0.2.1: ?[2Jconnection refused"
    coloured = terminal._tmux("capture-pane", "-p", "-e")
    assert re.search(r"\x1b\[[0-9;]*31mlost 7", coloured)
    assert re.search(r"\x1b\[[0-9;]*31mcollectors 0/1", coloured)


@pytest.mark.parametrize(("options", "environment"), [(["--no-color"], {}), ([], {"NO_COLOR": "1"})])
def test_without_colours_they_are_bold(top, monkeypatch, options, environment):
    monkeypatch.setitem(STATUS, "packets_lost_kernel", 7)
    monkeypatch.setitem(STATUS, "problems", [{"problem": "all is lost"}])
    terminal = top(*options, environment=environment)
    terminal.wait_for(lambda screen: "all is lost" in screen[-1], "the problem")
    shown = terminal._tmux("capture-pane", "-p", "-e")
    assert "31m" not in shown
    assert "\x1b[1mlost 7" in shown


def test_an_agent_that_goes_away(top, agent):
    terminal = top("--wait", "100ms")
    terminal.wait_for(is_whole, "a screen")
    agent.close()
    agent.control.unlink()
    terminal.keys("b")
    terminal.wait_for(lambda screen: "cannot reach the agent" in screen[-1], "the fault")
    again = FakeAgent(agent.control, answer)
    terminal.wait_for(is_whole, "the next agent")
    again.close()


def test_what_the_agent_does_not_answer_stays_as_it_was(top, monkeypatch):
    terminal = top()
    terminal.wait_for(is_whole, "a screen")
    monkeypatch.setattr(sys.modules[__name__], "DIRECTIONS", "not now")
    terminal.keys("b")
    screen = terminal.wait_for(lambda screen: "not now" in screen[-1], "the fault")
    assert screen[1:3] == SCREEN_80[1:3]


def run(agent, *options):
    return subprocess.run(
        [BUILD / "agentctl", "-s", agent.control, "top", *options],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=programs.ENVIRONMENT | {"LC_ALL": "C.UTF-8"},
        timeout=programs.PATIENCE_S,
    )


def test_batch(agent):
    done = run(agent, "-b", "-n", "2", "--wait", "1ms", "--by", "host", "--top", "1")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.split("\n")
    assert lines[0] == SCREEN_80[0]
    assert lines[1].split() == ["eth0", "in", "█", "288.0", "Mb/s", "41200", "p/s"]
    assert lines[3].split() == ["HOST", "RATE", "BYTES", "PACKETS", "FLOWS"]
    assert lines[4].split()[1:-1] == ["9999", "b/s", "5000", "B", "10", "2"]
    assert lines[5] == "" and len(lines) == 12
    assert lines[10].endswith("██") and max(map(len, lines)) == 100
    assert "\033" not in done.stdout


def test_all_words_of_a_filter_are_asked_for(agent):
    words = [f"port={port}" for port in range(40)]
    assert run(agent, "-b", "-n", "1", *words).returncode == 0
    assert agent.requests[-1]["filter"] == words


def test_what_is_wrong(agent, directory):
    done = run(agent)
    assert done.returncode == 2 and "needs a terminal" in done.stderr
    for options, text in [
        (("-b", "--by", "colour"), 'no key "colour"'),
        (("-b", "--sort", "colour"), "expected rate, bytes, packets or flows"),
        (("-b", "proto=x"), "expected a number"),
        (("-b", "-n", "0"), "expected a number from 1"),
    ]:
        done = run(agent, *options)
        assert (done.returncode, done.stdout) == (2, "") and text in done.stderr
    agent.control = directory / "nobody"
    assert run(agent, "-b").returncode == 3


def test_rates_of_real_traffic(hosts, flowagent, agentctl):
    agent = flowagent("--nflog", "40", host=hosts.server)
    agent.wait_for_group()
    Nft().install(hosts.server, "eth0")

    def is_seen():
        with hosts.server.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(20):
                sender.sendto(b"x" * 972, (Hosts.REMOTE[0], 4000))
        output = run(agent, "-b", "-n", "1", "--by", "dst_port").stdout
        direction = re.search("^eth0 out .*", output, re.M)
        row = re.search("^DST_PORT .*\n(4000 .*)", output, re.M)
        return direction and row and (direction[0], row[1])

    direction, row = wait_until(is_seen, "a rate")
    # 1000 bytes of IP each: never less than one burst is in the window when it has just come.
    assert row.split()[2] in ("kb/s", "Mb/s") and int(direction.split()[-2]) >= 10
    (sums,) = agentctl(agent).rows("show", "flows", "dport=4000", "--by", "dst_port")
    assert sums["bits_per_s"] <= sums["bytes"] * 4
