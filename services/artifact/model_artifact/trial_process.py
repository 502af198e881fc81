"""The process of a trial: `python -m model_artifact.trial_process DIRECTORY SECONDS MEMORY_BYTES`.

It prints JSON: a Trial and ends with 0, or a Refusal and ends with REFUSED.
"""

import math
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
from model_artifact.trial import REFUSED, Refusal, Trial

MAX_ROW_SECONDS = 0.02
"""For one row; a forest of 100 trees takes a thousandth of it."""
_OUTPUT_BYTES = 1 << 16
_REPETITIONS = 5
_TIMED_ROWS = 50


def main() -> None:
    """Try the model out, and say what was seen."""
    directory, seconds, memory_bytes = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    # The libraries are there by now: what is bounded is what the model adds.
    _bound(seconds, memory_bytes)
    try:
        answer: Trial | Refusal = _try_out(directory)
    except ArtifactError as error:
        answer = Refusal(error.reason, str(error))
    except MemoryError:
        answer = Refusal(Reason.MEMORY, f"it needs more than {memory_bytes >> 20} MiB")
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    sys.stdout.flush()
    sys.exit(0 if isinstance(answer, Trial) else REFUSED)


def _bound(seconds: float, memory_bytes: int) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for limit, value in {
        resource.RLIMIT_AS: used + memory_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: math.ceil(seconds),
        resource.RLIMIT_FSIZE: _OUTPUT_BYTES,
    }.items():
        resource.setrlimit(limit, (value, value))


def _try_out(directory: Path) -> Trial:
    artifact = files.read(directory)
    check_structure(artifact.graph)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    session = Session(artifact.graph)
    difference = check_golden(session, artifact.golden)
    _check_corners(session)
    slowest = max(_row_seconds(session, row) for row in artifact.golden.rows[:_TIMED_ROWS])
    if slowest > MAX_ROW_SECONDS:
        raise ArtifactError(Reason.LATENCY, f"a row takes {slowest * 1000:.1f} ms, at most {MAX_ROW_SECONDS * 1000:g}")
    return Trial(
        digest=artifact.digest,
        version=artifact.info.version,
        sha256=artifact.info.sha256,
        largest_difference=difference,
        row_seconds=slowest,
        memory_bytes=(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024,
    )


def _check_corners(session: Session) -> None:
    """Every corner of what callers may send has an answer that is a number."""
    for row, value in zip(
        corners := list(product((LOWEST, HIGHEST), repeat=FEATURES)), session.predict(corners), strict=True
    ):
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


if __name__ == "__main__":
    main()
