"""Proves `lab gate` at full length: `make gate-proof`.

Servers that wait for a known time are gated one against another, and it is counted how often the gate says what was
planted. Exit code 1: less often than is promised.
"""

import argparse
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from support.processors import undisturbed
from support.subject import Behaviour

from gate.gated import gate

BASE = Behaviour(wait=0.003)
BUDGET = "8m"


@dataclass(frozen=True)
class Proof:
    """A planted change, and how often of twenty times the gate must end so."""

    name: str
    head: Behaviour
    part: str
    code: int
    """What is counted."""
    least: int = 0
    most: int = 20


PROOFS = (
    Proof("no change fails", BASE, "bench", code=1, most=1),
    Proof("10% slower is found", replace(BASE, wait=0.0033), "bench", code=1, least=18),
    Proof("a contract break is found", replace(BASE, wrong_every=3), "parity", code=1, least=20),
)
TIMES = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=TIMES, help="how often each is planted")
    times = parser.parse_args().times
    failed = False
    for proof in PROOFS:
        codes = Counter(_code(proof) for _ in range(times))
        share = codes[proof.code] / times
        holds = proof.least / TIMES <= share <= proof.most / TIMES
        failed |= not holds
        counts = ", ".join(f"{count} times exit code {code}" for code, count in sorted(codes.items()))
        sys.stdout.write(f"{'holds' if holds else 'DOES NOT HOLD'}: {proof.name}: {counts}\n")
    sys.exit(failed)


def _code(proof: Proof) -> int:
    with tempfile.TemporaryDirectory() as directory:
        options = ("--part", proof.part, "--budget", BUDGET)
        run = gate(Path(directory), BASE, proof.head, *options, first=undisturbed(), seconds=600)
        last = (run.stdout.splitlines() or [run.stderr])[-1]
        sys.stdout.write(f"{proof.name}: {last}\n")
        sys.stdout.flush()
        return run.code


if __name__ == "__main__":
    main()
