"""`make bench-joining`: what it costs to join what many generators measured, and that nothing is lost by it.

Each generator listens behind TLS and the shared secret, and sends samples that it has drawn instead of measured: those
that measure would need a machine each. The laboratory joins them as in `lab bench`.
"""

import argparse
import contextlib
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple, NoReturn

import numpy as np
from generator.listening import Certificate, listening, secret_file
from generator.runs import run
from serving_lab.errors import LabError
from serving_lab.experiment.arms import latency_values
from serving_lab.generator.fleet import Fleet
from serving_lab.generator.messages import Open, RunCommand
from serving_lab.generator.outcome import RunOutcome
from serving_lab.generator.remote import Remote

from benchmark import drawn
from benchmark.shell import command, say, whole_number

_MEBIBYTE = 1 << 20


class Cost(NamedTuple):
    """Of the laboratory, for one run: seconds."""

    joining: float
    """From the common start to the joined samples: they come over the network, and are put together."""
    percentiles: float
    """For percentiles of all of them."""
    cpu: float
    """Of a processor, for both."""


def main() -> NoReturn:
    """Exit with 0 when the table is printed, with 2 where samples were lost."""
    parser = argparse.ArgumentParser(prog="make bench-joining", description=__doc__)
    parser.add_argument("--generators", type=whole_number, default=16)
    parser.add_argument("--samples", type=whole_number, default=10_000_000, help="of all of them")
    parser.add_argument("--rounds", type=whole_number, default=3)
    arguments = parser.parse_args()
    command(lambda: _measure(arguments.generators, arguments.samples // arguments.generators, arguments.rounds))


def _measure(generators: int, samples: int, rounds: int) -> None:
    load = run("http://127.0.0.1:1", Open(1.0), connections=generators, lead_in_seconds=0, seconds=drawn.SECONDS)
    with _listening(generators, samples) as remotes, Fleet(remotes) as fleet:
        before = _peak()
        costs = []
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}")
            outcome, cost = _joined(fleet, load)
            costs.append(cost)
        after = _peak()
    averaged = _check(outcome, generators, samples)
    kept = sum(each.nbytes for each in (outcome.due, outcome.sent, outcome.answered, outcome.templates))
    lines = {
        "joining": _range(each.joining for each in costs),
        "percentiles": _range(each.percentiles for each in costs),
        "processor time": _range(each.cpu for each in costs),
        "memory at most": f"{(after - before) / _MEBIBYTE:,.0f} MiB, of which {kept / _MEBIBYTE:,.0f} for the samples",
        "P99": f"{latency_values(outcome.latencies)['p99'] * 1000:.1f} ms",
        "average of all P99": f"{averaged * 1000:.1f} ms, which is wrong",
    }
    print(f"{generators} generators, {outcome.answered.size:,} samples, all of them as they were sent")  # noqa: T201
    for name, line in lines.items():
        print(f"{name:20}{line}")  # noqa: T201 - a command


def _joined(fleet: Fleet, load: RunCommand) -> tuple[RunOutcome, Cost]:
    began, cpu = time.perf_counter(), time.process_time()
    outcome = fleet.run(load)
    joined = time.perf_counter()
    latency_values(outcome.latencies)
    told = time.perf_counter()
    return outcome, Cost(joined - began, told - joined, time.process_time() - cpu)


def _check(outcome: RunOutcome, generators: int, samples: int) -> float:
    """Compare what was joined with what was sent, and return the average of the generators' P99.

    Raises:
        LabError: they are not the same.
    """
    sent = [drawn.done(seed, samples) for seed in range(generators)]
    columns = {"due": outcome.due, "sent": outcome.sent, "answered": outcome.answered}
    for name, column in columns.items():
        if not np.array_equal(column, np.concatenate([np.frombuffer(getattr(each, name)) for each in sent])):
            raise LabError(f"what was joined is not what was sent: {name}")
    return float(np.mean([latency_values(drawn.latencies(seed, samples))["p99"] for seed in range(generators)]))


@contextlib.contextmanager
def _listening(generators: int, samples: int) -> Iterator[list[Remote]]:
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as started:
        secret, certificate = secret_file(Path(directory)), Certificate.make(Path(directory))
        yield [
            started.enter_context(
                listening(
                    secret,
                    certificate,
                    [sys.executable, "-m", "benchmark.drawn", f"--seed={seed}", f"--samples={samples}"],
                )
            ).to(secret, certificate)
            for seed in range(generators)
        ]


def _peak() -> int:
    """The most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _range(seconds: Iterable[float]) -> str:
    values = sorted(seconds)
    return f"{median(values):.2f} s ({values[0]:.2f} to {values[-1]:.2f})"


if __name__ == "__main__":
    main()
