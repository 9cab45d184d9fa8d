"""agentctl rules: made, loaded, taken back; each packet counts once, as on the wire."""

import json
import socket
import struct
import subprocess

import pytest

import programs
import traffic
from conftest import BUILD, Hosts
from firewalls import FIREWALLS, Nft
from flows import FlowTable
from pcap_reader import count_flows
from waiting import wait_until

OWN_PORT = 2055
DONE, FAILED, USAGE, UNREACHABLE, NOT_PERMITTED, TIMED_OUT = range(6)


class Rules:
    """agentctl rules ... on the server, with a file of its own in place of that of the package."""

    def __init__(self, hosts, agentctl, directory):
        self.host = hosts.server
        self.file = directory / "rules.nft"
        self.binary = BUILD / "agentctl"

    def run(self, verb, *options):
        file = ["--file", self.file] if verb in ("install", "remove") else []
        return subprocess.run(
            programs.command_on(self.host, [self.binary, "rules", verb, *file, *options]),
            capture_output=True,
            text=True,
            env=programs.ENVIRONMENT,
            timeout=programs.PATIENCE_S,
        )

    def install(self, *options):
        return self.run("install", *options)

    def ruleset(self):
        """What nft has, without counters and handles."""
        listing = json.loads(self.host.run("nft", "-j", "list", "ruleset"))["nftables"]
        text = json.dumps([item for item in listing if "metainfo" not in item])
        return json.loads(text, object_hook=without_state)


    def counted(self):
        """{counter: packets} of the table."""
        listing = json.loads(self.host.run("nft", "-j", "list", "table", "inet", "flowagent"))
        counters = [item["counter"] for item in listing["nftables"] if "counter" in item]
        return {counter["name"]: counter["packets"] for counter in counters}


def without_state(item):
    return {key: value for key, value in item.items() if key not in ("handle", "packets", "bytes")}


@pytest.fixture
def rules(hosts, agentctl, directory):
    return Rules(hosts, agentctl, directory)


def test_rules_install_is_idempotent_and_remove_takes_all_back(rules):
    empty = rules.ruleset()
    assert rules.run("status").returncode == FAILED  # nothing logs
    done = rules.run("install", "-i", "eth0")
    assert done.returncode == DONE, done.stderr
    once = rules.ruleset()
    assert once != empty
    assert rules.run("install", "-i", "eth0").returncode == DONE
    assert rules.ruleset() == once
    assert rules.file.exists()
    for _ in range(2):
        assert rules.run("remove").returncode == DONE
        assert rules.ruleset() == empty
        assert not rules.file.exists()


def test_rules_print_is_what_nft_takes(rules):
    done = rules.run("print", "-i", "eth0", "-g", "41")
    assert done.returncode == DONE
    assert "group 41" in done.stdout
    for _ in range(2):
        rules.host.run("nft", "-f", "-", input=done.stdout)
    printed = rules.ruleset()
    rules.host.run("nft", "delete", "table", "inet", "flowagent")
    assert rules.run("install", "-i", "eth0", "-g", "41").returncode == DONE
    assert rules.ruleset() == printed


def test_rules_feed_the_agent_both_ways(rules, hosts, flowagent, agentctl, collector):
    """The five lines of the user: rules install, flowagent, show flows."""
    own = collector(Hosts.COLLECTOR[0], OWN_PORT, hosts.collector)
    assert rules.run("install", "-i", "eth0").returncode == DONE
    agent = flowagent("--nflog", "40", "-n", own.host_port, host=hosts.server)
    agent.wait_for_group()
    known = FlowTable()
    for server_address, remote in zip(Hosts.SERVER, Hosts.REMOTE):
        server, outside = (hosts.server, server_address), (hosts.internet, remote)
        traffic.udp_dialogue(server, outside, known, 10, 100, 1000)
    control = agentctl(agent)
    wait_until(
        lambda: control.statistics()["packets_read"] >= known.packets(), "all packets read"
    )
    status = control.run("rules", "status")
    assert status.returncode == DONE, status.stdout + status.stderr
    assert agent.stop() == 0, agent.errors
    own.wait_for_datagrams(agent.summary()["datagrams_sent"])
    assert own.flows().counters().items() >= known.counters().items()


def test_rules_need_root(rules):
    install = [rules.binary, "rules", "install", "--no-save", "-i", "eth0"]
    done = subprocess.run(
        programs.command_on(rules.host, programs.nobody(65534) + install),
        capture_output=True,
        text=True,
        env=programs.ENVIRONMENT,
    )
    assert done.returncode == NOT_PERMITTED, done.stderr
    assert "root" in done.stderr


