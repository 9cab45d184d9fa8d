"""The RPM spec: rpm parses it, and its lists of files are what is installed. packaging/build-rpm builds it."""

import fnmatch
import os
import re
import subprocess

from conftest import BUILD, ROOT

SPEC = ROOT / "packaging" / "rpm" / "flowagent.spec"


def run(*words, **environment):
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_files_of_the_packages_are_what_is_installed(directory):
    spec = run("rpmspec", "-P", SPEC)
    lists = re.findall(r"^%files.*?\n(.*?)(?=^%(?:files|changelog))", spec, re.MULTILINE | re.DOTALL)
    assert len(lists) == 3
    patterns = [line.split("/")[-1] for text in lists for line in text.splitlines() if line.startswith("/")]
    run("cmake", "--install", BUILD, DESTDIR=str(directory))
    installed = [path for path in directory.rglob("*") if not path.is_dir() and "examples" not in path.parts]
    names = {"flowagent" if path.name == "bpf.conf" else path.name for path in installed}  # its directory is listed
    assert len(names) > 20
    for name in names:
        assert any(fnmatch.fnmatch(name, pattern) for pattern in patterns), f"{name}: in no package"
    for pattern in set(patterns) - {"conf.d", "examples"}:
        assert any(fnmatch.fnmatch(name, pattern) for name in names), f"{pattern}: not installed"


def test_versions_agree():
    (version,) = re.findall(r"^Version: *(\S+)", SPEC.read_text(), re.MULTILINE)
    assert f"project(flowagent VERSION {version} " in (ROOT / "CMakeLists.txt").read_text()
    (first, *_) = (ROOT / "debian" / "changelog").read_text().splitlines()
    assert f"({version}-" in first
