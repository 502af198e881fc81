"""What came of a run over all generators: their samples joined, each as it was measured."""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from serving_lab.generator.clock import Clock
from serving_lab.generator.messages import Done

Seconds = NDArray[np.float64]


class GeneratorPart(msgspec.Struct, frozen=True, kw_only=True):
    """How one generator fared in a run: a process of this host, or one elsewhere."""

    name: str
    rate: float
    """Requests/s of its measured part, with right answers and without."""
    cpu_share: float
    """CPU time as a share of the time that passed; 1 is a whole core."""
    waited_share: float
    """Time without a processor although ready to run, as a share; throttling included."""
    lag_p99: float | None
    """How late it handed out requests (s), at P99; None in a closed loop, which has no due times."""
    lag_p50: float | None = None
    """Likewise, at P50."""
    late: float
    """How much later than agreed it began (s), by its own clock."""
    clock_uncertainty: float
    """By how much its clock may be wrong about the moment agreed on (s), at most."""


class Measured(NamedTuple):
    """What a generator has sent, and what must be known to join it."""

    name: str
    clock: Clock
    done: Done
    cpu_seconds: float
    """Of this machine, since the run before."""


@dataclass(frozen=True)
class RunOutcome:
    """The outcome of a run over all generators; arrays hold one entry a right answer, in seconds since the start.

    Each generator's times are by its own clock, from its own start: a latency is never the difference of two clocks.
    """

    due: Seconds
    sent: Seconds
    answered: Seconds
    templates: NDArray[np.uint8]
    """Which template each request was made from."""
    wrong: dict[str, int]
    """What was wrong, and how often."""
    sent_again: int
    """Requests that met a connection which the target was closing because it had been idle; they count once."""
    planned: int
    all_answered: int
    """Right answers, those before and after the measured part included."""
    seconds: float
    cpu_seconds: float
    """Of all generators on this machine, from the run before to the end of this one."""
    parts: tuple[GeneratorPart, ...]
    """How each generator fared that was not lost."""
    lost: Mapping[str, str]
    """Generators that are gone, by name, and what became of them: their part of the load is missing."""

    @property
    def latencies(self) -> Seconds:
        """From when each request was due to its answer."""
        return self.answered - self.due

    @property
    def uncorrected(self) -> Seconds:
        """From when each request was sent to its answer."""
        return self.answered - self.sent

    @property
    def cpu_share(self) -> float:
        """Of the busiest generator."""
        return max((part.cpu_share for part in self.parts), default=0.0)

    @property
    def waited_share(self) -> float:
        """Of the generator that waited longest for a processor."""
        return max((part.waited_share for part in self.parts), default=0.0)

    @property
    def lag_p99(self) -> float | None:
        """Of the generator that was latest; None in a closed loop."""
        return max((part.lag_p99 for part in self.parts if part.lag_p99 is not None), default=None)

    @property
    def lag_p50(self) -> float | None:
        """Likewise, at P50."""
        return max((part.lag_p50 for part in self.parts if part.lag_p50 is not None), default=None)

    @property
    def start_skew(self) -> float:
        """How far apart two generators began (s), at most: what they say, and what their clocks may hide."""
        pairs = itertools.permutations(self.parts, 2)
        return max((a.late + a.clock_uncertainty - b.late + b.clock_uncertainty for a, b in pairs), default=0.0)


def together(measured: Sequence[Measured], seconds: float, lost: Mapping[str, str]) -> RunOutcome:
    """Join what generators measured: every sample is kept as it is.

    Args:
        measured: What each has sent.
        seconds: How long was measured.
        lost: Those that sent nothing, and what became of them.
    """
    parts = [each.done for each in measured]

    def joined(name: str) -> Seconds:
        return np.concatenate([np.empty(0), *(np.frombuffer(getattr(part, name), np.float64) for part in parts)])

    wrong: Counter[str] = Counter()
    for part in parts:
        wrong.update(part.wrong)
    no_templates = np.empty(0, np.uint8)
    return RunOutcome(
        due=joined("due"),
        sent=joined("sent"),
        answered=joined("answered"),
        templates=np.concatenate([no_templates, *(np.frombuffer(part.templates, np.uint8) for part in parts)]),
        wrong=dict(wrong),
        sent_again=sum(part.sent_again for part in parts),
        planned=sum(part.planned for part in parts),
        all_answered=sum(part.all_answered for part in parts),
        seconds=seconds,
        cpu_seconds=sum(each.cpu_seconds for each in measured),
        parts=tuple(map(_part, measured)),
        lost=lost,
    )


def _part(measured: Measured) -> GeneratorPart:
    done = measured.done
    lags = np.frombuffer(done.lags, np.float64)
    middle, late = np.quantile(lags, [0.5, 0.99]).tolist() if lags.size else (None, None)
    return GeneratorPart(
        name=measured.name,
        rate=(len(done.templates) + sum(done.wrong.values())) / done.seconds,
        cpu_share=done.cpu_seconds / done.seconds,
        waited_share=done.waited_seconds / done.seconds,
        lag_p50=middle,
        lag_p99=late,
        late=done.late,
        clock_uncertainty=measured.clock.uncertainty,
    )
