"""Whether rows of a log come from the population that a model was trained on: by column, corrected for all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from serving_lab.model_drift.result import ColumnDrift, Standing, VersionDrift
from serving_lab.predictions import populations
from serving_lab.predictions.populations import SMALL, Numbers
from serving_lab.predictions.prediction_log import LoggedVersion
from serving_lab.text.phrases import counted, some

PREDICTIONS = "predictions"
TELL = 0.2
"""Distance that is to be told by default: that of a normal population shifted by half of its standard deviation."""
ALPHA = 0.05
FEWEST = 30
"""Rows below which nothing is concluded: so few may be of one client."""


@dataclass(frozen=True)
class Trained:
    """What a version was trained on."""

    version: str
    digest: str
    features: Mapping[str, Numbers]
    """Values of each feature in the training data, in their order."""
    predictions: Numbers
    """What the version says to rows that were held out from its training."""


def unknown(log: LoggedVersion) -> VersionDrift:
    """Rows of a version whose artifact is not known."""
    return VersionDrift(
        version=log.version,
        digest=None,
        standing=Standing.CANNOT_TELL,
        why="no artifact of this version was given, so it is not known what it was trained on",
        rows=len(log),
        repeated=log.repeated,
        first=log.first,
        last=log.last,
        columns=[],
    )


def compare(trained: Trained, log: LoggedVersion, *, tell: float = TELL, alpha: float = ALPHA) -> VersionDrift:
    """The log's rows against the training data.

    A row that occurs again counts once: requests that are repeated are no new evidence.

    Args:
        trained: The version, with as many features as a row of the log has.
        log: Its rows.
        tell: Kolmogorov-Smirnov distance that must be told for `no drift`.
        alpha: Probability that any column is called drifted although none is.

    Raises:
        ValueError: rows of the log have another number of features.
    """
    if log.features != len(trained.features):
        raise ValueError(f"rows of the log have {log.features} features, the model has {len(trained.features)}")
    pairs = {name: (reference, log.rows[:, at]) for at, (name, reference) in enumerate(trained.features.items())}
    pairs[PREDICTIONS] = trained.predictions, log.predictions
    distances = {name: populations.distance(*pair) for name, pair in pairs.items()}
    own_alpha = alpha / len(pairs)
    p_values = populations.holm([each.p for each in distances.values()])
    columns = [
        _column(name, pairs[name], distances[name], p, tell=tell, alpha=alpha, own_alpha=own_alpha)
        for name, p in zip(pairs, p_values, strict=True)
    ]
    # Held-out rows are few; that no drift of the predictions can be excluded must not hide what features say.
    features = columns[:-1]
    fewest_reference = min(each.reference_rows for each in features)
    needed = populations.rows_needed(fewest_reference, tell, own_alpha)
    standing, why = _conclusion(columns, len(log), needed, fewest_reference, tell)
    return VersionDrift(
        version=log.version,
        digest=trained.digest,
        standing=standing,
        why=why,
        rows=len(log),
        repeated=log.repeated,
        first=log.first,
        last=log.last,
        rows_needed=needed,
        columns=columns,
    )


def _column(
    name: str,
    pair: tuple[Numbers, Numbers],
    distance: populations.Distance,
    p: float,
    *,
    tell: float,
    alpha: float,
    own_alpha: float,
) -> ColumnDrift:
    reference, values = pair
    detectable = populations.detectable(len(reference), len(values), own_alpha)
    if len(values) < FEWEST:
        standing = Standing.CANNOT_TELL
    elif p < alpha:
        standing = Standing.DRIFTED if distance.psi >= SMALL else Standing.LITTLE
    else:
        standing = Standing.NONE if detectable <= tell else Standing.CANNOT_TELL
    edges = populations.bin_edges(reference)
    return ColumnDrift(
        name=name,
        standing=standing,
        reference_rows=len(reference),
        ks=distance.ks,
        p=p,
        psi=distance.psi,
        psi_by_chance=distance.psi_by_chance,
        detectable=detectable,
        outside=float(((values < reference.min()) | (values > reference.max())).mean()),
        edges=edges.tolist(),
        reference_shares=populations.shares(reference, edges).tolist(),
        log_shares=populations.shares(values, edges).tolist(),
    )


def _conclusion(
    columns: Sequence[ColumnDrift], rows: int, needed: int | None, reference_rows: int, tell: float
) -> tuple[Standing, str]:
    if rows < FEWEST:
        return Standing.CANNOT_TELL, f"{counted(rows, 'different row')}: nothing is concluded from fewer than {FEWEST}"
    drifted = [each for each in columns if each.standing == Standing.DRIFTED]
    if drifted:
        drifted.sort(key=lambda each: -each.psi)
        return Standing.DRIFTED, f"{some([each.name for each in drifted])} drifted"
    if any(each.standing == Standing.CANNOT_TELL for each in columns[:-1]):
        if needed is None:
            why = f"the training data has {reference_rows:,} rows: with so few, no log can tell a distance of {tell:g}"
        else:
            why = f"it takes {needed:,} different rows to tell a distance of {tell:g}, and the log has {rows:,}"
        return Standing.CANNOT_TELL, why
    little = [each.name for each in columns if each.standing == Standing.LITTLE]
    note = f"; {some(little)} moved a little" if little else ""
    shown = f"{rows:,} different rows would have shown a distance of {tell:g} in any feature four times out of five"
    return Standing.NONE, f"{shown}{note}"
