"""What the files of JSON beside a graph say."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from model_artifact import FEATURES

ModelKind = Literal["random_forest", "gradient_boosting"]
Version = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")]
"""It becomes a metric's label and part of names in a registry."""
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
_Row = Annotated[tuple[float, ...], Meta(min_length=FEATURES, max_length=FEATURES)]


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """Origin and quality of a model; the fields of the answer of /model-info."""

    version: Version
    model_type: ModelKind
    input_features: int
    feature_names: tuple[str, ...]
    dataset: str
    training_date: str
    metrics: dict[str, float]
    format: Literal["onnx"]
    sha256: Digest
    """Of model.onnx."""


class Tensor(msgspec.Struct, frozen=True, kw_only=True):
    """An input or an output of a graph; a dimension without a size is the number of rows."""

    name: str
    type: Literal["float64"]
    shape: tuple[int | None, ...]


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """What a graph takes and gives."""

    input: Tensor
    output: Tensor


class Metadata(ModelInfo, frozen=True, kw_only=True):
    """All that model.json says: ModelInfo, and what only a registry and a judge ask for."""

    parameters: dict[str, bool | int | float | str | None]
    """With which the estimator was made."""
    dataset_sha256: Digest
    """Of the rows and targets, before they were split."""
    signature: Signature
    files: dict[str, Digest]
    """The sha256 of every other file, by its path in the directory."""


class Golden(msgspec.Struct, frozen=True, kw_only=True):
    """golden.json: rows, and what scikit-learn answered."""

    rows: Annotated[tuple[_Row, ...], Meta(min_length=1, max_length=10_000)]
    """In the units of the data set."""
    predictions: tuple[float, ...]
    """One a row, in the units of the target."""

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.predictions):
            raise ValueError(f"{len(self.rows)} rows, but {len(self.predictions)} predictions")


class Marginal(msgspec.Struct, frozen=True, kw_only=True):
    """How one column of a table is distributed, without a row of the table."""

    rows: int
    """How many the table has."""
    quantiles: Annotated[tuple[float, ...], Meta(min_length=2, max_length=1001)]
    """At equal steps of probability from the least value to the greatest; all values, sorted, if there are no more."""


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """evaluation/reference.json: what the model was trained on, column by column."""

    features: dict[str, Marginal]
    """Of the training rows, by the names of features, in the units of the data set."""
    target: Marginal
    """Of the training rows."""
    predictions: Marginal
    """Of the held-out rows: those of the training rows are nearer to their targets than any that follow."""


class HeldOut(msgspec.Struct, frozen=True, kw_only=True):
    """evaluation/held_out.json: rows that the model was not trained on, and their targets."""

    rows: Annotated[tuple[_Row, ...], Meta(min_length=1, max_length=100_000)]
    targets: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.targets):
            raise ValueError(f"{len(self.rows)} rows, but {len(self.targets)} targets")
