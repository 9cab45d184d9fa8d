"""Receiving on several CPUs: rules that spread packets by CPU, workers that are bound to one."""

import json
import os
from pathlib import Path

import pytest

import ledger
from conftest import BUILD, Hosts
from waiting import wait_until

FLOWS, PACKETS_EACH, RATE = 500, 5000, 20_000
TARGET = "198.18.0.0"
GROUP = 40
CPUS = sorted(os.sched_getaffinity(0))


def logged_by_group(host):
    """group -> packets that the rules have logged to it."""
    listing = json.loads(host.run("nft", "-j", "list", "table", "inet", "flowagent"))
    logged = {}
    for item in listing["nftables"]:
        statements = item.get("rule", {}).get("expr", [])
        for statement in statements:
            if "log" in statement:
                (name,) = [s["counter"] for s in statements if "counter" in s]
                logged[statement["log"]["group"]] = named_counter(host, name)
    return logged


def named_counter(host, name):
    listing = json.loads(host.run("nft", "-j", "list", "counter", "inet", "flowagent", name))
    (counter,) = [item["counter"] for item in listing["nftables"] if "counter" in item]
    return counter["packets"]


def bound_threads(pid):
    """CPUs that single threads may run on, where that is one alone."""
    masks = [
        line.split()[1]
        for status in Path(f"/proc/{pid}/task").glob("*/status")
        for line in status.read_text().splitlines()
        if line.startswith("Cpus_allowed_list:")
    ]
    return sorted(int(mask) for mask in masks if mask.isdigit())


@pytest.mark.skipif(len(CPUS) < 2, reason="needs two CPUs")
def test_packets_are_spread_by_cpu(hosts, flowagent, agentctl, collector, udp_flood):
    """Each worker reads what its CPU has handled; a flow on two CPUs is two records that add up."""
    own = collector(Hosts.COLLECTOR[0], 0, hosts.collector)
    last = GROUP + len(CPUS) - 1
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    agent = flowagent(
        "--nflog", f"{GROUP}-{last},cpu=auto", "-n", own.host_port, "--inactive-timeout", "3600",
        host=hosts.server,
    )  # fmt: skip
    agent.wait_for_group(GROUP)
    agent.wait_for_group(last)
    control = agentctl(agent)
    wait_until(lambda: bound_threads(agent.pid) == CPUS, "a thread for each CPU")
    output = hosts.server.run(
        "sh", "-c", f"{BUILD / 'agentctl'} rules install --per-cpu -i eth0 --no-save 2>&1"
    )
    assert f"--nflog {GROUP}-{last},cpu=auto" in output

    for cpu in CPUS:
        hosts.server.run(
            "taskset", "-c", cpu, udp_flood, Hosts.SERVER[0], TARGET, FLOWS, PACKETS_EACH, RATE
        )
    sent = PACKETS_EACH * len(CPUS)
    wait_until(lambda: control.statistics()["packets_read"] >= sent, "all packets read")
    status = control.run("rules", "status")
    assert status.returncode == 0 and not status.stderr, status.stderr

    def each_group_is_read():
        read = {row["name"]: row["packets_read"] for row in control.rows("show", "sources")}
        logged = logged_by_group(hosts.server)
        return read == {f"nflog:{group}": packets for group, packets in logged.items()}

    wait_until(each_group_is_read, "each worker to have read what its CPU has logged")
    logged = logged_by_group(hosts.server)
    assert all(packets >= PACKETS_EACH // 2 for packets in logged.values()), logged
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    assert sum(logged.values()) == sum(
        named_counter(hosts.server, name) for name in ("logged_in", "logged_out")
    )
    ledger.check_final(summary, sum(logged.values()))

    own.wait_for_datagrams(summary["datagrams_sent"])
    totals = {k: t for k, t in own.flows().flows.items() if k.destination_port == 9}
    assert len(totals) == FLOWS
    assert all(t.packets == sent // FLOWS for t in totals.values())


def test_a_cpu_that_is_not_there_is_reported(host, flowagent_run):
    done = flowagent_run("--nflog", "40,cpu=1023", "--control", "none", host=host("lonely"))
    assert done.returncode == 1
    assert "CPU 1023" in done.stderr


def test_a_rule_that_hands_over_single_packets_is_reported_once(
    hosts, flowagent, agentctl, udp_flood
):
    hosts.internet.ip("route", "add", "blackhole", "198.18.0.0/15")
    agent = flowagent("--nflog", "40", host=hosts.server)
    agent.wait_for_group()
    hosts.server.run("nft", "-f", "-", input="""
table inet test {
	chain out {
		type filter hook postrouting priority 0; policy accept;
		log group 40 snaplen 96 queue-threshold 1
	}
}
""")  # fmt: skip
    control = agentctl(agent)
    for _ in range(5):
        hosts.server.run(udp_flood, Hosts.SERVER[0], TARGET, 10, 12_000, 4000)
        (source,) = control.rows("show", "sources")
        if source["single_packets"]:
            break
    assert source["single_packets"], source
    assert "one by one" in control.run("show", "status").stdout
    assert agent.stop() == 0
    assert agent.errors.count("one by one") == 1, agent.errors
