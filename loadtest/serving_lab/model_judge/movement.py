"""How far predictions of the same rows have moved from one version to the other: all of them, by slices, row by row."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from serving_lab.experiment.statistics import simultaneous
from serving_lab.model_judge.accuracy import interval
from serving_lab.model_judge.result import MoveRecord, RowRecord, SliceRecord
from serving_lab.predictions import populations
from serving_lab.predictions.populations import Numbers

SLICES = 5
"""Of a feature, with about as many rows each; of one with few values, each value is one."""
WORST_ROWS = 8
FEWEST_IN_SLICE = 20
"""Rows below which a slice says nothing."""
_DRAWN_BINS = 24


@dataclass(frozen=True)
class Asked:
    """Rows that both versions were asked."""

    name: str
    rows: Numbers
    """Shape (rows, features)."""
    old: Numbers
    """Predictions, shape (rows,)."""
    new: Numbers
    targets: Numbers | None = None
    """What was right; None: nobody knows."""


def move(asked: Asked, scale: float, alpha: float) -> MoveRecord:
    """The predictions as two populations, and their mean row by row.

    Args:
        asked: The rows; there are two at least.
        scale: What moves are divided by: the standard deviation of the target.
        alpha: Probability that the interval of the mean misses.
    """
    moves = (asked.new - asked.old) / scale
    low, high = interval(moves, 1 - alpha)
    distance = populations.distance(asked.old, asked.new)
    both = np.concatenate((asked.old, asked.new))
    edges = np.histogram_bin_edges(both, _DRAWN_BINS)
    return MoveRecord(
        name=asked.name,
        rows=len(moves),
        shift=float(moves.mean()),
        shift_low=low,
        shift_high=high,
        moved=float(math.sqrt(np.mean(moves**2))),
        ks=distance.ks,
        psi=distance.psi,
        edges=edges.tolist(),
        old_shares=populations.shares(asked.old, edges[1:-1]).tolist(),
        new_shares=populations.shares(asked.new, edges[1:-1]).tolist(),
    )


def slices(asked: Asked, held_out: Asked, names: Sequence[str], scale: float, alpha: float) -> list[SliceRecord]:
    """Each slice of each feature, the one that moved most first; the intervals of all slices hold together.

    Args:
        asked: Rows that show how far a slice has moved.
        held_out: Rows with targets, which show whether it has moved to the better.
        names: Of the features.
        scale: The standard deviation of the target.
        alpha: Probability that any interval misses.
    """
    found = [(at, piece) for at in range(len(names)) for piece in _pieces(asked.rows[:, at])]
    confidence = simultaneous(len(found), 1 - alpha)
    moves = (asked.new - asked.old) / scale
    records = [
        _slice(names[at], piece, moves[piece.marks(asked.rows[:, at])], held_out, at, confidence)
        for at, piece in found
        if int(piece.marks(asked.rows[:, at]).sum()) >= FEWEST_IN_SLICE
    ]
    return sorted(records, key=lambda each: -abs(each.shift))


def worst_rows(populations_asked: Sequence[Asked]) -> list[RowRecord]:
    """The rows whose predictions have moved most."""
    found = [
        RowRecord(
            source=asked.name,
            features=asked.rows[at].tolist(),
            old=float(asked.old[at]),
            new=float(asked.new[at]),
            target=None if asked.targets is None else float(asked.targets[at]),
        )
        for asked in populations_asked
        for at in np.argsort(-np.abs(asked.new - asked.old), kind="stable")[:WORST_ROWS]
    ]
    return sorted(found, key=lambda each: -abs(each.new - each.old))[:WORST_ROWS]


@dataclass(frozen=True)
class _Piece:
    """Values from `low` up to but without `high`."""

    low: float
    high: float

    def marks(self, values: Numbers) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = (values >= self.low) & (values < self.high)
        return found


def _pieces(values: Numbers) -> Iterator[_Piece]:
    distinct = np.unique(values)
    if len(distinct) <= SLICES:
        edges = distinct[1:]
    else:
        edges = np.unique(np.quantile(values, np.linspace(0, 1, SLICES + 1)[1:-1]))
        edges = edges[edges > distinct[0]]
    ends = [-math.inf, *map(float, edges), math.inf]
    if len(ends) > 2:
        yield from (_Piece(low, high) for low, high in itertools.pairwise(ends))


def _slice(feature: str, piece: _Piece, moves: Numbers, held_out: Asked, at: int, confidence: float) -> SliceRecord:
    low, high = interval(moves, confidence)
    marks = piece.marks(held_out.rows[:, at]) if len(held_out.rows) else np.zeros(0, dtype=np.bool_)
    error = error_low = error_high = None
    if held_out.targets is not None and int(marks.sum()) >= FEWEST_IN_SLICE:
        targets = held_out.targets[marks]
        differences = np.abs(held_out.new[marks] - targets) - np.abs(held_out.old[marks] - targets)
        error = float(differences.mean())
        error_low, error_high = interval(differences, confidence)
    return SliceRecord(
        feature=feature,
        at_least=piece.low if math.isfinite(piece.low) else None,
        below=piece.high if math.isfinite(piece.high) else None,
        rows=len(moves),
        shift=float(moves.mean()),
        low=low,
        high=high,
        held_out_rows=int(marks.sum()),
        error=error,
        error_low=error_low,
        error_high=error_high,
    )
