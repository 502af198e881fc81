"""The process that runs a version: `python -m serving_lab.model_judge.runner DIRECTORY SECONDS MEMORY_BYTES`.

It answers a line of JSON (`Question`) with a line of JSON (`Answer`), until nobody asks any more.
"""

import math
import resource
import statistics
import sys
import time
from pathlib import Path

import msgspec
from model_artifact import files
from model_artifact.session import Session
from model_artifact.structure import check_structure

_COMPLAINT_BYTES = 1 << 16
"""Of what it may write to a file: standard error is one."""


class Question(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is asked."""

    rows: list[list[float]]
    """Shape (rows, features)."""
    calls: int = 0
    """0: for their predictions. Else how long a prediction of one row takes: rows are taken in turn, so many times."""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is answered."""

    predictions: list[float] = []
    seconds: float = 0.0
    """Median time of a call."""
    memory_bytes: int = 0
    """Most that the process had in memory so far."""


def main() -> None:
    """Load the model within bounds, and answer."""
    directory, seconds, memory_bytes = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    _bound(seconds, memory_bytes)
    artifact = files.read(directory)
    check_structure(artifact.graph)
    session = Session(artifact.graph)
    decoder = msgspec.json.Decoder(Question)
    for line in sys.stdin.buffer:
        question = decoder.decode(line)
        if question.calls:
            answer = Answer(seconds=_median_seconds(session, question), memory_bytes=_memory_bytes())
        else:
            answer = Answer(predictions=session.predict(question.rows), memory_bytes=_memory_bytes())
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


def _median_seconds(session: Session, question: Question) -> float:
    taken = []
    for number in range(question.calls):
        row = [question.rows[number % len(question.rows)]]
        began = time.perf_counter_ns()
        session.predict(row)
        taken.append(time.perf_counter_ns() - began)
    return statistics.median(taken) / 1e9


def _memory_bytes() -> int:
    """The high-water mark of this program; that of getrusage begins with what the parent had."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _bound(seconds: float, memory_bytes: int) -> None:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for limit, value in {
        resource.RLIMIT_AS: used + memory_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: math.ceil(seconds),
        resource.RLIMIT_FSIZE: _COMPLAINT_BYTES,
    }.items():
        resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    main()
