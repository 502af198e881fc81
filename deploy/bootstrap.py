#!/usr/bin/env python3
"""Runs uv on a machine that has only python3: ``bootstrap.py run lab up`` is ``uv run lab up``.

A uv on the PATH is used if pyproject.toml accepts its version. Otherwise the pinned wheel is downloaded from PyPI's
simple API (JSON), checked against its sha256, and unpacked into .tools/uv-<version>/. Without arguments, the path of
uv is printed. Only the standard library is used. Exit code 1 with one line if uv is not available.

The index is the first of UV_DEFAULT_INDEX, UV_INDEX_URL, and PIP_INDEX_URL that is set. Proxies come from the usual
variables, additional certificate authorities from SSL_CERT_FILE, PIP_CERT, or REQUESTS_CA_BUNDLE.
"""

import base64
import hashlib
import http.client
import json
import os
import platform
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

OLDEST, NEWEST = (3, 11), (3, 14)
# Before anything newer than Python 3.6 is used, so that an old interpreter shows this line and not a traceback.
if not OLDEST <= sys.version_info[:2] <= NEWEST:
    sys.exit(
        "error: python3 here is %d.%d, and 3.11 to 3.14 are supported: install one of them, or select it with "  # noqa: UP031
        "make PYTHON=/path/to/python3.13" % sys.version_info[:2]
    )

ROOT = Path(__file__).resolve().parent.parent
UV_VERSION = "0.13.9"
DEFAULT_INDEX = "https://pypi.org/simple"
INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
CERTIFICATE_VARIABLES = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")
ATTEMPTS = 3
TIMEOUT_SECONDS = 60


class BootstrapError(Exception):
    """Says in one line why uv is not available, and what to do."""


@dataclass(frozen=True)
class Wheel:
    """One file of the index."""

    filename: str
    url: str
    sha256: str | None


def main(arguments: list[str]) -> None:
    """Print the path of uv, or become uv with these arguments."""
    try:
        if os.pathsep in str(ROOT):
            raise BootstrapError(f"{ROOT} has a colon, which a virtual environment cannot have: move the checkout")
        uv = find_uv() or fetch_uv()
    except BootstrapError as error:
        sys.exit(f"error: {error}")
    if not arguments:
        sys.stdout.write(f"{uv}\n")
        return
    os.execve(uv, [str(uv), *arguments], uv_environment())  # noqa: S606


def find_uv() -> Path | None:
    """A uv that is already here and new enough: the pinned one, otherwise one on the PATH."""
    pinned = pinned_path()
    if pinned.is_file():
        return pinned
    found = shutil.which("uv")
    if found is None:
        return None
    result = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = re.match(r"uv (\d+)\.(\d+)", result.stdout)
    return Path(found) if version and (int(version[1]), int(version[2])) >= minimum_version() else None


def minimum_version() -> tuple[int, int]:
    """The oldest uv that pyproject.toml accepts."""
    import tomllib

    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["uv"]["required-version"]
    major, minor = required.removeprefix(">=").split(".")[:2]
    return int(major), int(minor)


def pinned_path() -> Path:
    """Path of the pinned uv, once it is downloaded."""
    return ROOT / ".tools" / f"uv-{UV_VERSION}" / "uv"


def uv_environment() -> dict[str, str]:
    """The environment of uv: this interpreter, no downloads of another one, the same index and certificates."""
    environment = dict(os.environ)
    environment.pop("VIRTUAL_ENV", None)  # an activated environment is another project's: uv would warn each time
    environment.setdefault("UV_PYTHON", sys.executable)
    environment.setdefault("UV_PYTHON_DOWNLOADS", "never")
    environment.setdefault("UV_SYSTEM_CERTS", "true")  # a company's certificate authority is in the system's store
    if index_url() != DEFAULT_INDEX:
        environment.setdefault("UV_DEFAULT_INDEX", index_url())
    if not ({"UV_CACHE_DIR", "XDG_CACHE_HOME"} & environment.keys() or os.access(os.environ.get("HOME", ""), os.W_OK)):
        environment["UV_CACHE_DIR"] = str(ROOT / ".tools" / "cache")
    return environment


def index_url() -> str:
    """The package index to use, without a slash at its end."""
    return next((os.environ[name] for name in INDEX_VARIABLES if os.environ.get(name)), DEFAULT_INDEX).rstrip("/")


def fetch_uv() -> Path:
    """Fetch the pinned uv for this machine and return its path."""
    wheel = find_wheel()
    sys.stderr.write(f"Fetching uv {UV_VERSION} ({wheel.filename})\n")
    content = download(wheel.url)
    digest = hashlib.sha256(content).hexdigest()
    if digest != wheel.sha256:
        raise BootstrapError(
            f"{wheel.filename} has sha256 {digest}, not the {wheel.sha256} its index names: "
            "the download is damaged or was tampered with, and is not used; try again, or install uv yourself"
        )
    target = pinned_path()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            archive = Path(scratch) / "uv.whl"
            archive.write_bytes(content)
            with zipfile.ZipFile(archive) as opened:
                unpacked = Path(opened.extract(f"uv-{UV_VERSION}.data/scripts/uv", scratch))
            unpacked.chmod(0o755)
            unpacked.replace(target)  # atomic: a second make at the same time finds the whole file or none
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise BootstrapError(f"uv could not be unpacked into {target.parent}: {error}") from error
    return target


