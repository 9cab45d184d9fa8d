"""Ten seconds of tests/fuzz/differential, others at each run; its seed is in the output of a failure."""

import os
import subprocess

from conftest import BUILD, ROOT
from programs import PATIENCE_S

SECONDS = 10


def test_damaged_captures_are_counted_as_by_another_reader():
    seed = os.environ.get("DIFFERENTIAL_SEED")
    done = subprocess.run(
        [ROOT / "tests" / "fuzz" / "differential", str(SECONDS), *([seed] if seed else [])], capture_output=True,
        text=True, timeout=SECONDS + 2 * PATIENCE_S, env={**os.environ, "BUILD": str(BUILD)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all flows as counted" in done.stdout
