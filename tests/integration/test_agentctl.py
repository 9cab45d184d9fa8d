"""agentctl and a running agent: rows, JSON, filters, changes, permissions, exit status."""

import contextlib
import grp
import ipaddress
import json
import os
import pty
import re
import resource
import subprocess
import termios
import time
from pathlib import Path

import pytest

import ledger
import programs
import traffic
from conftest import BUILD, Hosts
from firewalls import Nft
from flows import FlowTable
from waiting import wait_until

OWN_PORT = 2055
FLOWS = 100_000
DONE, FAILED, USAGE, UNREACHABLE, NOT_PERMITTED, TIMED_OUT = range(6)
FLOW_KEYS = (
    "src dst proto src_port dst_port tos packets bytes tcp_flags in_if out_if dir start_unix_ms "
    "end_unix_ms"
).split()


class Scene:
    """An agent on the server with some flows in its cache, and what is known of them."""

    def __init__(self, hosts, agent, control, own):
        self.hosts, self.agent, self.control, self.own = hosts, agent, control, own
        self.known = FlowTable()
        for server_address, remote in zip(Hosts.SERVER, Hosts.REMOTE):
            server, outside = (hosts.server, server_address), (hosts.internet, remote)
            traffic.udp_dialogue(server, outside, self.known, 20, 100, 1000)
            traffic.udp_dialogue(outside, server, self.known, 3, 10, 20, tos=0xB8)
            traffic.ping(server, remote, self.known, 4, 56)
            traffic.tcp_transfer(server, outside, 1000, 50_000)


@pytest.fixture
def scene(hosts, flowagent, agentctl, collector):
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent = flowagent(
        "--nflog", "40", "-n", own.host_port, "--inactive-timeout", "1h", "--active-timeout", "1h",
        "--timeout", "tcp.fin=1h,tcp.rst=1h", host=hosts.server,
    )  # fmt: skip
    agent.wait_for_group()
    Nft().install(hosts.server, "eth0")
    control = agentctl(agent)
    scene = Scene(hosts, agent, control, own)
    matched = Nft().matched(hosts.server).packets
    wait_until(lambda: control.statistics()["packets_read"] >= matched, "all packets read")
    return scene


