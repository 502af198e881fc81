#!/usr/bin/env python3
"""Fetches GraphiQL, which a service must serve without a network; with ``--check`` it only verifies the files.

The files come from npm's registry, as their projects built them: the last GraphiQL and the last React that are
published ready for use in a page. Packages are checked against their digests in npm. The files taken from them are
stored compressed, as they are served, and without fonts, which are most of the size. Only the standard library is used.
Exit code 1 with one line if something differs.
For another version, change the version and its integrity here: https://registry.npmjs.org/<name>/<version> has both.
"""

import argparse
import base64
import gzip
import hashlib
import io
import re
import sys
import tarfile
import urllib.error
import urllib.request
import zlib
from dataclasses import dataclass
from pathlib import Path

REGISTRY = "https://registry.npmjs.org"
TIMEOUT_SECONDS = 60
FONT = re.compile(rb"@font-face\s*\{[^}]*\}")
FOLDER = Path(__file__).resolve().parent.parent / "services" / "fastapi_api" / "fastapi_api" / "graphiql"


@dataclass(frozen=True)
class Package:
    """An npm package and the files taken from it: their names, and the sha256 of what is kept of each."""

    name: str
    version: str
    integrity: str
    files: dict[str, str]


PACKAGES = (
    Package(
        name="graphiql",
        version="4.1.2",
        integrity="sha512-rNlzQIAzm6i2KBXmVQWBgLvt0TloxFVB2d18bukvdsvjEuFDHsKx5IVOomL1W1o5WW+tE54+ioHb2AEKzO2cUg==",
        files={
            "graphiql.min.js": "867226ba8af5ce7949903fc53932f78dac9f4bfc6cc8da0fd3869b8bc6c5256b",
            "graphiql.min.css": "83c8292f50e4a932459e192a81309893d4017a5a6990af52413bad697970f1ec",
            "LICENSE": "4b18fbe55c4e8f9169cb702be138f4d858a2dad920c39857204ffdc9c1c9fdc4",
        },
    ),
    Package(
        name="react",
        version="18.3.1",
        integrity="sha512-wS+hAgJShR0KhEvPJArfuPVN1+Hz1t0Y6n5jLrGQbkb4urgPE/0Rve+1kMB1v/oWgHgm4WIcV+i7F2pTVj+2iQ==",
        files={
            "umd/react.production.min.js": "d949f1c3687aedadcedac85261865f29b17cd273997e7f6b2bfc53b2f9d4c4dd",
            "LICENSE": "52412d7bc7ce4157ea628bbaacb8829e0a9cb3c58f57f99176126bc8cf2bfc85",
        },
    ),
    Package(
        name="react-dom",
        version="18.3.1",
        integrity="sha512-5m4nQKp+rZRb09LNH59GM4BxTh9251/ylbKIbpe7TpGxfJ+9kv6BLkLBXIjjspbgbnIBNqlI23tRnTWT0snUIw==",
        files={
            "umd/react-dom.production.min.js": "35f4f974f4b2bcd44da73963347f8952e341f83909e4498227d4e26b98f66f0d",
            "LICENSE": "52412d7bc7ce4157ea628bbaacb8829e0a9cb3c58f57f99176126bc8cf2bfc85",
        },
    ),
)


class GraphiqlError(Exception):
    """Says in one line what differs, and what to do."""


def main(arguments: list[str]) -> None:
    """Fetch the files, or verify those that are here."""
    parser = argparse.ArgumentParser(description="Fetches the files of GraphiQL for the service that has it.")
    parser.add_argument("--check", action="store_true", help="only verify the files that are here; needs no network")
    only_check = parser.parse_args(arguments).check
    try:
        for package in PACKAGES:
            if not only_check:
                fetch(package)
            check(package)
    except GraphiqlError as error:
        sys.exit(f"error: {error}")


def fetch(package: Package) -> None:
    """Write the files of a package."""
    FOLDER.mkdir(exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(download(package))) as archive:
        for name in package.files:
            content = archive.extractfile(f"package/{name}")
            if content is None:
                raise GraphiqlError(f"{package.name} {package.version} has no file {name}: correct its name here")
            kept, text = path(package, name), FONT.sub(b"", content.read())
            # Without a time, so that equal content gives equal bytes.
            kept.write_bytes(gzip.compress(text, mtime=0) if kept.suffix == ".gz" else text)


def download(package: Package) -> bytes:
    """Return a package whose digest is the pinned one."""
    url = f"{REGISTRY}/{package.name}/-/{package.name}-{package.version}.tgz"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - the address is above
            content: bytes = response.read()
    except urllib.error.URLError as error:
        raise GraphiqlError(
            f"cannot fetch {url}: {error.reason}; try again on a machine that can reach npm's registry"
        ) from None
    digest = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
    if digest != package.integrity:
        raise GraphiqlError(f"{url} has the digest {digest}, not {package.integrity}: it was not used")
    return content


def check(package: Package) -> None:
    """Verify the files of a package that are here."""
    for name, sha256 in package.files.items():
        kept = path(package, name)
        if not kept.is_file():
            raise GraphiqlError(f"{kept.name} is missing: python3 deploy/graphiql.py fetches it")
        try:
            content = gzip.decompress(kept.read_bytes()) if kept.suffix == ".gz" else kept.read_bytes()
        except (OSError, EOFError, zlib.error):
            raise GraphiqlError(f"{kept.name} is damaged: python3 deploy/graphiql.py fetches it again") from None
        digest = hashlib.sha256(content).hexdigest()
        if digest != sha256:
            raise GraphiqlError(
                f"{kept.name} has the sha256 {digest}, not {sha256}: python3 deploy/graphiql.py fixes it"
            )


def path(package: Package, name: str) -> Path:
    """Where a file is stored: compressed; a license as plain text, named after its package."""
    return FOLDER / (f"LICENSE.{package.name}" if name == "LICENSE" else f"{Path(name).name}.gz")


if __name__ == "__main__":
    main(sys.argv[1:])
