"""`make bench-parity`: how many generated requests `lab parity` compares in a second, beside what schemathesis sends.

The lab has both services answer each request, and judges what they say; schemathesis sends to one service and judges
whether it answers with 5xx. Both draw from the same document, one after the other, in turns.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NoReturn

from serving_lab.errors import LabError
from support.exposition import scrape
from support.services import BASELINE, CANDIDATES, PASSWORD, SECRET_KEY, USERNAME, RunningService, running_services

from benchmark.shell import command, say, trained_model, whole_number

_LAB_DIRECTORY = Path(__file__).parents[2] / "loadtest"
_MOST_SECONDS = 900


def main() -> NoReturn:
    """Exit with 0 when the figures are printed, with 2 if they cannot be told."""
    parser = argparse.ArgumentParser(prog="make bench-parity", description=__doc__)
    parser.add_argument("--rounds", type=whole_number, default=3)
    parser.add_argument("--generate", type=whole_number, default=10_000, help="requests of the lab in each round")
    parser.add_argument("--examples", type=whole_number, default=100, help="of schemathesis, for each operation")
    arguments = parser.parse_args()
    command(lambda: _measure(arguments.rounds, arguments.generate, arguments.examples))


def _measure(rounds: int, generate: int, examples: int) -> None:
    names = (BASELINE, CANDIDATES[0])
    ours: list[float] = []
    theirs: list[float] = []
    with trained_model() as model_dir, running_services(model_dir, names) as services:
        baseline, candidate = (services[name] for name in names)
        for seed in range(rounds):
            theirs.append(schemathesis(candidate, examples, seed))
            ours.append(lab(baseline, candidate, generate, seed))
            say(f"round {seed + 1} of {rounds}: lab parity {ours[-1]:.0f}/s, schemathesis {theirs[-1]:.0f}/s")
    print(told(ours, theirs, generate))  # noqa: T201 - a command


def told(ours: Sequence[float], theirs: Sequence[float], generate: int) -> str:
    """The figures in words: medians of all rounds; the ratio is of figures of the same round."""
    ratios = [mine / its for mine, its in zip(ours, theirs, strict=True)]
    return (
        f"lab parity    {median(ours):,.0f} generated requests/s, each answered by both services "
        f"({generate:,} in {generate / median(ours):.0f} s)\n"
        f"schemathesis  {median(theirs):,.0f} requests/s to one service\n"
        f"ratio         {median(ratios):.1f} ({min(ratios):.1f} to {max(ratios):.1f})"
    )


def lab(baseline: RunningService, candidate: RunningService, generate: int, seed: int) -> float:
    """Generated requests a second, from the first one to the last; what comes before and after is no part of it."""
    begun = ended = 0.0
    with tempfile.TemporaryDirectory() as output:
        arguments = (
            *("--primary", baseline.base_url, "--candidate", candidate.base_url),
            *("--profile", str(_LAB_DIRECTORY / "parity" / "profile.yaml")),
            *("--intended", str(_LAB_DIRECTORY / "parity" / "intended" / "uvicorn.yaml")),
            *("--generate", str(generate), "--seed", str(seed), "--output", output),
        )
        credentials = {"API_USERNAME": USERNAME, "API_PASSWORD": PASSWORD, "SECRET_KEY": SECRET_KEY}
        with _started("lab", ["parity", *arguments], credentials) as process:
            said = []
            for line in process.stdout or ():
                said.append(line)
                if line.startswith("generated: "):
                    begun = time.monotonic()
                elif line.startswith("what varies: "):
                    ended = time.monotonic()
            process.wait(_MOST_SECONDS)
    if not begun or not ended:
        raise LabError(f"lab parity compared nothing: {''.join(said[-5:])}")
    return generate / (ended - begun)


def schemathesis(service: RunningService, examples: int, seed: int) -> float:
    """Requests a second, of which the service says how many there were."""
    arguments = (
        *("run", f"{service.base_url}/openapi.json", "--phases", "fuzzing", "--checks", "not_a_server_error"),
        *("--header", f"Authorization: Bearer {service.login()}", "--max-examples", str(examples)),
        *("--seed", str(seed), "--continue-on-failure", "--no-color"),
    )
    before, begun = _requests(service), time.monotonic()
    with tempfile.TemporaryDirectory() as directory, _started("schemathesis", arguments, {}, directory) as process:
        said, _ = process.communicate(timeout=_MOST_SECONDS)
    seconds, sent = time.monotonic() - begun, _requests(service) - before
    took = re.search(r"in ([\d.]+)s =+\s*$", said)
    if not took or sent < examples:
        raise LabError(f"schemathesis sent {sent:.0f} requests: {said[-500:]}")
    return sent / min(seconds, float(took[1]))


def _requests(service: RunningService) -> float:
    return scrape(service).value("http_requests_total")


def _started(
    program: str, arguments: Sequence[str], environment: Mapping[str, str], directory: str | None = None
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [Path(sys.executable).parent / program, *arguments],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment},
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


if __name__ == "__main__":
    main()
