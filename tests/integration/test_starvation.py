"""Allocations that fail one at a time: the agent does without, or says what it could not do. tests/starve tries each."""

import json
import os
import signal
import subprocess

import pytest

import ledger
from conftest import RELEASE_BUILD
from programs import ENVIRONMENT, PATIENCE_S, command_on
from service_manager import ServiceManager
from starvation import Starvation, start_fault
from test_lifecycle import OWN_PORT, Site, site, wait_for_packets  # noqa: F401
from waiting import wait_until

AT_START = [*range(1, 60, 4), *range(60, 400, 17)]
WHILE_RUNNING = [*range(1, 40, 2), *range(40, 300, 23)]
QUESTIONS = [
    ("show", "flows"), ("show", "stats"), ("show", "status"), ("show", "collectors"), ("show", "templates"),
    ("show", "interfaces"), ("show", "config"), ("show", "flows", "--by", "src"),
]  # fmt: skip


@pytest.fixture
def starvation(cleanup, directory):
    starvation = Starvation(directory)
    cleanup.callback(starvation.close)
    return starvation


def test_an_allocation_that_fails_at_the_start_is_survived_or_told(directory, starvation):
    agent = RELEASE_BUILD / "flowagent"
    faults = [start_fault(agent, starvation, directory, number) for number in AT_START]
    assert not any(faults), [fault for fault in faults if fault]
    assert starvation.failed() > len(AT_START) // 2


def test_a_kept_configuration_is_whole_or_refused(host, directory, starvation, cleanup):
    """That which was accepted last, because the files have a mistake: never without one of its files or variables."""
    router = host("router")
    manager = cleanup.enter_context(ServiceManager(directory))
    file, drop_in, summary = directory / "flowagent.conf", directory / "conf.d" / "second.conf", directory / "summary"
    drop_in.parent.mkdir()
    file.write_text("[agent]\nnflog = 40\ncollector = 127.0.0.1:9\n")
    drop_in.write_text("[agent]\ncollector = ${SECOND}\n")

    def run(kept=None, **environment):
        """Until it is ready; returns its status and collectors, or what it has said."""
        manager.messages.clear()
        manager.forget()
        if kept:
            manager.keep("config", kept)
        options = manager.options(SECOND="127.0.0.1:10")
        options["env"] = {**ENVIRONMENT, **options.pop("environment")}
        starve = ["env", *(f"{name}={value}" for name, value in environment.items())]  # not the wrapper
        agent = subprocess.Popen(
            command_on(router, [*options.pop("wrapper"), *starve, RELEASE_BUILD / "flowagent", "--config", file, "--control",
                                directory / "control.sock", "--summary", summary]),
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **options,
        )  # fmt: skip
        wait_until(lambda: agent.poll() is not None or "READY=1" in sum(manager.messages, []), "start or end")
        agent.send_signal(signal.SIGTERM if kept else signal.SIGUSR2)
        words = agent.communicate(timeout=PATIENCE_S)[1]
        if agent.returncode:
            return agent.returncode, words
        return 0, {row["name"] for row in json.loads(summary.read_text())["collectors"]}

    whole = 0, {"127.0.0.1:9", "127.0.0.1:10"}
    assert run() == whole
    kept = os.dup(manager.store["config"])
    cleanup.callback(os.close, kept)
    file.write_text(file.read_text() + "max-flows = many\n")
    assert run(kept) == whole
    refused = 0
    for number in range(1, 120):
        starvation.fail(number)
        found = run(kept, **starvation.environment)
        starvation.fail(0)
        assert found == whole or found[0], (number, found)
        refused += found != whole
    assert refused


def test_an_allocation_that_fails_while_it_runs_costs_an_answer_at_most(
    site, flowagent, agentctl, collector, starvation  # noqa: F811
):
    """Each question is answered, refused or cut; counting and export do not notice."""
    own = collector(Site.COLLECTOR, OWN_PORT, site.host)
    agent = flowagent(
        "--nflog", "40", "-n", own.host_port, "-n", "localhost:9,transport=tcp,spool=1M", host=site.host,
        release=True, environment=starvation.environment,
    )  # fmt: skip
    agent.wait_for_group()
    control = agentctl(agent)
    packets = 0
    for number in WHILE_RUNNING:
        starvation.fail(number)
        packets += site.send(count=2).packets()
        for question in QUESTIONS:
            done = control.run("-J", *question)
            # 2: jansson takes a token that it has no memory for as one that does not belong there.
            assert done.returncode in (0, 1, 2, 3), (number, question, done.stderr)
            assert done.returncode == 0 or done.stderr, (number, question)
            assert agent.process.poll() is None, (number, question, agent.errors)
    starvation.fail(0)
    assert starvation.failed() > len(WHILE_RUNNING) // 2
    wait_for_packets(control, packets)
    assert agent.stop() == 0, agent.errors
    summary = agent.summary()
    ledger.check_final(summary, site.matched())
    own.wait_for_datagrams({row["name"]: row for row in summary["collectors"]}[own.host_port]["datagrams_sent"])
    assert own.flows().packets() == summary["packets_read"] - ledger.ignored(summary)
