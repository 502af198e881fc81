"""deploy/bootstrap.py on a host that has nothing but python3: a real script against an index of our own."""

import hashlib
import io
import json
import platform
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from support.checkout import REPOSITORY
from support.fake_server import Asked, Says, fake_server

SCRIPT = REPOSITORY / "deploy" / "bootstrap.py"
VERSION = re.search(r'UV_VERSION = "(.+)"', SCRIPT.read_text())[1]  # type: ignore[index]
LINUX = f"manylinux_2_17_{platform.machine()}.manylinux2014_{platform.machine()}"

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the index below offers a wheel for glibc"),
]


def wheel(says: str = f"uv {VERSION}") -> bytes:
    """Return a wheel whose uv is a script that says something and then its arguments and environment."""
    script = f'#!/bin/sh\necho "{says} $* python=$UV_PYTHON downloads=$UV_PYTHON_DOWNLOADS cache=$UV_CACHE_DIR"\n'
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(f"uv-{VERSION}.data/scripts/uv", script)
    return archive.getvalue()


@dataclass
class Index:
    """A package index on 127.0.0.1; `files` are the wheels of uv by their name, `requests` what it was asked."""

    url: str
    files: dict[str, bytes]
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    sha256: str | None = None
    status: int = 200
    json: bool = True

    def page(self) -> bytes:
        """Return the simple API's answer about uv; without `sha256` it tells the true ones."""
        if not self.json:
            return b"<!DOCTYPE html><a href='uv.whl'>uv.whl</a>"
        entries = [
            {
                "filename": name,
                "url": f"../../files/{name}",
                "hashes": {"sha256": self.sha256 or hashlib.sha256(content).hexdigest()},
            }
            for name, content in self.files.items()
        ]
        return json.dumps({"meta": {"api-version": "1.1"}, "name": "uv", "files": entries}).encode()


@pytest.fixture
def index() -> Iterator[Index]:
    files = {
        f"uv-{VERSION}-py3-none-win_amd64.whl": b"not for here",
        f"uv-{VERSION}-py3-none-macosx_11_0_arm64.whl": b"not for here",
        "uv-0.1.0-py3-none-any.whl": b"too old",
        f"uv-{VERSION}-py3-none-{LINUX}.whl": wheel(),
    }
    served = Index("", files)

    def respond(asked: Asked) -> Says:
        served.requests.append((asked.path, asked.headers.get("authorization")))
        body = served.page() if asked.path == "/simple/uv/" else served.files.get(asked.path.rpartition("/")[2])
        return Says(body or b"", served.status if body is not None else 404)

    with fake_server(respond) as server:
        served.url = f"{server.base_url}/simple"
        yield served


@dataclass(frozen=True)
class Host:
    """A checkout with the script in it, on a host without uv."""

    root: Path

    @property
    def uv(self) -> Path:
        return self.root / ".tools" / f"uv-{VERSION}" / "uv"

    def bootstrap(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, self.root / "deploy" / "bootstrap.py", *arguments],
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.root)} | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def test_a_path_that_no_virtual_environment_can_have_is_named(host: Host) -> None:
    odd = host.root.rename(host.root.with_name("a:b"))

    result = Host(odd).bootstrap()

    assert result.returncode == 1
    assert result.stderr == f"error: {odd} has a colon, which a virtual environment cannot have: move the checkout\n"


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "deploy").mkdir()
    for name in ("deploy/bootstrap.py", "pyproject.toml"):
        (tmp_path / name).write_bytes((REPOSITORY / name).read_bytes())
    return Host(tmp_path)


def test_uv_is_fetched_checked_unpacked_and_run_with_the_hosts_python(host: Host, index: Index) -> None:
    result = host.bootstrap("sync", "--frozen", UV_DEFAULT_INDEX=index.url)

    assert result.returncode == 0, result.stderr
    assert result.stdout == f"uv {VERSION} sync --frozen python={sys.executable} downloads=never cache=\n"
    assert host.uv.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in host.uv.parent.iterdir()] == ["uv"]


def test_without_arguments_the_path_is_printed_and_the_second_time_nothing_is_fetched(host: Host, index: Index) -> None:
    first = host.bootstrap(UV_DEFAULT_INDEX=index.url)
    asked = len(index.requests)
    second = host.bootstrap(UV_DEFAULT_INDEX=index.url)

    assert first.stdout == second.stdout == f"{host.uv}\n"
    assert second.stderr == ""
    assert len(index.requests) == asked


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"])
def test_the_index_is_taken_from_the_usual_variables_with_its_password(host: Host, index: Index, variable: str) -> None:
    login = index.url.replace("//", "//me:s%40cret@")

    result = host.bootstrap(**{variable: f"{login}/"})

    assert result.returncode == 0, result.stderr
    assert index.requests[0] == ("/simple/uv/", "Basic bWU6c0BjcmV0")
    assert "cret" not in result.stderr


