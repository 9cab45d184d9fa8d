"""packaging/quickstart, as far as it goes on a machine that is not to be changed.

What it installs, starts and takes back is tried in a booted container: tests/booted --quickstart.
"""

import subprocess
from pathlib import Path

from conftest import ROOT
from waiting import PATIENCE_S

STATE = Path("/var/lib/flowagent-quickstart")


def quickstart(*arguments, prefix=()):
    return subprocess.run(
        [*prefix, ROOT / "packaging" / "quickstart", *arguments],
        capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def test_a_container_without_cap_net_admin_is_reported_before_anything_is_installed():
    had_state = STATE.exists()
    done = quickstart(
        "--interface", "lo", prefix=("setpriv", "--bounding-set", "-net_admin", "--")
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""  # no step was begun
    assert "no CAP_NET_ADMIN here" in done.stderr
    assert "hint: " in done.stderr
    assert STATE.exists() == had_state


def test_an_interface_that_is_not_there_is_reported_with_those_that_are():
    done = quickstart("--interface", "no-such-if")
    assert done.returncode == 1
    assert "no interface no-such-if here" in done.stderr
    assert "lo" in done.stderr.split("there are: ")[1].split()


def test_unknown_words_are_wrong_usage():
    done = quickstart("--colector", "192.0.2.1:2055")
    assert done.returncode == 2
    assert "usage: packaging/quickstart" in done.stderr
