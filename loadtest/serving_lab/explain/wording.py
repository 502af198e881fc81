"""What an explanation found, in words and with units."""

from collections.abc import Callable, Iterator

from serving_lab.explain.records import Change, Explained, Explanation, Sampled
from serving_lab.text import phrases
from serving_lab.text.phrases import MINUS, UNKNOWN

_MICRO = 1e6
Label = Callable[[str], str]
"""What people call a target."""


def micros(seconds: float) -> str:
    """Return CPU time for a request, in microseconds."""
    return f"{seconds * _MICRO:,.1f} µs"


def difference(change: Change) -> str:
    """Return how much more or less the candidate takes."""
    return _signed(change.difference)


def interval(change: Change) -> str:
    """Return the ends of the difference's interval."""
    if change.low is None or change.high is None:
        return UNKNOWN
    return f"{_signed(change.low)} to {_signed(change.high)}"


def of_candidate(explained: Explained, baseline: str, label: Label = str) -> str:
    """Return in a sentence what makes the difference between a candidate and its baseline."""
    looked_at = f"{len(explained.changes):,} times of functions and packages were compared over {explained.pairs} pairs"
    first = next(iter(explained.functions), None)
    if first:
        word = "more" if first.difference > 0 else "less"
        where = f"{first.name} ({first.place})"
        told = (
            f"{label(explained.candidate)} takes {micros(abs(first.difference))} {word} for a request in {where} itself"
        )
        if more := len(explained.functions) - 1:
            told += f", and {phrases.counted(more, 'other function')} {'differ' if more > 1 else 'differs'}"
        return f"{told}; {looked_at}"
    if any(each.differs for each in explained.changes):
        return (
            f"no function of {label(explained.candidate)} differs from {label(baseline)} by its own time; {looked_at}"
        )
    ends = [abs(end) for each in explained.changes for end in (each.low, each.high) if end is not None]
    if not ends:
        return f"nothing can be said: {looked_at}"
    return f"no function differs, or by less than {micros(max(ends))} for a request; {looked_at}"


def of_cost(explanation: Explanation, label: Label = str) -> Iterator[str]:
    """Yield what the profiler cost each target."""
    yield f"the extra pairs took {phrases.duration(explanation.seconds)}"
    yield from (_of_target(each, label) for each in explanation.sampled)


def _of_target(sampled: Sampled, label: Label) -> str:
    parts = [f"{sampled.profiler_cpu:.2f} cores for py-spy"]
    if sampled.cpu_ratio is not None:
        parts.append(f"{phrases.change(phrases.AMOUNT, sampled.cpu_ratio)} CPU time for a request")
    if sampled.throughput_ratio is not None:
        parts.append(f"{phrases.change(phrases.COUNTED, sampled.throughput_ratio)} requests/s")
    return (
        f"{label(sampled.target)} under the profiler: {', '.join(parts)} ({phrases.counted(sampled.samples, 'sample')})"
    )


def _signed(seconds: float) -> str:
    return f"{MINUS if seconds < 0 else '+'}{micros(abs(seconds))}"
