"""packaging/apt-repository: what it makes, apt itself reads over HTTP, and refuses when somebody else has changed it."""

import shutil
import subprocess
import time

import programs
import pytest
from conftest import ROOT
from waiting import PATIENCE_S, wait_until

PORT = 8080
URL = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def package(directory):
    """package(version, architecture="amd64", name="flowagent", text="") makes an empty one: its path."""

    def make(version, architecture="amd64", name="flowagent", text="-"):
        tree = directory / "tree"
        shutil.rmtree(tree, ignore_errors=True)
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "DEBIAN" / "control").write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n"
            f"Maintainer: Nobody <nobody@example.net>\nDescription: {text}\n"
        )
        path = directory / f"{name}-{version}-{architecture}-{text}.deb"
        subprocess.run(["dpkg-deb", "--root-owner-group", "-b", tree, path], check=True, capture_output=True)
        return path

    return make


class Repository:
    def __init__(self, directory):
        self.path = directory / "repository"

    def run(self, *arguments):
        """packaging/apt-repository with these arguments: CompletedProcess."""
        return subprocess.run(
            [ROOT / "packaging" / "apt-repository", *arguments], capture_output=True, text=True, timeout=PATIENCE_S
        )

    def add(self, suite, *packages):
        done = self.run("--url", URL, self.path, suite, *packages)
        assert done.returncode == 0, done.stderr
        return done.stdout


