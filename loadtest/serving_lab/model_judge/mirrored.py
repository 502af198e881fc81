"""How far predictions move between two versions on live requests, which both were sent."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from serving_lab.api import json_path
from serving_lab.model_judge import movement, verdict
from serving_lab.model_judge.movement import Asked
from serving_lab.model_judge.result import Criterion, JudgementResult, Verdict
from serving_lab.text.phrases import counted

FEWEST = 200
"""Predictions at which they are judged first, as many as a log must have; then at twice as many, and so on."""
_LOOKS = 10
_ASKED = {"shift", "rows"}
"""Not the distribution: where users are alike, a move that matters to nobody puts all predictions in other bins."""
_NAME = "mirrored predictions"


class MirroredMoves:
    """The predictions of both versions, judged by the limits and the held-out rows of a judgement.

    What was within the limits on rows that are known must be so on live ones: held-out rows say nothing of a population
    that is not theirs. Only if predictions moved beyond them there already, and a person agreed, do they excuse it.

    Requests that repeat one count once. The looks are fixed beforehand and share alpha: the first has half of it, each
    further one half of what is left.
    """

    def __init__(self, judgement: JudgementResult, places: Mapping[str, Sequence[str]]) -> None:
        """Take the judgement of the two versions, and the JSON paths of predictions by operation (`POST /predict`).

        Raises:
            ValueError: the judgement did not get so far as to ask both versions.
        """
        if judgement.target_deviation is None:
            raise ValueError("the versions were not asked the same rows")
        self._limits = judgement.thresholds
        self._errors = judgement.errors if judgement.verdict is Verdict.ASK else ()
        self._scale = judgement.target_deviation
        self._places = places
        self._asked: set[tuple[str, bytes]] = set()
        self._old: list[float] = []
        self._new: list[float] = []
        self._looks = 0
        self._criteria: list[Criterion] = []

    def add(self, operation: str, asked: bytes, primary: bytes, candidate: bytes) -> None:
        """Take the predictions in two answers to the same request."""
        if self._looks == _LOOKS or operation not in self._places or (operation, asked) in self._asked:
            return
        self._asked.add((operation, asked))
        for path in self._places[operation]:
            old, new = (_numbers(body, path) for body in (primary, candidate))
            if len(old) == len(new):  # else the answers differ in their form, which is judged elsewhere
                self._old += old
                self._new += new
        if len(self._old) >= FEWEST << self._looks:
            self._look()

    @property
    def causes(self) -> tuple[str, ...]:
        """What has moved beyond its limit, as of the last look."""
        return tuple(each.text for each in self._criteria if each.standing is Verdict.REFUSE)

    @property
    def missing(self) -> str:
        """How many predictions it takes to tell; empty: there were as many."""
        return "" if self._looks else f"{counted(len(self._old), 'prediction')} compared, and {FEWEST} are needed"

    @property
    def found(self) -> tuple[str, ...]:
        """What the last look said."""
        return tuple(each.text for each in self._criteria)

    def _look(self) -> None:
        self._looks += 1
        # Rows are only for slices, of which live requests have too few.
        asked = Asked(_NAME, np.empty((len(self._old), 0)), np.asarray(self._old), np.asarray(self._new))
        record = movement.move(asked, self._scale, self._limits.alpha / 2**self._looks)
        judged = verdict.of_moves([record], [], self._errors, self._limits)
        self._criteria = [each for each in judged if each.name in _ASKED]


def _numbers(body: bytes, path: str) -> list[float]:
    """The numbers at a path: one, or a list of them; none where there are none."""
    try:
        found = json_path.value_at(msgspec.json.decode(body), path)
    except (msgspec.DecodeError, LookupError):
        return []
    values = found if isinstance(found, list) else [found]
    return [float(each) for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
