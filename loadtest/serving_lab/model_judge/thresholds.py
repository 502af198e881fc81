"""From when on a change between two versions of a model asks for a person, or is refused; read from a file."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from serving_lab.text.yaml_file import YamlFile

FILE = "model_judge.yaml"
_HINT = "docs/models.md describes the format"


class Bound(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Beyond `ask` a person must agree, beyond `refuse` the version is refused."""

    ask: float
    refuse: float


class Errors(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Accuracy on rows that neither version was trained on."""

    absolute: float = 0.05
    """Share of the old version's mean absolute error that counts as no change."""
    squared: float = 0.10
    """The same of its mean squared error: twice as much, as the square of a change is."""
    fewest_rows: int = 30
    """Rows below which nothing is concluded."""


class Moves(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How far predictions of the same rows may move: in standard deviations of the target, the PSI as it is."""

    shift: Bound = Bound(0.08, 0.28)
    """Of the mean of all predictions."""
    slice: Bound = Bound(0.14, 0.28)
    """Of the mean of a slice's predictions."""
    rows: Bound = Bound(0.22, 0.40)
    """Root mean square of the moves of single rows."""
    psi: Bound = Bound(0.10, 0.25)
    """Population stability index of the predictions."""
    sampled_rows: int = 4000
    """Rows drawn from the training data's marginals."""


class Latency(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Time of a prediction of one row, as a ratio new / old."""

    ask: float = 1.5
    refuse: float = 5.0
    rounds: int = 20
    """Pairs of measurements."""
    calls: int = 200
    """Predictions of each."""


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of a file; what it leaves out is as here."""

    alpha: float = 0.05
    """Probability that any interval of one subject misses: both errors together, all slices together."""
    errors: Errors = Errors()
    moves: Moves = Moves()
    latency: Latency = Latency()
    size: Bound = Bound(3.0, 20.0)
    """Ratio of the sizes of model.onnx."""


def read(path: Path | None) -> Thresholds:
    """Read a file of thresholds; without one, all is as by default.

    Raises:
        LabError: the file cannot be read, or is wrong.
    """
    if path is None:
        return Thresholds()
    file = YamlFile.read(path, {})
    found = file.convert(Thresholds)
    for place, problem in _faults(found):
        raise file.fault(place, problem, _HINT)
    return found


def _faults(given: Thresholds) -> Iterator[tuple[str, str]]:
    if not 0 < given.alpha < 0.5:
        yield "alpha", "is a probability above 0 and below 0.5"
    for name in ("absolute", "squared"):
        if not 0 < getattr(given.errors, name) < 1:
            yield f"errors.{name}", "is a share above 0 and below 1"
    bounds = [(f"moves.{name}", getattr(given.moves, name), 0.0) for name in ("shift", "slice", "rows", "psi")]
    bounds += [("size", given.size, 1.0), ("latency", Bound(given.latency.ask, given.latency.refuse), 1.0)]
    for name, bound, least in bounds:
        # Written so that what is not a number is a fault as well.
        if not least <= bound.ask <= bound.refuse or bound.ask == bound.refuse == 0:
            yield name, f"ask is {least:g} at least, and refuse is not below ask"
    for place, number, fewest in (
        ("errors.fewest_rows", given.errors.fewest_rows, 10),
        ("moves.sampled_rows", given.moves.sampled_rows, 500),
        ("latency.rounds", given.latency.rounds, 5),
        ("latency.calls", given.latency.calls, 10),
    ):
        if number < fewest:
            yield place, f"is {fewest} at least: fewer say too little"
        elif number > 100_000:
            yield place, "is 100,000 at most"