def test_a_wheel_with_another_hash_is_thrown_away(host: Host, index: Index) -> None:
    index.sha256 = "0" * 64

    result = host.bootstrap(UV_DEFAULT_INDEX=index.url)

    assert_one_line(result, "has sha256 ", f"not the {'0' * 64} its index names")
    assert not host.uv.exists()


def test_a_damaged_wheel_leaves_nothing_behind(host: Host, index: Index) -> None:
    index.files[f"uv-{VERSION}-py3-none-{LINUX}.whl"] = b"no archive"

    assert_one_line(host.bootstrap(UV_DEFAULT_INDEX=index.url), "uv could not be unpacked into")
    assert list(host.uv.parent.iterdir()) == []


def test_offline_is_said_with_what_to_set(host: Host) -> None:
    result = host.bootstrap(UV_DEFAULT_INDEX="http://127.0.0.1:9/simple")

    assert_one_line(result, "http://127.0.0.1:9/simple/uv/ cannot be reached", "HTTPS_PROXY", "UV_DEFAULT_INDEX")


def test_a_proxy_that_does_not_answer_is_named_without_its_password(host: Host) -> None:
    proxy = "http://me:secret@127.0.0.1:9"

    result = host.bootstrap(UV_DEFAULT_INDEX="http://index.invalid/simple", http_proxy=proxy)

    assert_one_line(result, "proxy in use: http through http://127.0.0.1:9")
    assert "secret" not in result.stderr


def test_a_refusing_index_is_named_with_its_answer(host: Host, index: Index) -> None:
    index.status = 403

    assert_one_line(host.bootstrap(UV_DEFAULT_INDEX=index.url), "answered 403 Forbidden")


def test_an_index_without_json_is_named(host: Host, index: Index) -> None:
    index.json = False

    assert_one_line(host.bootstrap(UV_DEFAULT_INDEX=index.url), "does not support the simple API in JSON")


def test_an_index_without_the_pinned_version_is_named(host: Host, index: Index) -> None:
    index.files = {"uv-0.1.0-py3-none-any.whl": b"too old"}

    assert_one_line(host.bootstrap(UV_DEFAULT_INDEX=index.url), f"has no uv {VERSION}")


def test_an_unsupported_platform_is_named(host: Host, index: Index) -> None:
    index.files = {f"uv-{VERSION}-py3-none-win_amd64.whl": b"not for here"}

    assert_one_line(host.bootstrap(UV_DEFAULT_INDEX=index.url), f"no uv for Linux on {platform.machine()}")


def test_unreadable_certificates_are_named(host: Host, index: Index) -> None:
    result = host.bootstrap(UV_DEFAULT_INDEX=index.url, PIP_CERT="/nowhere.pem")

    assert_one_line(result, "PIP_CERT names /nowhere.pem, which cannot be read as certificates")


@pytest.mark.parametrize(("version", "used"), [("99.0.0", True), ("0.1.0", False)])
def test_a_uv_on_the_path_is_used_where_it_is_new_enough(host: Host, index: Index, version: str, used: bool) -> None:
    own = host.root / "bin" / "uv"
    own.parent.mkdir()
    own.write_text(f"#!/bin/sh\necho uv {version}\n")
    own.chmod(0o755)

    result = host.bootstrap(UV_DEFAULT_INDEX=index.url, PATH=f"{own.parent}:/usr/bin:/bin")

    assert result.stdout == f"{own if used else host.uv}\n"


def test_without_a_home_the_cache_lies_in_the_checkout(host: Host, index: Index) -> None:
    result = host.bootstrap("sync", UV_DEFAULT_INDEX=index.url, HOME="/nonexistent")

    assert f"cache={host.root}/.tools/cache" in result.stdout


@pytest.mark.parametrize("version", [(3, 10, 14), (3, 15, 0)])
def test_an_unsupported_python_is_said_in_one_line(host: Host, version: tuple[int, int, int]) -> None:
    code = (
        f"import sys, runpy; sys.version_info = {version}; runpy.run_path('deploy/bootstrap.py', run_name='__main__')"
    )

    result = subprocess.run([sys.executable, "-c", code], cwd=host.root, capture_output=True, text=True, check=False)

    assert_one_line(result, f"python3 here is {version[0]}.{version[1]}, and 3.11 to 3.14 are supported", "PYTHON=")


def test_the_supported_pythons_are_those_of_every_package() -> None:
    projects = [
        tomllib.loads(path.read_text())["project"]
        for path in (*REPOSITORY.glob("services/*/pyproject.toml"), REPOSITORY / "loadtest" / "pyproject.toml")
    ]

    assert {project["requires-python"] for project in projects} == {">=3.11,<3.15"}
    assert "OLDEST, NEWEST = (3, 11), (3, 14)" in SCRIPT.read_text()


def assert_one_line(result: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Check that the script failed with one line, after those that say what it does, and that the line holds these."""
    assert result.returncode == 1, (result.stdout, result.stderr)
    *progress, error = result.stderr.splitlines()
    assert all(line.startswith("Fetching") for line in progress), result.stderr
    assert error.startswith("error: ")
    for part in parts:
        assert part in error
