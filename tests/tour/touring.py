"""The tour as a visitor takes it, in a checkout of their own on this host."""

import os
import subprocess
import sys
from pathlib import Path

from support.checkout import Checkout

SHORT = ("--load-seconds", "5", "--generate", "20", "--pairs", "3", "--seconds", "1")
STEPS = (
    "1 of 8 Up",
    "2 of 8 A request",
    "3 of 8 Load",
    "4 of 8 The live page",
    "5 of 8 A planted difference, found",
    "6 of 8 A planted slowdown, judged",
    "7 of 8 The report",
    "8 of 8 Down",
)


def typed(checkout: Checkout, keys: str) -> subprocess.CompletedProcess[str]:
    """Take the tour at a terminal, and type these keys."""
    ours, theirs = os.openpty()
    os.write(ours, keys.encode())
    try:
        return subprocess.run(
            [str(Path(sys.executable).with_name("lab")), "tour", "--mode", "native", *SHORT],
            cwd=checkout.root,
            env=checkout.environment,
            stdin=theirs,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)


def flowing(text: str) -> str:
    return " ".join(text.split())


def is_up(checkout: Checkout) -> bool:
    return "ready" in checkout.lab("ps").stdout
