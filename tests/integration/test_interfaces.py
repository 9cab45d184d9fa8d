"""Names, numbers and MTUs of interfaces that come, change and go while the agent runs."""

import json
import re
import signal
import subprocess
import time

import traffic
from conftest import Hosts
from flows import FlowTable, differences
from netflow9 import (
    INPUT_INTERFACE,
    INTERFACE_DESCRIPTION,
    INTERFACE_NAME,
    OUTPUT_INTERFACE,
)
from waiting import wait_until

INTERFACES = 1000
SOON_S = 5  # "at once", for a sanitizer build on a loaded machine
# Short timeouts: an interface that has gone is remembered for their sum and 5 s.
TIMEOUTS = ["--active-timeout", "1s", "--inactive-timeout", "1s"]


def text(raw):
    return raw.rstrip(b"\0").decode()


def announced_index(scopes, values):
    """Of options data: IPFIX has it in the scope, v9 there and in a field."""
    (scope,) = scopes.values()
    index = int.from_bytes(scope, "big")
    assert values.get(INPUT_INTERFACE, index) == index
    return index


def announced(sink, since=0):
    """[(index, name, description)] in the order in which options data announced them."""
    return [
        (announced_index(scopes, values),
         text(values[INTERFACE_NAME]), text(values[INTERFACE_DESCRIPTION]))
        for message in sink.messages()[since:]
        for scopes, values in message.options
        if INTERFACE_NAME in values
    ]  # fmt: skip


def known(sink):
    """index -> (name, description) that a collector has now."""
    return {index: names for index, *names in announced(sink)}


def wait_for_name(sink, index, name, description=None, timeout_s=SOON_S):
    expected = [name, description or name]
    wait_until(lambda: known(sink).get(index) == expected, f"{index} is {expected}", timeout_s)


def link(host, name):
    (row,) = json.loads(host.ip("-j", "link", "show", name))
    return row


def start(host, flowagent, collector, *options, versions=(9,), **keywords):
    sinks = [collector("127.0.0.1", 0, host) for _ in versions]
    words = [word for sink, version in zip(sinks, versions)
             for word in ("-n", f"{sink.host_port},version={version}")]  # fmt: skip
    agent = flowagent("-g", "40", *words, *options, host=host, **keywords)
    agent.wait_for_group()
    return agent, *sinks


def test_names_follow_the_kernel(host, flowagent, collector):
    """In v9 and IPFIX: new, renamed, described, gone, and another one under the old index."""
    server = host("server")
    server.ip("link", "add", "br0", "index", "50", "type", "bridge")
    agent, *sinks = start(server, flowagent, collector, versions=(9, 10))
    steps = [
        (None, (50, "br0", None)),
        ("link add br1 index 51 type bridge", (51, "br1", None)),
        ("link set br1 name wan0", (51, "wan0", None)),
        # The kernel tells of an alias when the interface is up, or comes up.
        ("link set wan0 alias uplink up", (51, "wan0", "uplink")),
        ("link set wan0 alias down", (51, "wan0", "down")),
        ("link delete br0", None),
        ("link add new0 index 50 type bridge", (50, "new0", None)),
    ]
    for command, expected in steps:
        if command:
            server.ip(*command.split())
        for sink in sinks if expected else []:
            wait_for_name(sink, *expected)
    for sink in sinks:
        assert known(sink)[1] == ["lo", "lo"]
    assert agent.stop() == 0, agent.errors


def test_one_that_has_gone_keeps_its_name_for_its_flows(host, flowagent, agentctl, collector):
    server = host("server")
    server.ip("link", "add", "br0", "index", "50", "type", "bridge")
    agent, sink = start(server, flowagent, collector, *TIMEOUTS)
    wait_for_name(sink, 50, "br0")

    def names_of_a_refresh():
        before = len(sink.messages())
        assert agentctl(agent).run("send-template").returncode == 0
        wait_until(lambda: any(name == "lo" for _, name, _ in announced(sink, before)), "the names")
        return {name for _, name, _ in announced(sink, before)}

    server.ip("link", "delete", "br0")
    assert names_of_a_refresh() == {"lo", "br0"}
    states = {row["name"]: row["state"] for row in agentctl(agent).rows("show", "interfaces")}
    assert states == {"lo": "present", "br0": "gone"}
    wait_until(lambda: names_of_a_refresh() == {"lo"}, "br0 forgotten", 20, 1)
    assert agent.stop() == 0, agent.errors


