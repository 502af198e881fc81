"""`lab model drift`: from a prediction log and the versions' directories to a result, its page and what is printed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from model_artifact import files as artifact_files
from model_artifact.errors import ArtifactError
from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.model_drift import drift, page, table
from serving_lab.model_drift.drift import Trained
from serving_lab.model_drift.result import DriftResult, VersionDrift
from serving_lab.predictions import prediction_log
from serving_lab.predictions.prediction_log import LoggedVersion, PredictionLog
from serving_lab.results import files
from serving_lab.results.envelope import Metadata

FILE, PAGE = "drift.json", "drift.html"
STREAM = Path("-")
"""Stands for standard input."""


@dataclass(frozen=True)
class DriftOptions:
    """What can be asked for."""

    log: Path
    """The current file of a log, or STREAM."""
    artifacts: Sequence[Path]
    """Directories of the versions that have answered."""
    tell: float = drift.TELL
    alpha: float = drift.ALPHA
    output: Path = Path("results")


def run(options: DriftOptions, console: Console) -> DriftResult:
    """Compare, write the result and its page, print the table.

    Raises:
        LabError: the log or an artifact cannot be read.
    """
    metadata = Metadata.begin(("model-artifact", "numpy", "scipy"))
    trained = _trained(options.artifacts)
    log = prediction_log.read_standard_input() if options.log == STREAM else prediction_log.read(options.log)
    result = DriftResult(
        started=metadata.started,
        seconds=metadata.seconds,
        seed=0,
        revision=metadata.revision,
        revision_unknown=metadata.revision_unknown,
        machine=metadata.machine,
        versions=metadata.versions,
        warnings=list(_warnings(log)),
        log=log.files,
        damaged=log.damaged,
        other=log.other,
        tell=options.tell,
        alpha=options.alpha,
        models=[_compared(each, trained, options) for each in log.versions.values()],
    )
    path, page_path = options.output / FILE, options.output / PAGE
    files.write(path, result, "--output DIR")
    try:
        page_path.write_text(page.render(result), encoding="utf-8")
    except OSError as error:
        raise LabError(f"{page_path}: {error.strerror}", hint="--output DIR") from error
    table.print_result(console, result, [path, page_path])
    return result


def setting(value: str | None, root: Path) -> Path:
    """The log that the setting PREDICTION_LOG names, where that is a file on this machine.

    Raises:
        LabError: it is off, or printed.
    """
    match value:
        case None | "off":
            raise LabError(
                "PREDICTION_LOG is off, so no prediction is logged",
                hint="set it to a path or to stdout in .env, restart the services, send requests",
            )
        case "stdout":
            raise LabError(
                "PREDICTION_LOG is stdout, so predictions are among what the services print",
                hint="lab logs fastapi-api --no-follow --lines 1000000 | lab model drift -",
            )
        case path:
            return root / path


def _compared(log: LoggedVersion, trained: Mapping[str, Trained], options: DriftOptions) -> VersionDrift:
    if log.version not in trained:
        return drift.unknown(log)
    try:
        return drift.compare(trained[log.version], log, tell=options.tell, alpha=options.alpha)
    except ValueError as error:
        raise LabError(f"version {log.version}: {error}", hint="--artifact DIR of the version that answered") from None


def _trained(directories: Sequence[Path]) -> dict[str, Trained]:
    """What each version was trained on, by what it calls itself in a log."""
    found: dict[str, Trained] = {}
    for directory in directories:
        try:
            info = artifact_files.read(directory).info
            reference = artifact_files.read_evaluation(directory).reference
        except ArtifactError as error:
            raise LabError(
                f"{directory}: {error}", hint="--artifact DIR, a whole directory that train-model has written"
            ) from None
        if info.version in found and found[info.version].digest != info.sha256:
            raise LabError(
                f"{directory} calls itself version {info.version}, and so does another directory",
                hint="a log names versions only: give one of them, or train with --version",
            )
        missing = [name for name in info.feature_names if name not in reference.features]
        if missing:
            raise LabError(f"{directory}: its reference has nothing on {', '.join(missing)}", hint="train it again")
        found[info.version] = Trained(
            version=info.version,
            digest=info.sha256,
            features={name: np.asarray(reference.features[name].quantiles) for name in info.feature_names},
            predictions=np.asarray(reference.predictions.quantiles),
        )
    return found


def _warnings(log: PredictionLog) -> Iterator[str]:
    if log.damaged:
        lines = "line is" if log.damaged == 1 else "lines are"
        yield f"{log.damaged:,} {lines} damaged, the first: {log.first_fault}"
    if log.unusual:
        yield f"{log.unusual:,} rows are left out: most rows of their version have another number of features"
    if log.left_out:
        yield f"{log.left_out:,} older rows are left out: of each version {prediction_log.MOST_ROWS:,} are read"
