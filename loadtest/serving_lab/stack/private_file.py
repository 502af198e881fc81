"""Files written in one step, by default for their owner alone."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from serving_lab.errors import LabError

_FOR_ALL = 0o644  # in a container it is a user of the container who reads the file


def write(path: Path, text: str, *, mode: int = 0o600) -> None:
    """Write a file in one step: a reader sees the old content or the new one, and others can never open it.

    Raises:
        LabError: it cannot be written.
    """
    target = path.resolve()  # a link to a file elsewhere stays a link
    try:
        descriptor, scratch = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}.")  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
                stream.write(text)
                os.fchmod(stream.fileno(), mode)
            Path(scratch).replace(target)
        except BaseException:
            Path(scratch).unlink()
            raise
    except OSError as error:
        raise LabError(f"{path} cannot be written: {error.strerror}", hint=f"check who owns {target.parent}") from error


def mirror(directory: Path, files: Mapping[str, str]) -> None:
    """Let a directory, which everybody may read, have these files and no others; one that is right already stays.

    Raises:
        LabError: a file cannot be written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        for path in directory.iterdir():
            if path.is_file() and path.name not in files:
                path.unlink()
        changed = {name: text for name, text in files.items() if not _has(directory / name, text)}
    except OSError as error:
        raise LabError(f"{directory} cannot be used: {error.strerror}", hint=f"check who owns {directory}") from error
    for name, text in changed.items():
        write(directory / name, text, mode=_FOR_ALL)


def _has(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text