def test_other_rules_are_left_alone(rules):
    rules.host.run("nft", "add", "table", "inet", "operator")
    before = rules.ruleset()
    assert rules.run("install", "-i", "eth0").returncode == DONE
    assert rules.run("remove").returncode == DONE
    assert rules.ruleset() == before


# ---- what is there already ------------------------------------------------------------------------


@pytest.mark.parametrize("firewall", FIREWALLS, ids=lambda firewall: firewall.name)
def test_rules_of_others_are_refused_or_taken_over(rules, hosts, firewall):
    """With the rule that --ulog recommends in place, each packet would count twice."""
    firewall.install(hosts.server, "eth0")
    before = rules.ruleset()
    refused = rules.run("install", "-i", "eth0")
    assert refused.returncode == FAILED and refused.stdout == ""
    assert "logs the same packets" in refused.stderr and "--force" in refused.stderr
    if firewall.name == "iptables-legacy":
        assert "-A PREROUTING -i eth0 -j NFLOG --nflog-group 40" in refused.stderr
    assert rules.ruleset() == before and not rules.file.exists()
    assert rules.run("install", "-i", "eth0", "-g", "41").returncode == DONE  # another group
    assert rules.run("remove").returncode == DONE

    done = rules.run("install", "-i", "eth0", "--force")
    assert done.returncode == DONE, done.stderr
    assert "taken out" in done.stderr and "boot" in done.stderr and done.stdout == "changed\n"
    assert rules.run("status").returncode == DONE
    hosts.server.run("ping", "-c", 3, "-i", "0.01", "-q", Hosts.ROUTER[0])
    assert rules.counted() == {"logged_in": 3, "logged_out": 3}
    assert firewall.matched(hosts.server).packets == 0
    assert rules.run("install", "-i", "eth0").stdout == "unchanged\n"


@pytest.mark.parametrize("firewall", FIREWALLS, ids=lambda firewall: firewall.name)
def test_status_fails_when_packets_count_twice(rules, hosts, firewall):
    assert rules.run("install", "-i", "eth0").returncode == DONE
    alone = rules.run("status")
    assert alone.returncode == DONE and "twice" not in alone.stderr
    firewall.install(hosts.server, "eth1", group=40)
    assert "twice" not in rules.run("status").stderr or firewall.name == "nft"
    firewall.install(hosts.server, "eth0", group=40)
    twice = rules.run("status")
    assert twice.returncode == FAILED
    assert "each counts twice" in twice.stderr and "packets count twice" in twice.stderr


def test_an_agent_without_groups_needs_no_rules(hosts, flowagent, agentctl):
    """It was said to need none, and status 1 advised to install some."""
    agent = flowagent("-i", "eth0", host=hosts.server)
    agent.wait_for_capture()
    status = agentctl(agent).run("rules", "status")
    assert status.returncode == DONE, status.stderr
    assert status.stderr == "the agent reads no NFLOG group: it does not need rules\n"
    assert agent.stop() == 0, agent.errors


def test_remove_says_what_there_was(rules):
    done = rules.run("remove")
    assert done.returncode == DONE
    assert done.stderr.startswith("nothing to remove: there is neither table inet flowagent nor ")
    assert rules.run("install", "-i", "eth0", "--no-save").returncode == DONE
    assert rules.run("remove").stderr == "removed: table inet flowagent\n"
    assert rules.run("install", "-i", "eth0").returncode == DONE
    assert rules.run("remove").stderr == f"removed: table inet flowagent and {rules.file}\n"
    assert not rules.file.exists()


def test_in_by_an_interface_is_not_out_by_it(rules):
    """A router's rules for what comes by eth0 and for what leaves by eth0 see different packets."""
    chain = "add chain ip t {0} {{ type filter hook {0} priority 0; }}"
    rules.host.run("nft", "add table ip t")
    for hook in "forward", "postrouting":
        rules.host.run("nft", chain.format(hook))
    rules.host.run("nft", "add rule ip t forward iifname eth0 log group 40")
    rules.host.run("nft", "add rule ip t postrouting oifname eth0 log group 40")
    status = rules.run("status")
    assert status.returncode == DONE and "twice" not in status.stderr, status.stderr
    rules.host.run("nft", "add rule ip t forward oifname eth0 log group 40")
    status = rules.run("status")
    assert status.returncode == FAILED
    assert status.stderr.count("each counts twice") == 1, status.stderr
    assert "chain forward: oifname eth0 log group 40" in status.stderr


