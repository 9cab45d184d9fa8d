"""A spool-directory whose disk hangs: the other collectors notice nothing, and what is lost is said
and counted."""

import os
import subprocess

import ledger
import pytest
from waiting import wait_until

IMAGE_BYTES = 64 << 20
ABSENT = "127.0.0.1:9"  # nobody listens


class Disk:
    """A file system that can be made to hang, as one on a dying disk or a dead server does."""

    def __init__(self, cleanup, directory):
        self.path = directory / "disk"
        image = directory / "image"
        self.path.mkdir()
        with open(image, "wb") as file:
            os.truncate(file.fileno(), IMAGE_BYTES)
        subprocess.run(["mkfs.ext4", "-q", image], check=True)
        mounted = subprocess.run(["mount", "-o", "loop", image, self.path])
        if mounted.returncode:
            pytest.skip("this machine has no loop devices")
        cleanup.callback(subprocess.run, ["umount", "-l", self.path])
        cleanup.callback(subprocess.run, ["fsfreeze", "-u", self.path], stderr=subprocess.DEVNULL)
        self.path.chmod(0o777)

    def hang(self):
        subprocess.run(["fsfreeze", "-f", self.path], check=True)

    def go_on(self):
        subprocess.run(["fsfreeze", "-u", self.path], check=True)


def test_a_disk_that_hangs_holds_up_its_own_collector_alone(
    cleanup, directory, hosts, flood, flowagent, agentctl, collector
):  # fmt: skip
    disk = Disk(cleanup, directory)
    healthy = collector("127.0.0.1", 0, hosts.server)
    agent = flowagent(
        "--nflog", "40", "--active-timeout", "1s", "--inactive-timeout", "200ms",
        "-n", f"{healthy.host_port},rate=0",
        "-n", f"{ABSENT},transport=tcp,mtu=576,spool=32M,spool-directory={disk.path}",
        host=hosts.server,
    )  # fmt: skip
    agent.wait_for_group()
    control = agentctl(agent)

    def row(name):
        return next(row for row in control.rows("show", "collectors") if row["name"] == name)

    flood.begin(6000)
    wait_until(lambda: row(ABSENT)["records_spooled"] > 3000, "records in the spool")
    assert row(ABSENT)["records_lost"] == 0
    disk.hang()
    wait_until(lambda: "the disk hangs" in agent.errors, "the hang is said")
    wait_until(
        lambda: row(ABSENT)["records_lost_by_reason"]["spool_failed"] > 100, "losses are counted"
    )
    sent = row(healthy.host_port)["records_sent"]
    wait_until(lambda: row(healthy.host_port)["records_sent"] > sent + 10_000, "the others go on")
    disk.go_on()
    wait_until(lambda: "its spool works again" in agent.errors, "the end of the hang is said")
    lost = row(ABSENT)["records_lost"]
    spooled = row(ABSENT)["records_spooled"]
    wait_until(lambda: row(ABSENT)["records_spooled"] > spooled + 1000, "records are kept again")
    assert row(ABSENT)["records_lost"] == lost
    flood.end()
    assert agent.stop() == 0, agent.errors
    ledger.check_final(agent.summary(), flood.packets())
    rows = {row["name"]: row for row in agent.summary()["collectors"]}
    assert rows[healthy.host_port]["records_lost"] == 0
