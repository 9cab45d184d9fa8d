"""agentctl rules --firewall iptables: as good as those of nft, with both back ends."""

import re
import subprocess

import pytest

import programs
from conftest import Hosts
from test_rules import DONE, FAILED, USAGE, Rules, check_broadcasts_and_multicasts
from waiting import wait_until

BACKENDS = ["nft", "legacy"]


class IptablesRules(Rules):
    def __init__(self, hosts, agentctl, directory, backend):
        super().__init__(hosts, agentctl, directory)
        self.firewall = f"iptables-{backend}"
        self.programs = [self.firewall, self.firewall.replace("ip", "ip6", 1)]

    def install(self, *options, firewall=None):
        return self.run("install", "--firewall", firewall or self.firewall, *options)

    def saved(self):
        """All rules and chains of users, of both families, without counters."""
        text = "".join(self.host.run(f"{program}-save") for program in self.programs)
        return sorted(re.findall(r"^(?:-A .*|:\S+ - )", text, re.MULTILINE))

    def logged(self, chain):
        """Packets that the rules of one direction have handed to NFLOG."""
        text = "".join(self.host.run(f"{program}-save", "-c") for program in self.programs)
        return sum(map(int, re.findall(rf"^\[(\d+):\d+\] -A {chain}\S* .*NFLOG", text, re.M)))

    def counted(self):
        return {name: self.logged(f"flowagent_{name}") for name in ("log_in", "log_out")}


@pytest.fixture(params=BACKENDS)
def rules(request, hosts, agentctl, directory):
    return IptablesRules(hosts, agentctl, directory, request.param)


def ping(rules, count):
    rules.host.run("ping", "-c", count, "-i", "0.01", "-q", Hosts.ROUTER[0])
    rules.host.run("ping", "-c", count, "-i", "0.01", "-q", Hosts.ROUTER[1])


def test_install_is_idempotent_and_remove_takes_all_back(rules):
    rules.host.run(rules.firewall, "-t", "raw", "-A", "PREROUTING", "-i", "lo", "-j", "ACCEPT")
    before = rules.saved()
    done = rules.install("-i", "eth0", "-i", "lo")
    assert done.returncode == DONE, done.stderr
    assert done.stdout == "changed\n" and "in and out of eth0, lo" in done.stderr
    once = rules.saved()
    assert rules.install("-i", "eth0", "-i", "lo").stdout == "unchanged\n"
    for _ in range(2):  # what a boot and a reload do
        rules.host.run("sh", rules.file)
    assert rules.saved() == once
    status = rules.run("status")
    assert status.returncode == DONE, status.stderr
    assert status.stdout.count("eth0,lo") == 4, status.stdout
    ping(rules, 5)
    assert rules.counted() == {"log_in": 10, "log_out": 10}
    for _ in range(2):
        assert rules.run("remove").returncode == DONE
        assert rules.saved() == before
        assert not rules.file.exists()


def test_the_host_s_own_iptables_is_the_default(rules, hosts):
    """`--firewall iptables` is whichever of the two that is; it takes over from the other."""
    assert rules.install("-i", "eth0").returncode == DONE
    done = rules.install("-i", "eth0", firewall="iptables")
    assert done.returncode == DONE, done.stderr
    legacy, nft = (hosts.server.run(f"iptables-{backend}-save") for backend in ("legacy", "nft"))
    is_nft = "nf_tables" in hosts.server.run("iptables", "--version")
    assert ("flowagent" in nft, "flowagent" in legacy) == (is_nft, not is_nft)


def test_print_is_what_sh_takes(rules):
    done = rules.run("print", "--firewall", rules.firewall, "-i", "eth0", "-g", "41")
    assert done.returncode == DONE, done.stderr
    for _ in range(2):
        rules.host.run("sh", "-s", input=done.stdout)
    printed = rules.saved()
    assert any("--nflog-group 41" in line for line in printed)
    assert rules.run("remove").returncode == DONE
    assert rules.install("-i", "eth0", "-g", "41").returncode == DONE
    assert rules.saved() == printed


def test_from_one_firewall_to_the_other_each_packet_counts_once(
    rules, hosts, flowagent, agentctl
):
    agent = flowagent("-g", "40", host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)
    sent = 0
    for firewall in "nft", rules.firewall, "nft", rules.firewall:
        done = rules.install("-i", "eth0", firewall=firewall)
        assert done.returncode == DONE, done.stderr
        ping(rules, 5)
        sent += 20
        wait_until(lambda: control.statistics()["packets_read"] >= sent, "the packets")
        assert control.statistics()["packets_read"] == sent
        status = rules.run("status")
        assert "twice" not in status.stderr and status.returncode == DONE, status.stderr
    assert agent.stop() == 0, agent.errors


def test_chains_of_that_name_that_are_not_ours_are_refused(rules):
    for arguments in (
        ["-N", "flowagent_log_in"],
        ["-A", "flowagent_log_in", "-j", "ACCEPT"],
    ):
        rules.host.run(rules.firewall, "-t", "raw", *arguments)
    before = rules.saved()
    for done in rules.install("-i", "eth0"), rules.run("remove"):
        assert done.returncode == FAILED
        assert "rules that agentctl has not made: nothing was changed" in done.stderr
        assert rules.saved() == before


def test_rules_of_others_are_refused_or_taken_over(rules):
    for program in rules.programs:
        rules.host.run(program, "-t", "raw", "-A", "PREROUTING", "-i", "eth0", "-j", "NFLOG",
                       "--nflog-group", "40")  # fmt: skip
    before = rules.saved()
    refused = rules.install("-i", "eth0")
    assert refused.returncode == FAILED and "logs the same packets" in refused.stderr
    assert rules.saved() == before and not rules.file.exists()
    done = rules.install("-i", "eth0", "--force")
    assert done.returncode == DONE and "taken out" in done.stderr, done.stderr
    ping(rules, 3)
    assert rules.counted() == {"log_in": 6, "log_out": 6}
    assert not set(before) & set(rules.saved())
    assert rules.run("status").returncode == DONE