def test_rules_that_share_no_packet_are_no_hindrance(rules):
    """Another interface, another group, another side of one; and conditions on both sides."""
    rules.host.run("iptables-legacy", "-t", "raw", "-A", "PREROUTING", "-i", "wg+", "-j", "NFLOG",
                   "--nflog-group", "40")  # fmt: skip
    rules.host.run("iptables-nft", "-t", "raw", "-A", "PREROUTING", "-i", "eth0", "-j", "NFLOG",
                   "--nflog-group", "5")  # fmt: skip
    assert rules.run("install", "-i", "eth0").returncode == DONE
    assert rules.run("status").returncode == DONE


def test_an_interface_that_is_not_there_is_refused(rules):
    assert rules.run("install", "-i", "eth0").returncode == DONE
    before, text = rules.ruleset(), rules.file.read_text()
    refused = rules.run("install", "-i", "eht0")
    assert refused.returncode == FAILED and "no interface eht0" in refused.stderr
    assert rules.ruleset() == before and rules.file.read_text() == text
    done = rules.run("install", "-i", "ppp0", "--force")
    assert done.returncode == DONE and "not there now" in done.stderr


def test_install_says_what_changes_and_counters_go_on(rules, hosts):
    assert rules.run("install", "-i", "eth0", "-i", "lo").stdout == "changed\n"
    hosts.server.run("ping", "-c", 4, "-i", "0.01", "-q", Hosts.ROUTER[0])
    again = rules.run("install", "-i", "eth0", "-i", "lo")
    assert again.stdout == "unchanged\n" and "any more" not in again.stderr
    fewer = rules.run("install", "-i", "eth0")
    assert fewer.stdout == "changed\n" and "not logged any more: lo\n" in fewer.stderr
    other = rules.run("install", "-i", "eth0", "-g", "41")
    assert other.stdout == "changed\n" and "not logged any more: group 40\n" in other.stderr
    assert rules.counted() == {"logged_in": 4, "logged_out": 4}


def test_install_leaves_nothing_of_another_form_behind(rules):
    """From one group per CPU to one, and from a table of which only the name is ours."""
    assert rules.run("install", "-i", "eth0").returncode == DONE
    plain = rules.ruleset()
    assert rules.run("install", "-i", "eth0", "--per-cpu").returncode == DONE
    assert "cpu0" in rules.host.run("nft", "list", "table", "inet", "flowagent")
    assert rules.run("install", "-i", "eth0").returncode == DONE
    assert sorted(map(str, rules.ruleset())) == sorted(map(str, plain))
    assert rules.run("remove").returncode == DONE
    rules.host.run("nft", "-f", "-", input="""
table inet flowagent {
	chain in {
		type filter hook input priority 7; policy accept;
		counter
	}
}
""")  # fmt: skip
    done = rules.run("install", "-i", "eth0")
    assert done.returncode == DONE, done.stderr
    assert sorted(map(str, rules.ruleset())) == sorted(map(str, plain))


def test_no_packet_passes_unseen_while_rules_are_replaced(rules, hosts, udp_flood):
    """The table is emptied and filled in one transaction: each packet is in the counters."""
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    assert rules.run("install", "-i", "eth0").returncode == DONE
    sender = subprocess.Popen(
        hosts.server.command(udp_flood, Hosts.SERVER[0], "198.18.0.0", "10", "20000", "10000")
    )
    while sender.poll() is None:
        for more in [], ["-i", "lo"]:
            assert rules.run("install", "-i", "eth0", *more).returncode == DONE
            hosts.server.run("nft", "-f", rules.file)
    assert sender.returncode == 0
    assert rules.counted()["logged_out"] == 20000


SYSTEMCTL = """#!/bin/sh
[ "$1" != is-active ]  # a unit whose condition is not met: enabled and started with success
"""


def test_a_unit_that_systemd_skips_is_reported(rules, directory):
    (directory / "systemctl").write_text(SYSTEMCTL)
    (directory / "systemctl").chmod(0o755)
    script = (
        "mount -t tmpfs none /etc && mount -t tmpfs none /run && mkdir -p /run/systemd/system && "
        f"PATH={directory}:$PATH exec {rules.binary} rules install -i eth0"
    )
    done = subprocess.run(
        programs.command_on(rules.host, ["unshare", "-m", "sh", "-c", script]),
        capture_output=True,
        text=True,
        env=programs.ENVIRONMENT,
        timeout=programs.PATIENCE_S,
    )
    assert done.returncode == DONE, done.stderr
    assert "loads it at boot" not in done.stderr
    assert "not loaded at boot: a condition of flowagent-rules.service" in done.stderr


