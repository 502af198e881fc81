"""Judges a new version of the model against the old one."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from model_artifact import FEATURES, files
from model_artifact.errors import ArtifactError
from model_artifact.files import Artifact, Evaluation
from model_artifact.trial import try_out

from serving_lab.errors import LabError
from serving_lab.model_judge import accuracy, latency, movement, rows, verdict
from serving_lab.model_judge.movement import Asked
from serving_lab.model_judge.result import (
    Criterion,
    ErrorRecord,
    JudgementResult,
    LatencyRecord,
    MoveRecord,
    RowRecord,
    SliceRecord,
    Verdict,
    VersionRecord,
)
from serving_lab.model_judge.running import ModelRunError, RunningModel, need_runtime
from serving_lab.model_judge.thresholds import Thresholds
from serving_lab.predictions.populations import Numbers
from serving_lab.results.envelope import Metadata

_PACKAGES = ("model-artifact", "onnxruntime", "numpy", "scipy")
_LATENCY_ROWS = 200
_OLD_MUST_WORK = "the old version must be whole and work: a judgement is against what it says"
_FEWEST_LOGGED = 200
"""Rows of a log below which their distribution says little."""


def judge(
    old: Path, new: Path, thresholds: Thresholds | None = None, *, logged: Numbers | None = None, seed: int = 0
) -> JudgementResult:
    """Ask both versions the same rows, each in a process of its own, and say whether the new one may serve.

    Args:
        old: Directory of the version that serves, with its files for judging.
        new: That of the version that is to.
        thresholds: What a change may be; None: as by default.
        logged: Rows that were asked in production, shape (rows, features); None: there are none.
        seed: Of the rows that are drawn, and of the order of what is timed.

    Raises:
        LabError: the old version cannot be read or asked, rows of the log have another length, or what it takes is not
            installed.
    """
    need_runtime()
    if logged is not None and logged.shape[1] != FEATURES:
        raise LabError(f"rows of the log have {logged.shape[1]} features, models have {FEATURES}", hint="leave it out")
    thresholds = thresholds or Thresholds()
    metadata = Metadata.begin(_PACKAGES)
    try:
        before = _Version.read(old)
    except ArtifactError as error:
        raise LabError(f"{old}: {error}", hint=_OLD_MUST_WORK) from None
    after: _Version | None = None
    try:
        after = _Version.read(new)
        try_out(new)
        found = _compare(before, after, thresholds, logged, seed)
    except (ArtifactError, ModelRunError) as error:
        if isinstance(error, ModelRunError) and error.directory == old:
            raise LabError(f"{old}: {error}", hint=_OLD_MUST_WORK) from None
        found = _Found((Criterion(name="artifact", standing=Verdict.REFUSE, text=str(error)),))
    return JudgementResult(
        started=metadata.started,
        seconds=metadata.seconds,
        seed=seed,
        revision=metadata.revision,
        revision_unknown=metadata.revision_unknown,
        machine=metadata.machine,
        versions=metadata.versions,
        old=before.record(found.old_memory),
        new=after.record(found.new_memory) if after else None,
        verdict=verdict.of(found.criteria),
        criteria=tuple(verdict.sorted_by_weight(found.criteria)),
        thresholds=thresholds,
        feature_names=before.names,
        target_deviation=found.scale,
        errors=found.errors,
        moves=found.moves,
        slices=found.slices,
        worst_rows=found.worst_rows,
        latency=found.latency,
        warnings=list(found.warnings),
    )


@dataclass(frozen=True)
class _Version:
    directory: Path
    artifact: Artifact
    evaluation: Evaluation

    @classmethod
    def read(cls, directory: Path) -> "_Version":
        return cls(directory, files.read(directory), files.read_evaluation(directory))

    @property
    def names(self) -> tuple[str, ...]:
        return self.artifact.info.feature_names

    def record(self, memory_bytes: int | None) -> VersionRecord:
        info = self.artifact.info
        return VersionRecord(
            version=info.version,
            digest=info.sha256,
            model_type=info.model_type,
            dataset=info.dataset,
            training_date=info.training_date,
            size_bytes=len(self.artifact.graph),
            memory_bytes=memory_bytes,
        )


@dataclass(frozen=True)
class _Found:
    criteria: tuple[Criterion, ...]
    errors: tuple[ErrorRecord, ...] = ()
    moves: tuple[MoveRecord, ...] = ()
    slices: tuple[SliceRecord, ...] = ()
    worst_rows: tuple[RowRecord, ...] = ()
    latency: LatencyRecord | None = None
    scale: float | None = None
    old_memory: int | None = None
    new_memory: int | None = None
    warnings: tuple[str, ...] = ()


def _compare(before: _Version, after: _Version, limits: Thresholds, logged: Numbers | None, seed: int) -> _Found:
    if after.names != before.names:
        text = f"it takes {', '.join(after.names)}, and the old version {', '.join(before.names)}"
        return _Found((Criterion(name="signature", standing=Verdict.REFUSE, text=text),))
    targeted = rows.held_out_of_both(before.evaluation.held_out, after.evaluation.held_out)
    drawn = rows.sampled(before.evaluation.reference, before.names, limits.moves.sampled_rows, seed)
    with ExitStack() as stack:
        old, new = (stack.enter_context(RunningModel(each.directory)) for each in (before, after))
        held_out = Asked(
            "held-out rows", targeted.rows, old.predict(targeted.rows), new.predict(targeted.rows), targeted.targets
        )
        populations = [Asked("sampled rows", drawn, old.predict(drawn), new.predict(drawn))]
        if logged is not None and len(logged) >= _FEWEST_LOGGED:
            populations.append(Asked("logged rows", logged, old.predict(logged), new.predict(logged)))
        timed = latency.measure(old, new, drawn[:_LATENCY_ROWS], limits.latency, seed=seed, alpha=limits.alpha)
        memory = old.memory_bytes, new.memory_bytes
    scale = float(np.std(before.evaluation.held_out.targets))
    if not scale > 0:
        raise LabError("the targets of the held-out rows are all the same", hint="hold out rows that differ")
    errors = accuracy.errors(held_out.old, held_out.new, targeted.targets, limits.errors, limits.alpha)
    moves = [movement.move(each, scale, limits.alpha) for each in populations]
    slices = movement.slices(populations[0], held_out, before.names, scale, limits.alpha)
    sizes = len(before.artifact.graph), len(after.artifact.graph)
    return _Found(
        criteria=(
            *verdict.of_accuracy(errors, limits.errors.fewest_rows),
            *verdict.of_moves(moves, slices, errors, limits),
            verdict.of_latency(timed, limits),
            verdict.of_size(*sizes, limits),
        ),
        errors=tuple(errors),
        moves=tuple(moves),
        slices=tuple(slices),
        # Not those of a log: they are of people, and a judgement is shown around.
        worst_rows=tuple(movement.worst_rows([held_out, populations[0]])),
        latency=timed,
        scale=scale,
        old_memory=memory[0],
        new_memory=memory[1],
        warnings=tuple(_warnings(before, after, len(targeted.rows), logged)),
    )


def _warnings(before: _Version, after: _Version, shared: int, logged: Numbers | None) -> Iterator[str]:
    own = len(before.evaluation.held_out.rows)
    if shared < own:
        yield f"{own - shared} of {own} held-out rows say nothing: they were not held out from the new version"
    if others := rows.other_targets(before.evaluation.held_out, after.evaluation.held_out):
        yield f"{others} held-out rows have other targets in the new version: those of the old one count"
    if before.artifact.metadata.dataset_sha256 != after.artifact.metadata.dataset_sha256:
        yield "the versions were made from different data"
    if logged is not None and len(logged) < _FEWEST_LOGGED:
        yield f"the log has {len(logged)} different rows; from {_FEWEST_LOGGED} on they are asked too"
