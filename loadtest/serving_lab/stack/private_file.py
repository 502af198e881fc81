"""Files written in one step, by default for their owner alone."""

import os
import tempfile
from pathlib import Path

from serving_lab.errors import LabError


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
