"""The secrets of the stack: which there are, which services read them, and the files they are written to.

Programs are given files only, as NAME_FILE: `docker inspect` shows an environment, and child processes inherit it.
"""

import contextlib
import shutil
import stat
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from serving_lab.errors import LabError
from serving_lab.stack import private_file
from serving_lab.stack.service import GRAFANA, LOCUST, LOCUST_WORKER, OF_THE_LAB

# In a directory that only its owner may enter. In a container it is a user of the container who reads the file.
_FILE_MODE = 0o444
_ONCE = "once-"


@dataclass(frozen=True)
class Secret:
    """A setting that must not be shown."""

    name: str
    of_targets: bool = False
    """Whether each service under test is given it."""
    readers: tuple[str, ...] = ()
    """The lab's own services that are given it."""
    random_bytes: int = 0
    """How many random bytes `make up` generates where it is not set; 0: it may stay unset."""

    def is_read_by(self, service: str) -> bool:
        """Whether a service is given it."""
        return service in self.readers if service in OF_THE_LAB else self.of_targets


SECRETS = (
    Secret("SECRET_KEY", of_targets=True, random_bytes=32),
    Secret("SECRET_KEY_PREVIOUS", of_targets=True),
    Secret("CACHE_URL", of_targets=True),
    Secret("API_PASSWORD", of_targets=True, readers=(LOCUST, LOCUST_WORKER), random_bytes=12),
    Secret("GRAFANA_ADMIN_PASSWORD", readers=(GRAFANA,), random_bytes=12),
)


def hand_out(settings: Mapping[str, str], directory: Path) -> None:
    """Write a file for each secret, empty where it is not set; a file that is right already is left alone.

    Raises:
        LabError: a file cannot be written, or other users can enter the directory.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(directory.stat().st_mode) & 0o077:
            raise LabError(f"other users can enter {directory}, where secrets are kept", hint=f"chmod 700 {directory}")
        for secret in SECRETS:
            path, text = directory / secret.name, settings.get(secret.name, "")
            if not path.is_file() or path.read_bytes() != text.encode():
                private_file.write(path, text, mode=_FILE_MODE)
    except OSError as error:
        raise LabError(
            f"{directory}, where secrets are kept, cannot be used: {error.strerror}",
            hint="check who owns it, or set SECRETS_DIR to another directory in .env",
        ) from error


@contextlib.contextmanager
def handed_out_once(settings: Mapping[str, str], directory: Path) -> Iterator[Path]:
    """Write the secrets for one run, to a directory of its own that is removed afterwards; the stack's files stay.

    Raises:
        LabError: a file cannot be written.
    """
    own = directory / f"{_ONCE}{uuid.uuid4()}"
    try:
        hand_out(settings, own)
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)


def as_files(directory: Path) -> dict[str, str]:
    """The variables that tell a program where its secrets are; they also hide those that the shell may have set."""
    names = [secret.name for secret in SECRETS]
    return dict.fromkeys(names, "") | {f"{name}_FILE": str(directory / name) for name in names}


def alone(values: Mapping[str, str]) -> dict[str, str]:
    """The variables that give a program these secrets; they also hide all others that the shell may have set."""
    hidden = [variable for secret in SECRETS for variable in (secret.name, f"{secret.name}_FILE")]
    return dict.fromkeys(hidden, "") | dict(values)


def outdated(service: str, started: float, directory: Path) -> bool:
    """Whether a secret of a service was written again after the service was started (whole seconds since 1970)."""
    files = [directory / secret.name for secret in SECRETS if secret.is_read_by(service)]
    return any(int(path.stat().st_mtime) > started for path in files)


def remove(directory: Path) -> None:
    """Remove the files, and the directory if nothing else is in it."""
    for secret in SECRETS:
        (directory / secret.name).unlink(missing_ok=True)
    for left in directory.glob(f"{_ONCE}*"):
        shutil.rmtree(left)
    with contextlib.suppress(OSError):
        directory.rmdir()