def find_wheel() -> Wheel:
    """The index's entry for the pinned uv on this machine."""
    page = f"{index_url()}/uv/"
    try:
        files = json.loads(download(page, accept="application/vnd.pypi.simple.v1+json"))["files"]
    except (ValueError, KeyError, TypeError) as error:
        raise BootstrapError(
            f"{without_password(page)} does not support the simple API in JSON: install uv {UV_VERSION} yourself "
            f"(pip install uv=={UV_VERSION}), or set UV_DEFAULT_INDEX to an index that does"
        ) from error
    for file in files:
        name = file["filename"]
        if name.startswith(f"uv-{UV_VERSION}-") and any(runs_here(tag) for tag in name[:-4].split("-")[-1].split(".")):
            return Wheel(name, urllib.parse.urljoin(page, file["url"]), file["hashes"].get("sha256"))
    if any(file["filename"].startswith(f"uv-{UV_VERSION}-") for file in files):
        raise BootstrapError(
            f"there is no uv for {platform.system()} on {platform.machine()}: Linux (glibc, musl) and macOS are "
            "supported, on x86_64 and arm64; on Windows use WSL 2"
        )
    raise BootstrapError(f"{without_password(page)} has no uv {UV_VERSION}: set UV_DEFAULT_INDEX to an index that has")


def runs_here(tag: str) -> bool:
    """Whether a wheel with this platform tag (such as manylinux_2_17_x86_64 or macosx_11_0_arm64) runs here."""
    parts = re.fullmatch(r"(manylinux|musllinux|macosx)_(\d+)_(\d+)_(\w+)", tag)
    if parts is None:
        return False
    machine = platform.machine().lower()
    if parts[4] not in {machine, {"amd64": "x86_64", "arm64": "aarch64", "aarch64": "arm64"}.get(machine)}:
        return False
    oldest = (int(parts[2]), int(parts[3]))
    if platform.system() == "Darwin":
        return parts[1] == "macosx" and oldest <= version_of(platform.mac_ver()[0])
    if platform.system() != "Linux":
        return False
    library, release = platform.libc_ver()
    # Python does not report the version of musl. Every wheel asks for 1.1, which is of 2014.
    return parts[1] == "musllinux" if library != "glibc" else parts[1] == "manylinux" and oldest <= version_of(release)


def version_of(text: str) -> tuple[int, int]:
    """The first two numbers of a dotted version."""
    major, minor = (text + ".0").split(".")[:2]
    return int(major), int(minor)


def download(url: str, accept: str = "*/*") -> bytes:
    """The body at a URL; a name and password in the URL are sent as basic authentication."""
    parts = urllib.parse.urlsplit(url)
    headers = {"Accept": accept, "User-Agent": f"bootstrap.py (uv {UV_VERSION})"}
    if parts.username:
        login = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    bare = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    if parts.scheme not in {"http", "https"}:
        raise BootstrapError(f"{without_password(url)} is not an http or https URL: set UV_DEFAULT_INDEX to one")
    for attempt in range(1, ATTEMPTS + 1):
        try:
            request = urllib.request.Request(bare, headers=headers)  # noqa: S310
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=certificates()) as response:  # noqa: S310
                return bytes(response.read())
        except urllib.error.HTTPError as error:
            if attempt == ATTEMPTS or error.code < 500:
                raise BootstrapError(f"{bare} answered {error.code} {error.reason}: {advice()}") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            if attempt == ATTEMPTS:
                reason = getattr(error, "reason", error)
                raise BootstrapError(f"{bare} cannot be reached ({reason}): {advice()}") from error
        time.sleep(attempt)
    raise AssertionError("unreachable")


def certificates() -> ssl.SSLContext:
    """The certificate authorities of the system, and those that the environment names."""
    context = ssl.create_default_context()
    for name in CERTIFICATE_VARIABLES:
        file = os.environ.get(name)
        if file:
            try:
                context.load_verify_locations(file)
            except OSError as error:
                raise BootstrapError(f"{name} names {file}, which cannot be read as certificates: {error}") from error
    return context


def advice() -> str:
    """What to do if the network does not answer."""
    proxies = ", ".join(f"{kind} through {without_password(url)}" for kind, url in urllib.request.getproxies().items())
    return (
        f"proxy in use: {proxies or 'none (set HTTPS_PROXY if one is needed)'}; set SSL_CERT_FILE for the "
        "certificates of a company, UV_DEFAULT_INDEX for a mirror of PyPI, or install uv "
        f"({UV_VERSION}) yourself, on the PATH"
    )


def without_password(url: str) -> str:
    """The URL without its password, for messages."""
    return re.sub(r"//[^/@]*@", "//", url)


if __name__ == "__main__":
    main(sys.argv[1:])
