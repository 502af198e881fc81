"""The rows that both versions are asked: those that neither was trained on, and some like those that they were."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from model_artifact.metadata import HeldOut, Reference

from serving_lab.predictions.populations import Numbers


@dataclass(frozen=True)
class Targeted:
    """Rows of which is known what is right."""

    rows: Numbers
    """Shape (rows, features)."""
    targets: Numbers
    """Shape (rows,)."""


def held_out_of_both(old: HeldOut, new: HeldOut) -> Targeted:
    """The rows that were held out from the training of both versions, with the targets that the old one has.

    Each version's other held-out rows are left out: the other one may have been trained on them. The new version's
    targets do not count: one that was made from wrong targets has them there, too.
    """
    others = set(new.rows)
    shared = [(row, target) for row, target in zip(old.rows, old.targets, strict=True) if row in others]
    return Targeted(
        rows=np.asarray([row for row, _ in shared], dtype=np.float64).reshape(len(shared), len(old.rows[0])),
        targets=np.asarray([target for _, target in shared], dtype=np.float64),
    )


def other_targets(old: HeldOut, new: HeldOut) -> int:
    """How many of the rows that both have held out have another target in the new version."""
    before = dict(zip(old.rows, old.targets, strict=True))
    return sum(row in before and before[row] != target for row, target in zip(new.rows, new.targets, strict=True))


def sampled(reference: Reference, names: Sequence[str], count: int, seed: int) -> Numbers:
    """Rows whose features are drawn from the training data's marginals, each by itself, shape (count, features).

    Features of such a row need not go together, so they also show what a version says where it has seen little.
    """
    drawing = np.random.default_rng(seed)
    return np.stack([drawing.choice(np.asarray(reference.features[name].quantiles), count) for name in names], axis=1)
