"""What the commands have in common: how they begin, speak and end, and the model that services need."""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from serving_lab import exit_codes
from serving_lab.errors import LabError


def command(measure: Callable[[], None]) -> NoReturn:
    """Measure, and exit with 0 when the table is printed, with 2 if it cannot be told."""
    # SIGTERM ends the servers too: each is stopped by the context that started it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        measure()
    except LabError as error:
        hint = f"\nhint: {error.hint}" if error.hint else ""
        print(f"error: {error}{hint}", file=sys.stderr)  # noqa: T201 - a command
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(exit_codes.INTERRUPTED)
    sys.exit(exit_codes.OK)


def whole_number(text: str) -> int:
    """An option's value, from 1 on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text}")
    return int(text)


def say(line: str) -> None:
    """Tell how far it is."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - a command


@contextlib.contextmanager
def trained_model() -> Iterator[Path]:
    """The trained model of CONTRACT_MODEL_DIR, else a new one."""
    if given := os.environ.get("CONTRACT_MODEL_DIR"):
        yield Path(given).resolve()
        return
    with tempfile.TemporaryDirectory() as directory:
        say("training the model")
        subprocess.run([Path(sys.executable).parent / "train-model", "--output", directory], check=True)
        yield Path(directory)