def ip_batch(host, line, numbers):
    host.run("ip", "-batch", "-", input="".join(line.format(i) + "\n" for i in numbers))


def create_many(host, count=INTERFACES):
    ip_batch(host, "link add a{0} type veth peer name b{0}", range(count // 2))


def names_of_many(count=INTERFACES):
    return {f"{letter}{i}" for letter in "ab" for i in range(count // 2)}


def processor_s(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_thousand_come_and_go_without_burden(host, flowagent, collector):
    """12 names every 100 ms, so that no collector is flooded, and next to no processor time."""
    server = host("server")
    agent, sink = start(server, flowagent, collector, *TIMEOUTS, release=True)
    wait_for_name(sink, 1, "lo")
    began = time.monotonic()
    create_many(server)
    names = names_of_many()
    wait_until(lambda: names <= {name for name, _ in known(sink).values()}, "all names", 30, 0.5)
    assert time.monotonic() - began >= INTERFACES / 120 - 2
    # One that is new now does not wait for a thousand that are repeated.
    server.ip("link", "add", "last", "type", "bridge")
    wait_for_name(sink, link(server, "last")["ifindex"], "last")
    ip_batch(server, "link delete a{}", range(20))
    assert processor_s(agent.pid) < 1
    assert agent.stop() == 0, agent.errors


def netlink_drops(host, pid):
    """Notifications that the kernel could not queue for a process's routing socket."""
    rows = [line.split() for line in host.read("netlink").splitlines()[1:]]
    return sum(int(row[8]) for row in rows if row[1] == "0" and row[2] == str(pid))


def test_what_was_missed_is_asked_for(host, flowagent, collector):
    """The agent sleeps while more happens than its socket can hold."""
    server = host("server")
    server.ip("link", "add", "br0", "index", "50", "type", "bridge")
    server.ip("link", "add", "br1", "index", "51", "type", "bridge")
    agent, sink = start(server, flowagent, collector, *TIMEOUTS)
    wait_for_name(sink, 51, "br1")
    agent.signal(signal.SIGSTOP)
    ip_batch(server, "link set lo mtu {}", range(2000, 5000))
    create_many(server, 100)
    server.ip("link", "set", "br0", "name", "late0")
    server.ip("link", "delete", "br1")
    assert netlink_drops(server, agent.pid) > 0
    agent.signal(signal.SIGCONT)
    wait_for_name(sink, 50, "late0", timeout_s=30)
    names = names_of_many(100)
    wait_until(lambda: names <= {name for name, _ in known(sink).values()}, "all names", 30, 0.5)
    assert agent.stop() == 0, agent.errors


def test_list_is_right_after_a_start_in_turmoil(host, flowagent, agentctl, collector):
    """Interfaces come, change and go while the agent asks for all of them."""
    server = host("server")
    create_many(server)
    lines = [
        line
        for i in range(1000)
        for line in (f"link add x{i} type veth peer name z{i}", f"link set a{i % 500} name y{i}",
                     f"link set y{i} name a{i % 500}", "" if i % 50 else f"link delete x{i}")
    ]  # fmt: skip
    command = server.command("ip", "-force", "-batch", "-")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as turmoil:
        turmoil.stdin.write("\n".join(lines).encode())
        turmoil.stdin.flush()
        agent, _ = start(server, flowagent, collector)
        turmoil.stdin.close()
        turmoil.wait(60)
    control = agentctl(agent)

    def list_is_right():
        expected = {row["ifindex"]: row["ifname"] for row in json.loads(server.ip("-j", "link"))}
        rows = control.rows("show", "interfaces")
        return {row["index"]: row["name"] for row in rows if row["state"] == "present"} == expected

    wait_until(list_is_right, "the kernel's list", 20, 0.5)
    assert agent.stop() == 0, agent.errors


def test_numbers_of_the_operator(hosts, flowagent, agentctl, collector, nfcapd):
    """-x in records, options data, agentctl and its filter; v5 has 16 bits, and 0 for more."""
    hosts.server.ip("link", "set", "eth0", "alias", "uplink")
    sinks = {version: collector(Hosts.COLLECTOR[0], 0, hosts.collector) for version in (5, 9, 10)}
    nfdump = nfcapd(Hosts.COLLECTOR[0], 9995, hosts.collector)
    words = [word for version, sink in sinks.items()
             for word in ("-n", f"{sink.host_port},version={version}")]  # fmt: skip
    agent = flowagent("-i", "eth0", "-n", f"{Hosts.COLLECTOR[0]}:9995", *words, "-x",
                      "eth:70000,lo=7", host=hosts.server)  # fmt: skip
    agent.wait_for_capture()
    table = FlowTable()
    server, outside = (hosts.server, Hosts.SERVER[0]), (hosts.internet, Hosts.REMOTE[0])
    traffic.udp_dialogue(server, outside, table, 3, 40, 40)

    control = agentctl(agent)
    rows = wait_until(lambda: control.rows("show", "flows"), "flows")
    seen = {(row["in_if"], row["in_if_name"], row["out_if"], row["out_if_name"]) for row in rows}
    assert seen == {(70000, "eth0", 0, ""), (0, "", 70000, "eth0")}
    kernel_index = link(hosts.server, "eth0")["ifindex"]
    eth0 = {"number": 70000, "name": "eth0", "alias": "uplink", "index": kernel_index,
            "mtu": 1500, "state": "present"}  # fmt: skip
    assert eth0 in control.rows("show", "interfaces")
    for word, count in ("in_if=70000", 1), ("iface=eth0", 2), (f"iface={kernel_index}", 0):
        assert len(control.rows("show", "flows", word)) == count, word

    assert agent.stop() == 0, agent.errors
    assert "both exported" not in agent.errors
    for version, sink in sinks.items():
        wait_until(lambda: sink.datagrams and len(sink.flows().flows) == 2, "flows")
        pairs = {(values[INPUT_INTERFACE], values[OUTPUT_INTERFACE])
                 for message in sink.messages() for values in message.flows}  # fmt: skip
        assert pairs == ({(0, 0)} if version == 5 else {(70000, 0), (0, 70000)}), version
        if version != 5:
            assert known(sink) == {70000: ["eth0", "uplink"], 7: ["lo", "lo"]}
    nfdump.stop()
    raw = nfdump.nfdump("-o", "raw")
    assert re.search(r"input\s+=\s+70000 uplink", raw), raw
    assert re.search(r"output\s+=\s+70000 uplink", raw), raw


def test_one_number_for_two_is_reported_once(host, flowagent, collector):
    server = host("server")
    agent, sink = start(server, flowagent, collector, "-x", "br0=1")
    server.ip("link", "add", "br0", "type", "bridge")
    agent.wait_until(lambda: "both exported" in agent.errors, "warning")
    server.ip("link", "set", "br0", "alias", "again")
    server.ip("link", "add", "br1", "index", "99", "type", "bridge")
    wait_for_name(sink, 99, "br1")
    assert known(sink)[1] == ["lo", "lo"]
    (line,) = [line for line in agent.errors.splitlines() if "both exported" in line]
    assert line.endswith(
        "interfaces lo and br0 are both exported as number 1 (if-map); "
        "collectors cannot distinguish their flows"
    )
    assert agent.stop() == 0, agent.errors


def test_a_rule_that_matches_nothing_is_reported(host, flowagent, collector):
    server = host("server")
    server.ip("link", "add", "eth3", "type", "bridge")
    server.ip("link", "add", "br0", "type", "bridge")
    agent, _ = start(server, flowagent, collector, "-x", "br0:100,eth:200,br0=9,ppp:300,wg0=7")
    agent.wait_until(lambda: "wg0=7" in agent.errors, "warning")
    assert re.findall(r"if-map (.*)", agent.errors) == [
        "br0:100 matches no interface: for br0 itself write br0=100",
        "ppp:300 matches no interface that is there now",
        "wg0=7 matches no interface that is there now",
    ]
    assert agent.stop() == 0, agent.errors


def test_filter_of_a_collector_follows_the_names(hosts, flowagent, agentctl, collector):
    """An interface that its filter names comes after the agent, and again under another index."""
    every = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
    some = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
    agent = flowagent("-i", "any", "-n", every.host_port, "-n", f"{some.host_port},filter=iface=wan0",
                      "-x", "wan0=5000", host=hosts.server)  # fmt: skip
    agent.wait_for_capture()
    assert 'iface "wan0", expected the index or name of an interface' in agent.errors
    control, expected = agentctl(agent), FlowTable()
    for index in 70, 80:
        hosts.server.ip("link", "add", "wan0", "index", index, "type", "veth",
                        "peer", "name", "wan0", "netns", hosts.internet.name)  # fmt: skip
        for host, address in (hosts.server, 1), (hosts.internet, 2):
            host.ip("address", "add", f"10.70.{index}.{address}/24", "dev", "wan0")
            host.ip("link", "set", "wan0", "up")
        wait_for_name(every, 5000, "wan0")
        ends = (hosts.server, f"10.70.{index}.1"), (hosts.internet, f"10.70.{index}.2")
        traffic.udp_dialogue(*ends, expected, 3, 40, 40)
        packets = 6 * (1 + (index == 80))
        wait_until(lambda: sum(row["packets"] for row in control.rows("show", "flows", "proto=udp",
                                                                      "net=10.70.0.0/16"))
                   == packets, "flows")  # fmt: skip
        hosts.server.ip("link", "delete", "wan0")  # before its flows leave
    assert agent.stop() == 0, agent.errors
    rows = {row["name"]: row for row in agent.summary()["collectors"]}
    some.wait_for_datagrams(rows[some.host_port]["datagrams_sent"])
    found = some.flows().counters()
    assert not differences({key: found.get(key) for key in expected.counters()}, expected.counters())
    interfaces = {values[INPUT_INTERFACE] or values[OUTPUT_INTERFACE]
                  for message in some.messages() for values in message.flows}  # fmt: skip
    assert interfaces == {5000}


def test_mtu_of_a_new_interface_is_known(hosts, flowagent, agentctl, collector):
    """A packet is longer than the MTU or not by what the interface says now."""
    sink = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
    agent = flowagent("-i", "any", "-n", sink.host_port, host=hosts.server)
    agent.wait_for_capture()
    hosts.server.ip("link", "add", "jumbo", "index", "60", "mtu", "9000", "type", "veth",
                    "peer", "name", "jumbo", "mtu", "9000", "netns", hosts.internet.name)  # fmt: skip
    for host, address in (hosts.server, 1), (hosts.internet, 2):
        host.ip("address", "add", f"10.60.0.{address}/24", "dev", "jumbo")
        host.ip("link", "set", "jumbo", "up")
    wait_for_name(sink, 60, "jumbo")
    table = FlowTable()
    traffic.udp_dialogue((hosts.server, "10.60.0.1"), (hosts.internet, "10.60.0.2"),
                         table, 3, 4000, 4000)  # fmt: skip
    control = agentctl(agent)
    wait_until(lambda: control.rows("show", "flows", "host=10.60.0.2", "bytes>=12000"), "flows")
    assert control.statistics()["packets_super"] == 0
    assert agent.stop() == 0, agent.errors


def test_fixed_numbers_of_a_source(hosts, flowagent, agentctl, collector):
    """In records and in show flows, for both directions; what is not fixed stays what it is."""
    sink = collector("127.0.0.1", 0, hosts.server)
    agent = flowagent(
        "-i", "eth0,filter=icmp,input=70000", "-n", f"{sink.host_port},version=10", host=hosts.server
    )
    agent.wait_for_capture()
    hosts.server.run("ping", "-c", 2, "-i", "0.01", "-W", 10, Hosts.ROUTER[0])
    control = agentctl(agent)
    wait_until(lambda: control.statistics()["packets_read"] >= 4, "all to be read")
    index = link(hosts.server, "eth0")["ifindex"]
    expected = {(70000, 0), (70000, index)}
    assert {(row["in_if"], row["out_if"]) for row in control.rows("show", "flows")} == expected
    assert "input=70000" in control.run("show", "config").stdout
    assert agent.stop() == 0, agent.errors
    sink.wait_for_datagrams(agent.summary()["datagrams_sent"])
    flows = [values for message in sink.messages() for values in message.flows]
    assert {(values[INPUT_INTERFACE], values[OUTPUT_INTERFACE]) for values in flows} == expected