# ---- each packet once -------------------------------------------------------------------------

GROUPS = ("239.1.1.1", "ff05::1234")
PORT = 9


def group_socket(host, address, group, device="eth0"):
    """A socket that sends to a group whose member it is: the kernel loops its packets back."""
    family = traffic.family_of(address)
    with host.entered():
        sock = socket.socket(family, socket.SOCK_DGRAM)
        index = socket.if_nametoindex(device)
        if family == socket.AF_INET:
            request = socket.inet_aton(group) + socket.inet_aton(address) + struct.pack("@i", index)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        else:
            request = socket.inet_pton(family, group) + struct.pack("@I", index)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    sock.bind((address, 0))
    return sock


def send_to_groups(host, addresses):
    """50 broadcasts and 100 multicasts of each family."""
    for address, group in zip(addresses, GROUPS):
        with group_socket(host, address, group) as sock:
            for _ in range(100):
                sock.sendto(b"multicast", (group, PORT))
            for _ in range(50 if ":" not in address else 0):
                sock.sendto(b"broadcast", ("192.0.2.255", PORT))
                sock.sendto(b"to all", ("255.255.255.255", PORT))


def send_in_the_name_of(host, source, count):
    """Broadcasts from outside that pretend to be the server's own."""
    header = struct.pack("!BBHHHBBH", 0x45, 0, 37, 7, 0, 64, 17, 0)
    header += socket.inet_aton(source) + socket.inet_aton("192.0.2.255")
    total = sum(struct.unpack("!10H", header))
    total = (total & 0xFFFF) + (total >> 16)
    check = ~(total + (total >> 16)) & 0xFFFF
    header = header[:10] + struct.pack("!H", check) + header[12:]
    datagram = struct.pack("!4H", 7, PORT, 17, 0) + b"pretended"
    with host.entered():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with sock:
        sock.bind(("eth0", 0))
        for _ in range(count):
            sock.send(b"\xff" * 6 + b"\x02\0\0\0\0\1\x08\0" + header + datagram)


def by_direction(rows):
    """{(src, dst, direction): packets} of UDP to the port."""
    sums = {}
    for row in rows:
        if row["dst_port"] == PORT and row["proto"] == 17:
            key = row["src"], row["dst"], row["dir"]
            sums[key] = sums.get(key, 0) + row["packets"]
    return sums


def check_broadcasts_and_multicasts(rules, hosts, flowagent, agentctl, tcpdump):
    """Looped copies pass the hooks again; a packet socket at the other end tells what was sent."""
    for host, addresses in (hosts.server, Hosts.SERVER), (hosts.internet, Hosts.ROUTER):
        host.ip("address", "replace", f"{addresses[0]}/24", "broadcast", "+", "dev", "eth0")
    assert rules.install("-i", "eth0").returncode == DONE
    agent = flowagent("-g", "40", "--inactive-timeout", "3600", host=hosts.server)
    agent.wait_for_group()
    capture = tcpdump(hosts.internet, "eth0", "ip", "or", "ip6")
    send_to_groups(hosts.server, Hosts.SERVER)
    send_to_groups(hosts.internet, Hosts.ROUTER)
    send_in_the_name_of(hosts.internet, Hosts.SERVER[0], 7)
    traffic.udp_dialogue(
        (hosts.server, Hosts.SERVER[0]), (hosts.internet, Hosts.ROUTER[0]), FlowTable(), 5, 9, 9
    )
    control = agentctl(agent)

    def counts():
        """What the rules, the agent, and the wire say; reports of membership may still come."""
        wire = count_flows(capture.packets()).table.packets()
        return sum(rules.counted().values()), control.statistics()["packets_read"], wire

    wait_until(lambda: min(counts()) >= 617 and len(set(counts())) == 1, "all to say the same")
    expected = {("192.0.2.10", "192.0.2.255", "in"): 7}
    for addresses, direction in (Hosts.SERVER, "out"), (Hosts.ROUTER, "in"):
        expected[addresses[0], GROUPS[0], direction] = 100
        expected[addresses[1], GROUPS[1], direction] = 100
        expected[addresses[0], "192.0.2.255", direction] = 50
        expected[addresses[0], "255.255.255.255", direction] = 50
    assert by_direction(control.rows("show", "flows")) == expected
    assert control.statistics()["duplicates_suspected"] is False
    assert agent.stop() == 0, agent.errors


