"""What came of a run over all processes of the generator: their samples joined, each as it was measured."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving_lab.generator.messages import Done

Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class RunOutcome:
    """The outcome of a run over all processes; arrays hold one entry a right answer, in seconds since the start."""

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
    """Of all processes, from the run before to the end of this one."""
    cpu_share: float
    """CPU time as a share of the time that passed, of the busiest process."""
    waited_share: float
    """Time without a processor although ready to run, as a share, of the process that waited longest."""
    lags: Seconds
    """Open loop: how late each request was taken up."""

    @property
    def latencies(self) -> Seconds:
        """From when each request was due to its answer."""
        return self.answered - self.due

    @property
    def uncorrected(self) -> Seconds:
        """From when each request was sent to its answer."""
        return self.answered - self.sent


def together(parts: Sequence[Done], cpu_seconds: float) -> RunOutcome:
    """Join what the processes measured.

    Args:
        parts: What each has sent.
        cpu_seconds: Of all of them, from the run before to the end of this one.
    """

    def joined(name: str, kind: type[np.generic]) -> NDArray[np.generic]:
        return np.concatenate([np.frombuffer(getattr(part, name), dtype=kind) for part in parts])

    wrong: Counter[str] = Counter()
    for part in parts:
        wrong.update(part.wrong)
    return RunOutcome(
        due=joined("due", np.float64).astype(np.float64),
        sent=joined("sent", np.float64).astype(np.float64),
        answered=joined("answered", np.float64).astype(np.float64),
        templates=joined("templates", np.uint8).astype(np.uint8),
        wrong=dict(wrong),
        sent_again=sum(part.sent_again for part in parts),
        planned=sum(part.planned for part in parts),
        all_answered=sum(part.all_answered for part in parts),
        seconds=max(part.seconds for part in parts),
        cpu_seconds=cpu_seconds,
        cpu_share=max(part.cpu_seconds / part.seconds for part in parts),
        waited_share=max(part.waited_seconds / part.seconds for part in parts),
        lags=joined("lags", np.float64).astype(np.float64),
    )