def cpu_time(control, *words):
    """What agentctl needs for a command, and its rows."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = control.run(*words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == DONE, done.stderr
    return after.ru_utime - before.ru_utime, done.stdout.splitlines()


def test_rows_of_json_go_through_as_they_come(host, flowagent, agentctl, udp_flood):
    """Each row was parsed and written anew: 1.2 s for 100,000 flows, 0.1 s as they come."""
    machine, far = host("machine"), host("far")
    machine.ip("link", "add", "d0", "type", "veth", "peer", "name", "d0", "netns", far.name)
    far.ip("link", "set", "d0", "up")
    machine.ip("address", "add", "192.0.2.1/24", "dev", "d0")
    machine.ip("link", "set", "d0", "up")
    machine.ip("neighbour", "replace", "192.0.2.9", "lladdr", "02:00:00:00:00:09", "dev", "d0")
    machine.ip("route", "add", "default", "via", "192.0.2.9")
    agent = flowagent("-i", "d0", "--inactive-timeout", "1h", "--active-timeout", "1h",
                      host=machine)  # fmt: skip
    agent.wait_for_capture()
    control = agentctl(agent)
    count = 20_000
    machine.run(udp_flood, "192.0.2.1", "198.18.0.0", count, count, 20_000)
    wait_until(lambda: control.statistics()["flows_cached"] >= count, "the flows")
    as_json, lines = cpu_time(control, "-J", "show", "flows", "proto=udp", "src=192.0.2.1")
    as_table, cells = cpu_time(control, "show", "flows", "proto=udp", "src=192.0.2.1")
    assert len(lines) == count and len(cells) == count + 1
    assert all(json.loads(line)["src"] == "192.0.2.1" for line in lines)
    assert as_json < as_table / 2, (as_json, as_table)
    for column in "dst", "src_port":  # only what they are sorted by is looked at
        in_order, lines = cpu_time(control, "-J", "show", "flows", "proto=udp", "--sort", f"{column}:asc")
        values = [json.loads(line)[column] for line in lines]
        assert len(values) == count
        assert values == sorted(values, key=ipaddress.ip_address if column == "dst" else int)
        assert in_order < as_table / 1.5, (in_order, as_table)
    top, lines = cpu_time(control, "-J", "show", "flows", "--top", "20")
    assert len(lines) == 20 and top < as_table / 2
    assert agent.stop() == 0, agent.errors


@pytest.fixture
def full(hosts, flowagent, agentctl, udp_flood):
    """(agent, control, flood(packets)) of the release build, which has 100,000 flows in its cache."""
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    Nft().install(hosts.server, "eth0")
    agent = flowagent(
        "--nflog", "40", "--max-flows", 2 * FLOWS, "--inactive-timeout", "1h",
        "--active-timeout", "1h", host=hosts.server, release=True,
    )  # fmt: skip
    agent.wait_for_group()
    control = agentctl(agent)

    def flood(packets):
        return hosts.server.command(udp_flood, Hosts.SERVER[0], "198.18.0.0", FLOWS, packets, 20_000)

    subprocess.run(flood(FLOWS), check=True)
    wait_until(lambda: control.statistics()["flows_cached"] >= FLOWS, "the flows")
    yield agent, control, flood
    assert control.statistics()["packets_lost_kernel"] == 0
    wait_until(
        lambda: control.statistics()["packets_read"] == Nft().matched(hosts.server).packets,
        "all packets that the rule has matched",
    )


def test_the_first_20_of_100000_flows_while_packets_come(full):
    """Within 0.3 s, and no packet is lost. The quickest of several: others use this machine, too."""
    _, control, flood = full
    times = []
    with subprocess.Popen(flood(10**8)) as sender:
        try:
            for _ in range(10):
                started = time.monotonic()
                done = control.run("show", "flows", "--top", "20")
                times.append(time.monotonic() - started)
                assert done.returncode == DONE and len(done.stdout.splitlines()) == 21, done.stderr
            assert sender.poll() is None, "packets came all the time"
        finally:
            sender.kill()
    print(f"show flows --top 20: {min(times):.3f} s at best, {max(times):.3f} s at worst")
    assert min(times) < 0.3, times


def test_top_costs_the_daemon_less_than_a_hundredth_of_a_core(full):
    """It rests between two questions, on a slow machine longer. No packet comes meanwhile."""
    agent, control, _ = full

    def cpu_s():
        words = Path(f"/proc/{agent.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    before, started = cpu_s(), time.monotonic()
    done = control.run("top", "--by", "host", "--batch", "-n", "4", "--timeout", "60s")
    seconds, used = time.monotonic() - started, cpu_s() - before
    assert done.returncode == DONE, done.stderr
    print(f"top for {seconds:.1f} s: {used:.2f} s of CPU time, {100 * used / seconds:.2f} %")
    assert used < 0.01 * seconds + 0.02, (used, seconds)  # and what two ticks of the clock hide


@pytest.mark.parametrize(
    "words",
    ["show sources", "show collectors", "show status", "show flows -o nosuch", "show flows foo=1",
     "show drops --sort nosuch", "rules status -o nosuch", "help"],
)  # fmt: skip
def test_lines_fit_a_terminal_of_80_columns(scene, words):
    """What was left out, and hints that list columns, ran over the edge."""
    terminal, inside = pty.openpty()
    termios.tcsetwinsize(inside, (25, 80))
    command = [BUILD / "agentctl", *words.split()]
    if "rules" not in words:
        command[1:1] = ["-s", scene.agent.control]
    with subprocess.Popen(
        programs.command_on(scene.hosts.server, command), stdout=inside, stderr=inside,
        env=programs.ENVIRONMENT,
    ) as started:  # fmt: skip
        os.close(inside)
        text = b""
        with contextlib.suppress(OSError):  # EIO: the other end is closed
            while piece := os.read(terminal, 65536):
                text += piece
        started.wait(programs.PATIENCE_S)
    os.close(terminal)
    lines = text.decode().splitlines()
    assert lines and not [line for line in lines if len(line) > 80], text.decode()


# ---- show -------------------------------------------------------------------------------------


def test_show_flows_is_the_cache(scene):
    rows = scene.control.rows("show", "flows")
    expected = scene.known.counters()
    for row in rows:
        assert set(FLOW_KEYS) <= set(row)
        key = tuple(row[name] for name in "src dst proto src_port dst_port tos vlan".split())
        if row["proto"] == 6:
            assert row["tcp_flags"] & 0x13 == 0x13  # SYN, ACK, FIN of a whole connection
            continue
        assert expected.pop(key) == (row["packets"], row["bytes"])
        assert row["dir"] == ("out" if row["src"] in Hosts.SERVER else "in")
        assert row["start_unix_ms"] <= row["end_unix_ms"]
    assert not expected
    text = scene.control.run("show", "flows")
    assert text.returncode == DONE
    assert "192.0.2.10" in text.stdout and "2001:db8:2::7" in text.stdout


@pytest.mark.parametrize(
    "words, keep",
    [
        (["proto=udp"], lambda row: row["proto"] == 17),
        (["proto=tcp,icmp"], lambda row: row["proto"] in (6, 1)),
        (["src=192.0.2.0/24"], lambda row: row["src"].startswith("192.0.2.")),
        (["dst=2001:db8:2::7"], lambda row: row["dst"] == "2001:db8:2::7"),
        (["host=198.51.100.7"], lambda row: "198.51.100.7" in (row["src"], row["dst"])),
        (["v=6"], lambda row: ":" in row["src"]),
        (["dir=in", "v=4"], lambda row: row["dir"] == "in" and "." in row["src"]),
        (["bytes>2k"], lambda row: row["bytes"] > 2048),
        (["packets>=20"], lambda row: row["packets"] >= 20),
        (["tos=184"], lambda row: row["tos"] == 184),
        (["proto=udp", "!proto=udp"], lambda row: False),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_filters(scene, words, keep):
    everything = scene.control.rows("show", "flows")
    kept = scene.control.rows("show", "flows", *words)
    expected = [row for row in everything if keep(row)]
    assert sorted(map(flow_of, kept)) == sorted(map(flow_of, expected))


def flow_of(row):
    return tuple(str(row[key]) for key in ("src", "dst", "proto", "src_port", "dst_port", "tos"))


def test_sort_top_and_by(scene):
    everything = scene.control.rows("show", "flows")
    by_bytes = scene.control.rows("show", "flows", "--sort", "bytes", "--top", "3")
    assert [row["bytes"] for row in by_bytes] == sorted(
        (row["bytes"] for row in everything), reverse=True
    )[:3]
    sorted_rows = scene.control.rows("show", "flows", "--sort", "packets:asc")
    assert [row["packets"] for row in sorted_rows] == sorted(row["packets"] for row in everything)
    sums = {row["proto"]: row for row in scene.control.rows("show", "flows", "--by", "proto")}
    for protocol in 1, 6, 17:
        flows = [row for row in everything if row["proto"] == protocol]
        assert sums[protocol]["flows"] == len(flows)
        assert sums[protocol]["bytes"] == sum(row["bytes"] for row in flows)
        assert sums[protocol]["packets"] == sum(row["packets"] for row in flows)


@pytest.mark.parametrize(
    "what", ["flows", "status", "stats", "sources", "collectors", "templates", "config"]
)
def test_every_list_as_text_and_json(scene, what):
    rows = scene.control.rows("show", what)
    assert rows and all(isinstance(row, dict) and row for row in rows)
    assert len({tuple(row) for row in rows}) == 1  # always the same keys, in the same order
    text = scene.control.run("show", what)
    assert text.returncode == DONE and text.stdout and not text.stderr


def test_statistics_add_up_while_it_runs(scene):
    statistics = scene.control.statistics()
    ledger.check_summary(statistics, Nft().matched(scene.hosts.server).packets)


def test_status_names_source_and_collector(scene):
    text = scene.control.run("show", "status").stdout
    for word in "nflog:40", scene.own.host_port, "flowagent":
        assert word in text
    (source,) = scene.control.rows("show", "sources")
    assert source["packets_read"] == scene.control.statistics()["packets_read"]
    assert source["receive_buffer_bytes"] > 0
    (destination,) = scene.control.rows("show", "collectors")
    assert destination["name"] == scene.own.host_port
    options = {row["name"]: row for row in scene.control.rows("show", "config")}
    assert options["inactive-timeout"]["default"] is False
    assert options["max-flows"]["default"] and 16384 <= int(options["max-flows"]["value"]) <= 1048576


# ---- changes ----------------------------------------------------------------------------------


def test_flush_exports_everything_now(scene):
    cached = scene.control.statistics()["packets_cached"]
    assert scene.control.run("flush").returncode == DONE
    wait_until(lambda: scene.own.flows().packets() >= cached, "the flows at the collector")
    assert scene.own.flows().counters().items() >= scene.known.counters().items()


def test_flush_of_flows_that_match(scene):
    words = ["proto=tcp", f"host={Hosts.REMOTE[0]}"]
    matching = scene.control.rows("show", "flows", *words)
    others = scene.control.statistics()["flows_cached"] - len(matching)
    assert matching and others
    done = scene.control.run("flush", *words)
    assert done.returncode == DONE
    assert f"{len(matching)} flows taken out for export" in done.stderr
    packets = sum(row["packets"] for row in matching)
    wait_until(lambda: scene.own.flows().packets() == packets, "the flows at the collector")
    assert scene.control.statistics()["flows_cached"] == others
    done = scene.control.run("show", "stats")
    assert done.returncode == DONE  # its equalities hold
    assert "records_sent" in done.stdout and "collectors_removed" not in done.stdout  # there is none
    assert scene.control.run("flush", "proto=sctp").stderr.startswith("0 flows")
    done = scene.control.run("flush", "colour=red")
    assert done.returncode == USAGE and "colour" in done.stderr
    assert scene.control.run("flush").returncode == DONE  # and all the others
    wait_until(lambda: scene.control.statistics()["flows_cached"] == 0, "the others")


def test_drop_forgets_flows_that_match_and_the_ledger_names_them(scene):
    words = ["proto=tcp", f"host={Hosts.REMOTE[0]}"]
    matching = scene.control.rows("show", "flows", *words)
    others = scene.control.statistics()["flows_cached"] - len(matching)
    assert matching and others
    done = scene.control.run("drop", *words)
    assert done.returncode == DONE and done.stderr == f"{len(matching)} flows forgotten\n"

    def excluded():
        (row,) = scene.control.rows("show", "collectors")
        return row

    wait_until(lambda: excluded()["records_excluded"] == len(matching), "the records to be left out")
    assert excluded()["records_excluded_by_reason"]["dropped"] == len(matching)
    assert excluded()["packets_excluded"] == sum(row["packets"] for row in matching)
    statistics = scene.control.statistics()
    assert statistics["records_expired"]["dropped"] == len(matching) and statistics["flows_cached"] == others
    assert scene.control.run("show", "stats").returncode == DONE  # its equalities hold
    metrics = scene.control.run("metrics").stdout
    assert re.search(rf'^flowagent_flows_expired_total\{{[^}}]*reason="dropped"\}} {len(matching)}$', metrics, re.M)
    assert scene.control.run("flush").returncode == DONE  # the others arrive, and no more
    wait_until(lambda: scene.control.statistics()["flows_cached"] == 0, "the others")
    wait_until(lambda: excluded()["records_sent"] == others, "the others to be sent")
    wait_until(lambda: scene.own.flows().packets() == excluded()["packets_sent"], "the others at the collector")
    assert excluded()["records_lost"] == 0


def test_drop_of_everything(scene):
    cached = scene.control.statistics()["flows_cached"]
    assert scene.control.run("drop").stderr == f"{cached} flows forgotten\n"
    wait_until(lambda: scene.control.statistics()["flows_cached"] == 0, "an empty cache")
    assert scene.control.run("drop", "colour=red").returncode == USAGE
    scene.agent.stop()
    assert scene.own.flows().packets() == 0
    summary = scene.agent.summary()
    assert summary["records_expired"]["dropped"] == cached == summary["records_excluded"]


def test_send_template_sends_templates(scene):
    before = len(scene.own.datagrams)
    assert scene.control.run("send-template").returncode == DONE
    wait_until(
        lambda: any(message.templates for message in scene.own.messages()[before:]), "templates"
    )


def test_send_template_to_one(scene):
    before = len(scene.own.datagrams)
    done = scene.control.run("send-template", scene.own.host_port)
    assert done.returncode == DONE and "templates go out to 1 collector" in done.stderr
    wait_until(
        lambda: any(message.templates for message in scene.own.messages()[before:]), "templates"
    )
    done = scene.control.run("send-template", "192.0.2.99:2055")
    assert done.returncode == FAILED and "there is no collector 192.0.2.99:2055" in done.stderr
    assert scene.control.run("send-template", "one", "two").returncode == USAGE


def test_check_config_is_the_agent_s_own(directory):
    def check(*words):
        command = [BUILD / "agentctl", "check-config", *words]
        return subprocess.run(command, capture_output=True, text=True, env=programs.ENVIRONMENT)

    file = directory / "flowagent.conf"
    file.write_text("[agent]\ncollector = 192.0.2.10\n")
    done = check(file)
    assert done.returncode == DONE and f"{file}: configuration is valid" in done.stdout
    file.write_text("[agent]\ncolector = 192.0.2.10\n")
    done = check(file)
    assert done.returncode == USAGE and f'{file}:2: unknown option "colector"' in done.stderr
    assert check(file, file).returncode == USAGE


def test_wait(hosts, flowagent, agentctl, collector):
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    agent = flowagent("--nflog", "40", "-n", own.host_port, host=hosts.server)
    agent.wait_for_group()
    Nft().install(hosts.server, "eth0")
    control = agentctl(agent)
    for what in "packets", "flows", "export":
        assert control.run("wait", what, "--timeout", "200ms").returncode == TIMED_OUT
    waiting = subprocess.Popen(
        programs.command_on(
            hosts.server, [BUILD / "agentctl", "-s", agent.control, "wait", "packets"]
        ),
        env=programs.ENVIRONMENT,
    )
    try:
        known = FlowTable()
        traffic.ping((hosts.server, Hosts.SERVER[0]), Hosts.REMOTE[0], known, 1, 56)
        assert waiting.wait(programs.PATIENCE_S) == DONE
    finally:
        waiting.kill()
        waiting.wait()
    assert control.run("wait", "flows", "--timeout", "60s").returncode == DONE
    assert control.run("flush").returncode == DONE
    assert control.run("wait", "export", "--timeout", "60s").returncode == DONE


def test_wait_for_an_export_that_cannot_come(hosts, flowagent, agentctl):
    """Without a collector it says so at once."""
    agent = flowagent("--nflog", "40", host=hosts.server)
    agent.wait_for_group()
    done = agentctl(agent).run("wait", "export")
    assert done.returncode == FAILED
    assert "no collector" in done.stderr


# ---- permissions and exit status ---------------------------------------------------------------


def test_group_may_look_and_not_touch(scene):
    status = os.stat(scene.agent.control)
    assert status.st_mode & 0o777 == 0o660
    member = programs.nobody(status.st_gid)
    assert scene.control.run("show", "status", prefix=member).returncode == DONE
    assert scene.control.run("show", "flows", prefix=member).returncode == DONE
    for change in "flush", "drop", "send-template":
        done = scene.control.run(change, prefix=member)
        assert done.returncode == NOT_PERMITTED
        assert "root" in done.stderr


def test_members_of_the_admin_group_may_change_things(hosts, flowagent, agentctl):
    """games is a group that each Debian has, and one of no consequence."""
    games = grp.getgrnam("games").gr_gid
    agent = flowagent("--nflog", "40", "--admin-group", "games", host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)
    look = os.stat(agent.control).st_gid

    def member(*groups):
        more = ["--groups", ",".join(map(str, groups))] if groups else ["--clear-groups"]
        return ["setpriv", "--reuid", "65534", "--regid", str(look), *more]

    for change in ["flush"], ["send-template"], ["set", "log-level", "debug"]:
        assert control.run(*change, prefix=member()).returncode == NOT_PERMITTED
        assert control.run(*change, prefix=member(look, 65534)).returncode == NOT_PERMITTED
        assert control.run(*change, prefix=member(look, games)).returncode == DONE
    script = (  # an agent's place is for root alone
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        "s.sendall(b'{\"v\":1,\"cmd\":\"handover\"}\\n'); print(s.recv(4096).decode())"
    )
    done = hosts.server.run(*member(look, games), "/usr/bin/python3", "-c", script, agent.control)
    assert "not-permitted" in done


def test_an_admin_group_that_is_not_there(hosts, flowagent):
    agent = flowagent("--nflog", "40", "--admin-group", "no-such-group", host=hosts.server)
    agent.wait_for_group()
    assert agent.stop() == 0
    assert "admin-group: there is no group no-such-group: root alone" in agent.errors


def test_others_may_not_even_look(scene):
    done = scene.control.run("show", "status", prefix=programs.nobody(65534))
    assert done.returncode == NOT_PERMITTED
    assert "ermission denied" in done.stderr and "hint:" in done.stderr


@pytest.mark.parametrize(
    "words",
    [[], ["shw"], ["show"], ["show", "nothing"], ["show", "flows", "colour=red"], ["--colour"],
     ["show", "flows", "--sort", "colour"], ["show", "flows", "--top", "many"],
     ["show", "flows", "src=300.1.1.1"], ["flush", "surplus"], ["wait"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage(scene, words):
    done = scene.control.run(*words)
    assert done.returncode == USAGE, done.stderr
    assert done.stderr.startswith("agentctl: ")


def test_no_agent():
    done = subprocess.run(
        [BUILD / "agentctl", "-s", "/nonexistent/control.sock", "show", "status"],
        capture_output=True,
        text=True,
        env=programs.ENVIRONMENT,
    )
    assert done.returncode == UNREACHABLE
    assert "/nonexistent/control.sock" in done.stderr


def test_a_word_as_socket_is_an_instance():
    done = subprocess.run(
        [BUILD / "agentctl", "-s", "no-such-instance", "show", "status"],
        capture_output=True, text=True, env=programs.ENVIRONMENT, timeout=programs.PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == UNREACHABLE
    assert "/run/flowagent-no-such-instance/control.sock" in done.stderr


def test_unique_prefixes_are_commands(scene):
    assert scene.control.run("sh", "fl").returncode == DONE


def test_config_that_is_not_the_default(flowagent, hosts, agentctl, directory):
    file = directory / "agent.conf"
    file.write_text("[agent]\nmax-flows = 1000\n")
    agent = flowagent("--config", file, "--nflog", "40", host=hosts.server)
    agent.wait_for_group()
    rows = {row["name"]: row for row in agentctl(agent).rows("show", "config", "--diff")}
    assert rows["max-flows"]["value"] == "1000"
    assert rows["max-flows"]["origin"] == f"{file}:2"
    assert not any(row["default"] for row in rows.values())
    everything = agentctl(agent).rows("show", "config")
    assert set(rows) == {row["name"] for row in everything if not row["default"]}
    assert len(everything) > len(rows) + 10
    table = agentctl(agent).run("show", "config", "--diff").stdout
    assert "max-flows" in table and "inactive-timeout" not in table