def test_broadcasts_and_multicasts_count_as_on_the_wire(
    rules, hosts, flowagent, agentctl, tcpdump
):
    check_broadcasts_and_multicasts(rules, hosts, flowagent, agentctl, tcpdump)


def test_looped_copies_raise_no_alarm_with_rules_of_ones_own(hosts, flowagent, agentctl):
    """Rules that know nothing of copies count them; but no second rule is to blame."""
    Nft().install(hosts.server, "eth0")
    agent = flowagent("-g", "40", host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)
    with group_socket(hosts.server, Hosts.SERVER[0], GROUPS[0]) as sock:
        for round in range(30):
            for _ in range(100):
                sock.sendto(b"multicast", (GROUPS[0], PORT))
            sent = (round + 1) * 300  # each twice out and once in
            wait_until(lambda: control.statistics()["packets_read"] >= sent, "the copies")
    assert control.statistics()["duplicates_suspected"] is False
    assert "come twice" not in agent.errors
    assert agent.stop() == 0, agent.errors


def test_forwarded_packets_count_in_on_one_side_and_out_on_the_other(
    hosts, flowagent, agentctl
):
    """Rules on both interfaces of a router: one observation on each wire, and no alarm."""
    router = hosts.internet
    router.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "eth0", "-i", "eth1")
    agent = flowagent("-g", "40", "--inactive-timeout", "3600", host=router)
    agent.wait_for_group()
    control = agentctl(agent)
    known = FlowTable()
    server, other = (hosts.server, Hosts.SERVER[0]), (hosts.collector, Hosts.COLLECTOR[0])
    traffic.udp_dialogue(server, other, known, 100, 50, 50)
    wait_until(lambda: control.statistics()["packets_read"] >= 2 * known.packets(), "all packets")
    rows = [row for row in control.rows("show", "flows") if row["proto"] == 17]
    assert len(rows) == 4 and {row["packets"] for row in rows} == {100}
    assert {(row["dir"], bool(row["out_if"])) for row in rows} == {("in", False), ("out", True)}
    assert control.statistics()["duplicates_suspected"] is False
    assert agent.stop() == 0, agent.errors


def test_a_macvlan_counts_once_and_not_with_the_device_below_it(hosts, flowagent, agentctl):
    """Its packets pass no hook of the device below: rules for both count each of them once."""
    server, outside = hosts.server, hosts.internet
    server.sysctl("ipv4/conf/all/arp_ignore", 1)  # eth0 does not answer for mv0
    server.ip("link", "add", "mv0", "link", "eth0", "type", "macvlan", "mode", "bridge")
    server.ip("address", "add", "198.18.0.2/24", "dev", "mv0")
    server.ip("link", "set", "mv0", "up")
    outside.ip("address", "add", "198.18.0.1/24", "dev", "eth0")
    for interfaces, expected in (["-i", "eth0"], 0), (["-i", "eth0", "-i", "mv0"], 10):
        server.run(BUILD / "agentctl", "rules", "install", "--no-save", *interfaces)
        agent = flowagent("-g", "40", "--inactive-timeout", "3600", host=server)
        agent.wait_for_group()
        control = agentctl(agent)
        for target in "198.18.0.2", Hosts.SERVER[0]:
            outside.run("ping", "-c", 10, "-i", "0.01", "-q", target)

        def pings(address):
            rows = [row for row in control.rows("show", "flows") if row["proto"] == 1]
            return [sum(row["packets"] for row in rows if row[end] == address) for end in ("dst", "src")]

        wait_until(lambda: pings(Hosts.SERVER[0]) == [10, 10], "the pings of eth0")
        wait_until(lambda: pings("198.18.0.2") == [expected, expected], "the pings of mv0")
        assert control.statistics()["duplicates_suspected"] is False
        assert agent.stop() == 0, agent.errors


