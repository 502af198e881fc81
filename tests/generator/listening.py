"""Generators that listen, as tests need them: `lab generator`, with TLS by a certificate made for it."""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import PIPE

from serving_lab.generator import remote
from serving_lab.generator.remote import Remote
from support.needs import needed

LAB = str(Path(sys.executable).parent / "lab")
SECRET = "0123456789abcdef0123456789abcdef"


@dataclass
class Certificate:
    """A certificate that has signed itself, and its key."""

    file: Path
    key: Path

    @classmethod
    def make(cls, directory: Path, name: str = "IP:127.0.0.1") -> "Certificate":
        made = cls(directory / "certificate.pem", directory / "key.pem")
        words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        of = ["-subj", "/CN=generator", "-addext", f"subjectAltName={name}"]
        files = ["-keyout", str(made.key), "-out", str(made.file)]
        subprocess.run([needed("openssl", package="openssl"), *words, *of, *files], check=True, capture_output=True)
        return made


@dataclass
class Listener:
    """A generator that listens."""

    process: subprocess.Popen[str]
    address: str
    said: list[str] = field(default_factory=list)
    """Its lines so far, without the first."""

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def to(self, secret: Path, certificate: Certificate | None) -> Remote:
        """The way to it for a laboratory that has this secret and trusts this certificate."""
        found = remote.chosen(self.address, secret, certificate.file if certificate else None)
        assert isinstance(found, list)
        return found[0]


def secret_file(directory: Path, secret: str = SECRET) -> Path:
    path = directory / "secret"
    path.write_text(f"{secret}\n")
    return path


@contextlib.contextmanager
def listening(
    secret: Path, certificate: Certificate | None, command: Sequence[str] = (LAB, "generator")
) -> Iterator[Listener]:
    """Run it on any port of 127.0.0.1."""
    tls = [f"--tls-cert={certificate.file}", f"--tls-key={certificate.key}"] if certificate else []
    words = ["--listen=127.0.0.1:0", f"--secret-file={secret}", *tls]
    with subprocess.Popen([*command, *words], stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            listener = Listener(process, first.split(" on ")[1].split(",")[0])
            reader = threading.Thread(target=listener.said.extend, args=(process.stdout,))
            reader.start()
            yield listener
        finally:
            process.kill()
            reader.join()
