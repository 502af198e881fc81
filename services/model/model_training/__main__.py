"""Command `train-model`: train, export, verify, write."""

import argparse
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import get_args

import msgspec
from model_artifact.errors import ArtifactError
from model_artifact.metadata import ModelKind, Version

_KINDS: tuple[ModelKind, ...] = get_args(ModelKind)


def main() -> None:
    """Write the model artifact into the directory given by --output."""
    parser = argparse.ArgumentParser(prog="train-model", description="Train the model and export it to ONNX.")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where the files of the model go")
    parser.add_argument(
        "--kind",
        default=os.environ.get("MODEL_KIND") or _KINDS[0],
        metavar="KIND",
        help=f"{' or '.join(_KINDS)}; by default what MODEL_KIND says, else the first",
    )
    parser.add_argument("--version", help="what the model calls itself in every answer; 1.0.0 by default")
    parser.add_argument("--seed", type=int, help="of what is random in the fit; equal seeds give equal models")
    given = parser.parse_args()
    try:
        kind, version, training_date = _kind(given.kind), _version(given.version), _training_date()
    except ValueError as error:
        sys.exit(f"train-model: {error}")
    # Imported only now: on import numpy reads SOURCE_DATE_EPOCH and fails with a traceback if it is not valid.
    from model_training.artifact import MODEL_VERSION, ExportMismatchError, write_artifact
    from model_training.estimators import SEED, train

    trained = train(kind, seed=SEED if given.seed is None else given.seed)
    directory: Path = given.output
    try:
        metadata = write_artifact(trained, directory, training_date, version or MODEL_VERSION)
    except (ArtifactError, ExportMismatchError, OSError) as error:
        sys.exit(f"train-model: {error}")
    size = (directory / "model.onnx").stat().st_size
    print(f"{directory}: {kind}, version {metadata.version}, {size / 1e6:.1f} MB, sha256 {metadata.sha256}")  # noqa: T201


def _kind(name: str) -> ModelKind:
    for kind in _KINDS:
        if name == kind:
            return kind
    raise ValueError(f"{name!r} is no kind of model; hint: set --kind or MODEL_KIND to {' or '.join(_KINDS)}")


def _version(text: str | None) -> str | None:
    try:
        return text and msgspec.convert(text, Version)
    except msgspec.ValidationError:
        raise ValueError(
            f"{text!r} is no version; hint: up to 64 letters, digits and . _ + -, the first a letter or a digit"
        ) from None


def _training_date() -> date:
    """Today (UTC), or the day of SOURCE_DATE_EPOCH so that a build can be repeated bit by bit."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if not epoch:
        return datetime.now(UTC).date()
    try:
        return datetime.fromtimestamp(int(epoch), UTC).date()
    except (ValueError, OverflowError, OSError):
        raise ValueError(f"SOURCE_DATE_EPOCH is not a number of seconds: {epoch!r}") from None


if __name__ == "__main__":
    main()
