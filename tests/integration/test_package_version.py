"""packaging/build-package: which version a package gets."""

import shutil
import subprocess

from conftest import ROOT


def version_of(checkout):
    done = subprocess.run(
        [checkout / "packaging" / "build-package", "--version"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.strip()


def git(checkout, *arguments, date=None):
    environment = {"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date} if date else {}
    subprocess.run(
        ["env", *(f"{name}={value}" for name, value in environment.items()), "git", "-C", checkout,
         "-c", "user.name=Test", "-c", "user.email=test@example.net", *arguments],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip


def is_newer(version, than):
    return subprocess.run(["dpkg", "--compare-versions", version, "gt", than], check=False).returncode == 0


def make_checkout(directory, distribution):
    checkout = directory / "checkout"
    (checkout / "packaging").mkdir(parents=True)
    (checkout / "debian").mkdir()
    shutil.copy(ROOT / "packaging" / "build-package", checkout / "packaging")
    (checkout / "debian" / "changelog").write_text(f"flowagent (0.1.0-1) {distribution}; urgency=medium\n")
    return checkout


def test_versions_grow_with_each_build_and_stay_below_the_release(directory):
    checkout = make_checkout(directory, "UNRELEASED")
    assert version_of(checkout) == "0.1.0-1"  # sources without git, as a tarball has them
    git(checkout, "init", "-q")
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "one", date="2026-11-01T10:00:00Z")
    first = version_of(checkout)
    assert first.startswith("0.1.0-1~git20261101100000.")
    assert version_of(checkout) == first  # the same sources are the same version
    git(checkout, "commit", "-q", "--allow-empty", "-m", "two", date="2026-11-01T10:00:01Z")
    second = version_of(checkout)
    (checkout / "changed").write_text("not committed")
    third = version_of(checkout)
    assert is_newer(second, first) and is_newer("0.1.0-1", third)
    assert third.split(".")[-1] == second.split(".")[-1]


def test_a_release_has_the_version_of_the_changelog(directory):
    checkout = make_checkout(directory, "bookworm")
    git(checkout, "init", "-q")
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "one")
    assert version_of(checkout) == "0.1.0-1"
