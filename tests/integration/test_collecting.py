"""The example of packaging/examples/collector with the collector that needs no database. The others are in tests/databases."""

import os
import subprocess

from conftest import BUILD, ROOT

RUN = ROOT / "packaging" / "examples" / "collector" / "run"


def test_nfcapd_reports_each_as(directory):
    environment = {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}"}
    run = subprocess.run(
        [RUN, "nfcapd"], capture_output=True, text=True, timeout=300, env=environment, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "are those sums of each AS" in run.stdout


def test_an_engine_that_there_is_not(directory):
    run = subprocess.run([RUN, "mongodb"], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert run.stderr == (
        "collector: mongodb: mariadb, postgresql, kafka or nfcapd was expected\n"
    )