def test_sampling_and_the_fuse(rules, hosts, flowagent, agentctl, udp_flood):
    """The agent learns the rate from the prefix; beyond the fuse nothing is logged, but counted."""
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    agent = flowagent("-g", "40", host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)
    assert rules.install("-i", "eth0", "--sample", "10").returncode == DONE
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", "10", "20000", "20000")
    sampled = rules.logged("flowagent_log_out")
    assert 1700 < sampled < 2300  # 7 standard deviations
    wait_until(lambda: control.statistics()["packets_read"] == sampled, "the sampled packets")
    assert {row["sampling"] for row in control.rows("show", "flows")} == {10}

    assert rules.install("-i", "eth0", "--max-rate", "100").returncode == DONE
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", "10", "5000", "10000")
    logged = rules.logged("flowagent_log_out")
    assert 10 <= logged < 2500
    wait_until(
        lambda: control.statistics()["packets_read"] == sampled + logged, "what the fuse lets pass"
    )
    text = hosts.server.run(f"{rules.firewall}-save", "-c")
    (over,) = re.findall(r"^\[(\d+):\d+\] -A flowagent_log_out .*hashlimit", text, re.MULTILINE)
    assert int(over) == 5000 - logged
    assert agent.stop() == 0, agent.errors


def test_a_group_for_each_cpu(rules):
    done = rules.install("-i", "eth0", "--per-cpu")
    assert done.returncode == DONE and "nflog = 40-" in done.stderr, done.stderr
    ping(rules, 5)
    assert rules.counted() == {"log_in": 10, "log_out": 10}
    assert rules.install("-i", "eth0").returncode == DONE
    assert not [line for line in rules.saved() if "--cpu" in line]


def test_what_iptables_cannot_do_is_refused(rules):
    for options, text in (
        (["-i", "wg+", "--force"], '"wg+": iptables reads "+" as a pattern'),
        (["-i", "eth0", "--max-rate", "200000", "--sample", "10"], "at most 1000000 packets"),
    ):
        done = rules.install(*options)
        assert done.returncode == USAGE and text in done.stderr, done.stderr
    done = rules.run("install", "--firewall", "pf")
    assert done.returncode == USAGE and "expected nft, iptables" in done.stderr


def test_broadcasts_and_multicasts_count_as_on_the_wire(
    rules, hosts, flowagent, agentctl, tcpdump
):
    check_broadcasts_and_multicasts(rules, hosts, flowagent, agentctl, tcpdump)


def test_no_packet_passes_unseen_while_rules_are_replaced(
    rules, hosts, flowagent, agentctl, udp_flood
):
    """The content of a table's chains changes in one transaction: the agent reads each packet."""
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    assert rules.install("-i", "eth0").returncode == DONE
    agent = flowagent("-g", "40", host=hosts.server)
    agent.wait_for_group()
    control = agentctl(agent)
    sender = subprocess.Popen(
        hosts.server.command(udp_flood, Hosts.SERVER[0], "198.18.0.0", "10", "20000", "10000")
    )
    while sender.poll() is None:
        for more in [], ["-i", "lo"]:
            assert rules.install("-i", "eth0", *more).returncode == DONE
    assert sender.returncode == 0
    wait_until(lambda: control.statistics()["packets_read"] >= 20000, "all packets")
    sent = sum(row["packets"] for row in control.rows("show", "flows", "dst=198.18.0.0/15"))
    assert sent == 20000
    assert agent.stop() == 0, agent.errors


def test_nat_is_reported(rules):
    """iptables has no chain after the translation."""
    rules.host.run("iptables", "-t", "nat", "-A", "POSTROUTING", "-j", "MASQUERADE")
    done = rules.install("-i", "eth0")
    assert done.returncode == DONE and "addresses of before" in done.stderr
    assert "NAT" not in rules.install("-i", "eth0", firewall="nft").stderr


def test_firewalld_would_flush_them(rules, directory):
    """A reload of it empties the tables of iptables: tests/booted --firewalls."""
    (directory / "firewall-cmd").write_text("#!/bin/sh\necho running\n")
    (directory / "firewall-cmd").chmod(0o755)
    environment = {**programs.ENVIRONMENT, "PATH": f"{directory}:{programs.ENVIRONMENT['PATH']}"}
    for firewall, status in (rules.firewall, FAILED), ("firewalld", DONE):
        done = subprocess.run(
            rules.host.command(rules.binary, "rules", "install", "--no-save", "-i", "eth0",
                               "--firewall", firewall),
            capture_output=True, text=True, env=environment, timeout=programs.PATIENCE_S,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        assert ("firewalld runs here" in done.stderr) == (status == FAILED)


def test_the_fuse_of_nft(rules, hosts, udp_flood):
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    for rate in 100, 200:
        done = rules.install("-i", "eth0", "--max-rate", rate, firewall="nft")
        assert done.returncode == DONE, done.stderr
    hosts.server.run(udp_flood, Hosts.SERVER[0], "198.18.0.0", "10", "5000", "10000")
    counted = super(IptablesRules, rules).counted()
    assert 20 <= counted["logged_out"] < 2500
    assert counted["logged_out"] + counted["over_rate"] == 5000
    assert rules.install("-i", "eth0", firewall="nft").returncode == DONE
    table = hosts.server.run("nft", "list", "table", "inet", "flowagent")
    assert "limit" not in table and "over_rate" not in table


