"""What agentctl doctor says on a kernel whose modules are not loaded, and that typing its fix loads them."""

import subprocess

import pytest

from waiting import wait_until

pytestmark = pytest.mark.kernels


def test_the_module_of_the_netfilter_log(doctor):
    """No agent runs, which would have the kernel load it."""
    wait_until(lambda: subprocess.run(["modprobe", "-r", "nfnetlink_log"], check=False).returncode == 0, "a module that nobody uses")
    row = doctor.fault("kernel", "the kernel has no nfnetlink_log")
    doctor.type(row["fix"])
    assert doctor.is_good("kernel")
    doctor.start()