def test_a_bridge_counts_once_with_and_without_br_netfilter(host):
    """What is for the host itself; what is bridged passes only with br_netfilter, in and out."""
    server, guest, other = host("bridge"), host("guest"), host("other")
    for alone in server, guest, other:  # nothing but what the test sends
        alone.sysctl("ipv6/conf/all/disable_ipv6", 1)
        alone.sysctl("ipv6/conf/default/disable_ipv6", 1)
    server.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
    for number, peer in (1, guest), (2, other):
        server.ip("link", "add", f"p{number}", "type", "veth", "peer", "name", "eth0",
                  "netns", peer.name)  # fmt: skip
        server.ip("link", "set", f"p{number}", "master", "br0", "up")
        peer.ip("address", "add", f"192.0.2.{number + 1}/24", "dev", "eth0")
        peer.ip("link", "set", "eth0", "multicast", "off", "up")
    server.ip("address", "add", "192.0.2.1/24", "dev", "br0")
    server.ip("link", "set", "br0", "multicast", "off", "up")
    for calls, bridged in (0, 0), (1, 10):
        if server.run("sh", "-c", "ls /proc/sys/net/bridge 2>/dev/null || true"):
            server.sysctl("bridge/bridge-nf-call-iptables", calls)
        elif calls:
            pytest.skip("this kernel has no br_netfilter")
        for target, expected in ("192.0.2.1", 10), ("192.0.2.3", 2 * bridged):
            server.run(BUILD / "agentctl", "rules", "install", "--no-save", "-i", "br0")
            server.run("nft", "reset", "counters")
            guest.run("ping", "-c", 10, "-i", "0.01", "-q", target)
            listing = server.run("nft", "list", "counters", "table", "inet", "flowagent")
            assert listing.count(f"packets {expected} bytes {84 * expected}") == 2, listing


# ---- rules that go -------------------------------------------------------------------------------


def source_of(control):
    (source,) = control.rows("show", "sources")
    return source


@pytest.mark.parametrize("firewall", FIREWALLS[:2], ids=lambda firewall: firewall.name)
def test_rules_that_go_are_missed(rules, hosts, flowagent, agentctl, firewall):
    """nft flush ruleset took the rules away, and show status said: problem none."""
    agent = flowagent("-g", "40", host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)
    wait_until(lambda: source_of(control)["rules"] == 0, "the rules to be looked at")
    assert source_of(control)["rules_gone"] is False  # there were none
    assert "no rule of nft logs to it" in control.run("show", "status").stdout
    firewall.install(hosts.server, "eth0")
    wait_until(lambda: source_of(control)["rules"] >= 2, "the rules to be seen")
    assert "problem    none" in control.run("show", "status").stdout
    hosts.server.run("nft", "flush", "ruleset")
    wait_until(lambda: source_of(control)["rules_gone"], "the rules to be missed")
    status = control.run("show", "status").stdout
    assert "the firewall's rules for it are gone" in status
    assert "nflog:40: the firewall's rules for this group are gone" in status  # problem
    assert agent.errors.count("rules for this group are gone") == 1
    assert rules.run("install", "-i", "eth0").returncode == DONE
    wait_until(lambda: not source_of(control)["rules_gone"], "the rules to be back")
    assert "there are rules for this group again" in agent.errors
    status = control.run("show", "status").stdout  # what is over is no problem any more
    assert "problem    none" in status
    assert "last       nflog:40: the firewall's rules for this group are gone" in status
    assert "over since" in status
    assert rules.run("install", "-i", "eth0", "-i", "lo").returncode == DONE  # replaced
    hosts.server.run("nft", "delete", "table", "inet", "flowagent")
    wait_until(lambda: source_of(control)["rules_gone"], "the table to be missed")
    assert agent.stop() == 0, agent.errors


def test_rules_are_watched_without_being_root(hosts, flowagent, agentctl, rules):
    """As the service: no uid 0, and CAP_NET_ADMIN alone."""
    assert rules.run("install", "-i", "eth0").returncode == DONE
    agent = flowagent("-g", "40", "--user", "nobody", host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)
    wait_until(lambda: source_of(control)["rules"] == 2, "the rules to be seen")
    hosts.server.run("nft", "flush", "ruleset")
    wait_until(lambda: source_of(control)["rules_gone"], "the rules to be missed")
    assert agent.stop() == 0, agent.errors


def test_rules_of_iptables_legacy_are_not_missed(hosts, flowagent, agentctl):
    """They cannot be seen: packets that come are all that is known of them."""
    FIREWALLS[2].install(hosts.server, "eth0")
    agent = flowagent("-g", "40", host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)
    hosts.server.run("ping", "-c", 3, "-i", "0.01", "-q", Hosts.ROUTER[0])
    wait_until(lambda: source_of(control)["packets_read"] >= 6, "packets")
    source = source_of(control)
    assert source["rules"] == 0 and source["rules_gone"] is False
    status = control.run("show", "status").stdout
    assert "no rule" not in status and "problem    none" in status
    assert agent.stop() == 0, agent.errors
