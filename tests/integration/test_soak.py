"""A minute of tests/soak, another one at each run; its seed is in the output of a failure."""

import os
import subprocess

from conftest import ROOT
from programs import PATIENCE_S

SECONDS = 60


def test_a_minute_of_load_and_faults():
    seed = os.environ.get("SOAK_SEED")
    done = subprocess.run(
        [ROOT / "tests" / "soak", str(SECONDS), *([seed] if seed else [])], capture_output=True, text=True,
        timeout=SECONDS + 2 * PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "each with a ledger that closes" in done.stdout
