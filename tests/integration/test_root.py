"""What the daemon does as root, before it becomes another user: it must not be led elsewhere."""

import os
import pwd
import signal
import stat
import subprocess

import pytest

from test_ending import faulty  # noqa: F401
from test_lifecycle import CAPTURE
from waiting import wait_until

NOBODY = pwd.getpwnam("nobody")


@pytest.fixture
def theirs(directory):
    """A directory of the agent's user, as /run/flowagent is one."""
    path = directory / "theirs"
    path.mkdir(mode=0o755)
    os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
    return path


@pytest.fixture
def victim(directory):
    """A file that only root may read."""
    path = directory / "victim"
    path.write_text("secret")
    path.chmod(0o600)
    return path


def is_untouched(path):
    status = path.stat()
    return (status.st_uid, stat.S_IMODE(status.st_mode), path.read_text()) == (0, 0o600, "secret")


def test_control_socket_has_its_mode_and_owner_from_the_start(flowagent, host, theirs):
    """Whatever the umask; in a place of the user's and in one that is made."""
    for path in theirs / "control.sock", theirs.parent / "made" / "control.sock":
        agent = flowagent(
            "-i", "lo", "--user", "nobody", host=host(path.parent.name), control=path, umask=0o077
        )
        agent.wait_for_capture()
        status = path.stat()
        assert stat.S_IMODE(status.st_mode) == 0o660
        assert (status.st_uid, status.st_gid) == (NOBODY.pw_uid, NOBODY.pw_gid)
        status = path.parent.stat()
        assert status.st_uid == NOBODY.pw_uid and stat.S_IMODE(status.st_mode) & 0o022 == 0
        assert agent.stop() == 0, agent.errors
        assert not path.exists()


@pytest.mark.parametrize("place", ["theirs", "made"])
def test_a_socket_that_is_swapped_for_a_link_gives_nothing_away(
    place, flowagent, host, theirs, faulty  # noqa: F811
):
    """The moment after bind(): mode and owner of what the link leads to stay as they are."""
    environment, faults = faulty
    victim = faults / "victim"
    victim.write_text("secret")
    victim.chmod(0o600)
    (faults / "swap").touch()
    path = theirs.parent / place / "control.sock"
    agent = flowagent(
        "-i", "lo", "--user", "nobody", host=host("site"), control=path, release=True,
        environment=environment,
    )  # fmt: skip
    wait_until(
        lambda: agent.process.poll() is not None or "reading lo" in agent.errors, "start or refusal"
    )
    agent.kill()
    assert path.is_symlink()  # so the attack has taken place
    assert is_untouched(victim)


def test_summary_does_not_follow_a_link_in_a_place_of_the_user(flowagent_run, theirs, victim):
    link = theirs / "summary.json"
    link.symlink_to(victim)
    done = flowagent_run("--read", CAPTURE, "--user", "nobody", "--summary", link)
    assert done.returncode == 1
    assert "summary" in done.stderr and "Permission denied" in done.stderr
    assert is_untouched(victim)


def test_root_without_the_user_says_that_it_stays_root(directory, host, flowagent):
    """A private /etc/passwd in which there is no _flowagent."""
    users = directory / "passwd"
    lines = open("/etc/passwd").read().splitlines(keepends=True)
    users.write_text("".join(line for line in lines if not line.startswith("_flowagent:")))
    mount = f"mount --bind {users} /etc/passwd"
    if subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("no private mounts here")
    agent = flowagent(
        "-i", "lo", host=host("site"), wrapper=["unshare", "-m", "sh", "-c",
        f'{mount} && exec "$@"', "sh"],
    )  # fmt: skip
    agent.wait_for_capture()
    wait_until(lambda: "reading lo" in agent.errors, "its start")
    assert "there is no user _flowagent: the agent stays root" in agent.errors
    agent.signal(signal.SIGTERM)
    assert agent.wait() == 0, agent.errors
