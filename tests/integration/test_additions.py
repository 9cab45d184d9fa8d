"""What the table of ARCHITECTURE.md says of additions is true: tests/additions."""

import subprocess

from conftest import ROOT


def test_each_addition_touches_what_the_table_names():
    done = subprocess.run([ROOT / "tests" / "additions"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
