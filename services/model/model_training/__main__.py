"""Command `train-model`: train, export, verify, write."""

import argparse
import os
import sys
from datetime import UTC, date, datetime
from pathlib import Path


def main() -> None:
    """Write the model artifact into the directory given by --output."""
    parser = argparse.ArgumentParser(prog="train-model", description="Train the model and export it to ONNX.")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where model.onnx and model.json go")
    directory: Path = parser.parse_args().output
    try:
        training_date = _training_date()
    except ValueError as error:
        sys.exit(f"train-model: {error}")
    # Imported only now: on import numpy reads SOURCE_DATE_EPOCH and fails with a traceback if it is not valid.
    from model_training.artifact import ExportMismatchError, write_artifact
    from model_training.forest import train

    try:
        metadata = write_artifact(train(), directory, training_date)
    except (ExportMismatchError, OSError) as error:
        sys.exit(f"train-model: {error}")
    size = (directory / "model.onnx").stat().st_size
    print(f"{directory}: model {metadata['version']}, {size / 1e6:.1f} MB, sha256 {metadata['sha256']}")  # noqa: T201


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
