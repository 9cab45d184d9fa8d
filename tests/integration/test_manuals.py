"""The recipes of flowagent-collectors(7) with the real programs, and what holds for every manual page."""

import json
import re
import subprocess

import pytest

import ledger
import programs
from conftest import BUILD, ROOT
from waiting import wait_until

PAGES = sorted((ROOT / "packaging" / "man").glob("*.scd"))
COLLECTORS = (ROOT / "packaging" / "man" / "flowagent-collectors.7.scd").read_text()
CAPTURE = ROOT / "tests" / "wire" / "captures" / "ndpi-dns.pcap"
ADDRESS = "192.0.2.20"  # the collector of the page


def section(heading):
    """(blocks of code, commands of the collector) under a heading that begins so."""
    (text,) = re.findall(rf"^# {heading}.*?\n(.*?)(?=^# )", COLLECTORS, re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    commands = [line.removesuffix("++").split("# ", 1)[1] for line in text.splitlines() if "collector# " in line]
    return blocks, commands


def agent_block(blocks):
    (block,) = [each for each in blocks if each.startswith("[agent]")]
    return block


@pytest.fixture
def collector_host(host):
    made = host("collector")
    made.ip("addr", "add", f"{ADDRESS}/32", "dev", "lo")
    made.ip("link", "set", "lo", "up")
    return made


def export(flowagent, directory, host, block):
    """What the agent of the recipe has exported of the capture."""
    config = directory / "site.conf"
    config.write_text(block)
    agent = flowagent("--config", config, "--read", CAPTURE, host=host)
    assert agent.wait() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary)
    assert summary["packets_exported"] > 0
    return summary


def ask(host, command, directory):
    words = programs.command_on(host, command.split())
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, timeout=programs.PATIENCE_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_nfacctd(directory, cleanup, collector_host, flowagent):
    blocks, (start, show) = section("PMACCT")
    (config,) = [each for each in blocks if "nfacctd_port" in each]
    (directory / "nfacctd.conf").write_text(config)
    (directory / "networks.lst").write_text("64500,192.0.2.0/24\n")
    collector = programs.Program("nfacctd", start.split(), directory, collector_host, programs.signal.SIGINT, cwd=directory)
    cleanup.callback(collector.kill)
    collector.wait_until(lambda: "waiting for NetFlow" in collector.output + collector.errors, "it listens")
    collector.wait_until(lambda: "waiting for data on" in collector.output + collector.errors, "it answers")
    summary = export(flowagent, directory, collector_host, agent_block(blocks))

    def table():
        rows = [json.loads(line) for line in ask(collector_host, show + " -O json", directory).splitlines() if line[0] == "{"]
        return sum(row["packets"] for row in rows), sum(row["bytes"] for row in rows)

    wait_until(lambda: table()[0] >= summary["packets_exported"], "all packets in its table")
    assert table() == (summary["packets_exported"], summary["bytes_exported"])


def test_nfcapd(directory, cleanup, collector_host, flowagent):
    blocks, (start, show) = section("NFDUMP")
    (directory / "flows").mkdir()
    collector = programs.Program("nfcapd", start.split(), directory, collector_host, cwd=directory)
    cleanup.callback(collector.kill)

    def unread():
        found = re.search(r":0807 \S+ \S+ \S+:(\S+)", collector_host.read("udp") + collector_host.read("udp6"))
        return found and int(found.group(1), 16)

    collector.wait_until(lambda: unread() is not None, "it listens")
    summary = export(flowagent, directory, collector_host, agent_block(blocks))
    collector.wait_until(lambda: unread() == 0, "its socket empty")
    collector.stop()
    assert "Top 10" in ask(None, show, directory)
    rows = json.loads(ask(None, show.split(" -s ")[0] + " -o json", directory))
    assert sum(row["in_packets"] for row in rows) == summary["packets_exported"]
    assert sum(row["in_bytes"] for row in rows) == summary["bytes_exported"]


def test_every_recipe_for_the_agent_is_valid(directory, flowagent_run):
    """Those of section 7; the others name files of the host, and are run where these are."""
    pages = "".join(page.read_text() for page in PAGES if page.stem.endswith(".7"))
    blocks = re.findall(r"^```\n(\[agent\].*?)^```", pages, re.MULTILINE | re.DOTALL)
    assert len(blocks) >= 8
    for block in blocks:
        config = directory / "site.conf"
        config.write_text(block)
        done = flowagent_run("--config", config, "--check-config")
        assert done.returncode == 0, f"{block}{done.stderr}"


def test_pages_refer_to_pages_that_are_there():
    own = {page.stem for page in PAGES}
    for page in PAGES:
        for name, number in re.findall(r"\*?\b((?:flowagent|agentctl|fprobe-ulog)[\w.-]*)\*?\((\d)\)", page.read_text()):
            assert f"{name}.{number}" in own, f"{page.name}: {name}({number})"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_pages_are_formatted_without_warnings(page):
    made = BUILD / "packaging" / "man" / page.stem
    done = subprocess.run(["groff", "-t", "-man", "-Tutf8", "-ww", "-rLL=100n", made], capture_output=True, text=True,
                          timeout=programs.PATIENCE_S)
    assert done.returncode == 0 and not done.stderr, done.stderr