class Client:
    """apt with a root of its own, which knows one source and nothing else."""

    def __init__(self, root, host, source, architecture="amd64"):
        self.host = host
        for name in ("etc/apt/sources.list.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg"):
            (root / name).mkdir(parents=True)
        (root / "var/lib/dpkg/status").touch()
        (root / "etc/apt/sources.list.d/flowagent.sources").write_text(source)
        self.options = ["-o", f"Dir={root}", "-o", f"Dir::State::status={root}/var/lib/dpkg/status", "-o", "APT::Sandbox::User=root",
                        "-o", f"APT::Architecture={architecture}", "-o", f"APT::Architectures::={architecture}",
                        "-o", "Acquire::Languages=none", "-o", "Acquire::http::Proxy=false"]  # fmt: skip

    def run(self, *words):
        done = subprocess.run(
            self.host.command(words[0], *self.options, *words[1:]), capture_output=True, text=True, timeout=PATIENCE_S,
            env=programs.ENVIRONMENT,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def update(self):
        status, text = self.run("apt-get", "-o", "Debug::Acquire::http=true", "update", "--error-on=any")
        assert status == 0, text
        return text

    def versions(self, name="flowagent"):
        """Versions that apt could install, the newest first."""
        status, text = self.run("apt-cache", "madison", name)
        assert status == 0, text
        return [line.split("|")[1].strip() for line in text.splitlines()]


@pytest.fixture
def repository(directory):
    return Repository(directory)


@pytest.fixture
def web(host, repository, directory, cleanup):
    """A host on which a web server serves the repository, by the recipe of README.md."""
    repository.path.mkdir()
    machine = host("web")
    command = ["python3", "-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", repository.path, PORT]
    server = programs.Program("web", command, directory, machine)
    cleanup.callback(server.kill)
    server.wait_until(lambda: "Serving HTTP" in server.output, "it serves")
    return machine


@pytest.fixture
def client(directory, web, repository):
    """client(suite="bookworm", architecture="amd64") knows the source that the repository prints for this suite."""
    count = 0

    def make(suite="bookworm", architecture="amd64"):
        nonlocal count
        count += 1
        return Client(directory / f"client-{count}", web, (repository.path / f"{suite}.sources").read_text(), architecture)

    return make


def test_apt_installs_and_upgrades_from_it(repository, package, client, directory):
    printed = repository.add("bookworm", package("0.1"))
    assert (repository.path / "bookworm.sources").read_text() in printed
    apt = client()
    assert "/by-hash/SHA" in apt.update()
    assert apt.versions() == ["0.1"]
    status, text = apt.run("apt-get", "-y", "-d", "install", "flowagent")
    assert status == 0, text
    # The web server's times have seconds, and apt asks for what is newer.
    index = repository.path / "dists" / "bookworm" / "InRelease"
    wait_until(lambda: time.time() >= int(index.stat().st_mtime) + 1, "another second")
    repository.add("bookworm", package("0.2"))
    apt.update()
    assert apt.versions() == ["0.2", "0.1"]


def test_suites_and_architectures_are_apart(repository, package, client):
    repository.add(
        "bookworm", package("0.1"), package("0.1", "arm64"), package("0.1", "all", "flowagent-doc"), package("1:0.2", "arm64")
    )
    # The same version, built for another release: another file.
    repository.add("trixie", package("0.1", text="trixie"))
    found = {}
    for suite, architecture in (("bookworm", "amd64"), ("bookworm", "arm64"), ("trixie", "amd64")):
        apt = client(suite, architecture)
        apt.update()
        found[suite, architecture] = apt.versions(), apt.versions("flowagent-doc")
    assert found == {
        ("bookworm", "amd64"): (["0.1"], ["0.1"]),
        ("bookworm", "arm64"): (["1:0.2", "0.1"], ["0.1"]),
        ("trixie", "amd64"): (["0.1"], []),
    }


def test_a_client_in_the_middle_of_a_change_gets_the_old_index(repository, package, client):
    repository.add("bookworm", package("0.1"))
    release = (repository.path / "dists/bookworm/InRelease").read_bytes()
    apt = client()
    repository.add("bookworm", package("0.2"))
    # As if it had read InRelease just before it was replaced.
    (repository.path / "dists/bookworm/InRelease").write_bytes(release)
    apt.update()
    assert apt.versions() == ["0.1"]


def test_apt_refuses_what_another_has_changed_or_signed(repository, package, client, directory):
    repository.add("bookworm", package("0.1"))
    apt = client()
    release = repository.path / "dists/bookworm/InRelease"
    release.write_text(release.read_text().replace("Label: flowagent", "Label: flowagenT"))
    status, text = apt.run("apt-get", "update", "--error-on=any")
    assert status != 0 and "BADSIG" in text, text
    done = repository.run("--key-directory", directory / "other.key", repository.path)
    assert done.returncode == 0, done.stderr
    status, text = apt.run("apt-get", "update", "--error-on=any")
    assert status != 0 and "NO_PUBKEY" in text, text
    # Signed anew with its own key, it is good again.
    assert repository.run(repository.path).returncode == 0
    apt.update()


def test_the_secret_key_is_not_served(repository, package, directory):
    repository.add("bookworm", package("0.1"))
    assert not [path for path in repository.path.rglob("*") if "private" in path.name or path.suffix == ".key"]
    assert (directory / "repository.key").stat().st_mode & 0o777 == 0o700
    done = repository.run("--key-directory", repository.path / "key", repository.path)
    assert done.returncode == 1 and "would be served" in done.stderr


@pytest.mark.parametrize(
    "arguments, status, expected",
    [
        ([], 2, "DIRECTORY is missing"),
        (["@", "bookworm"], 2, "suite bookworm: packages for it were expected"),
        (["@", "Book worm", "x.deb"], 2, "suite Book worm: a name like bookworm was expected"),
        (["--url", "example.net", "@"], 2, "--url example.net: an address that begins with http:"),
        (["@", "bookworm", "/nonexistent.deb"], 1, "/nonexistent.deb: no such file"),
        (["@", "bookworm", ROOT / "README.md"], 1, "README.md: a Debian package was expected"),
        (["@"], 1, "there are no packages"),
        (["--key", "0000000000000000000000000000000000000000", "@"], 1, "GnuPG does not have it"),
    ],
)
def test_wrong_use_is_named(repository, arguments, status, expected):
    done = repository.run(*[repository.path if word == "@" else word for word in arguments])
    assert done.returncode == status and expected in done.stderr, done.stderr


def test_a_version_stays_what_it_is(repository, package):
    first = package("0.1")
    repository.add("bookworm", first)
    repository.add("bookworm", first)
    done = repository.run(repository.path, "bookworm", package("0.1", text="other"))
    assert done.returncode == 1
    assert "suite bookworm has flowagent 0.1 for amd64 with other contents; a new version was expected" in done.stderr
