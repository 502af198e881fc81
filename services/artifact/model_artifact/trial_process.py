"""The process of a trial: `python -m model_artifact.trial_process DIRECTORY BOUNDS`, with `trial.Bounds` as JSON.

It prints JSON, a Trial or a Refusal.
"""

import math
import os
import resource
import sys
import time
from itertools import product
from pathlib import Path

import msgspec

from model_artifact import FEATURES, HIGHEST, LOWEST, files
from model_artifact.errors import ArtifactError, Reason
from model_artifact.session import Session, check_golden
from model_artifact.structure import check_structure
from model_artifact.trial import Bounds, Refusal, Trial

_OUTPUT_BYTES = 1 << 16
_REPETITIONS = 5
_TIMED_ROWS = 50
_NICENESS = 5


def main() -> None:
    """Try the model out, and say what was seen."""
    directory, bounds = Path(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=Bounds)
    # Only the answer goes where the answer is read; whatever else is printed, by a library, goes to the complaints.
    answers = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _limit(bounds)
    try:
        answer: Trial | Refusal = examine(directory, bounds.row_seconds)
    except ArtifactError as error:
        answer = Refusal(error.reason, str(error))
    except MemoryError:
        answer = Refusal(Reason.MEMORY, f"it needs more than {bounds.memory_bytes >> 20} MiB")
    os.write(answers, msgspec.json.encode(answer))


def examine(directory: Path, row_seconds: float) -> Trial:
    """Check a model's files, then run it, without bounds.

    Raises:
        ArtifactError: it may not be used.
    """
    artifact = files.read(directory)
    check_structure(artifact.graph)
    before = _most_bytes()
    session = Session(artifact.graph)
    difference = check_golden(session, artifact.golden)
    _check_corners(session)
    slowest = max(_row_seconds(session, row) for row in artifact.golden.rows[:_TIMED_ROWS])
    if slowest > row_seconds:
        raise ArtifactError(Reason.LATENCY, f"a row takes {slowest * 1e6:.3g} us, at most {row_seconds * 1e6:.3g} us")
    return Trial(
        digest=artifact.digest,
        version=artifact.info.version,
        sha256=artifact.info.sha256,
        largest_difference=difference,
        row_seconds=slowest,
        memory_bytes=_most_bytes() - before,
    )


def _limit(bounds: Bounds) -> None:
    """Limit this process, whose libraries are loaded by now: what counts is what the model adds."""
    os.nice(_NICENESS)  # requests come first
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for limit, value in {
        resource.RLIMIT_AS: used + bounds.memory_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: math.ceil(bounds.seconds),
        resource.RLIMIT_FSIZE: _OUTPUT_BYTES,
    }.items():
        resource.setrlimit(limit, (value, value))


def _check_corners(session: Session) -> None:
    """Check that every corner of what callers may send has an answer that is a number."""
    corners = list(product((LOWEST, HIGHEST), repeat=FEATURES))
    for row, value in zip(corners, session.predict(corners), strict=True):
        if not math.isfinite(value):
            raise ArtifactError(Reason.GOLDEN, f"its answer to {list(row)} is {value}")


def _row_seconds(session: Session, row: tuple[float, ...]) -> float:
    """The least time of some runs: what the model takes, without what a busy machine adds."""
    taken = []
    for _ in range(_REPETITIONS):
        began = time.perf_counter()
        session.predict([row])
        taken.append(time.perf_counter() - began)
    return min(taken)


def _most_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
