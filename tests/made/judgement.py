"""Results of `lab model judge`, made up."""

import msgspec
from serving_lab.model_judge.result import (
    AccuracyWord,
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
from serving_lab.model_judge.thresholds import Thresholds

VERSION = VersionRecord(
    version="1.0.0",
    digest="5db6" * 16,
    model_type="random_forest",
    dataset="diabetes",
    training_date="2026-01-31",
    size_bytes=684527,
    memory_bytes=78_000_000,
)
REFUSED = JudgementResult(
    started="2026-11-30T06:00:00+00:00",
    seconds=2.0,
    seed=0,
    revision="f9f4912",
    versions={"serving-lab": "0.1.0"},
    warnings=["the versions were made from different data"],
    old=VERSION,
    new=msgspec.structs.replace(VERSION, version="2.0.0"),
    verdict=Verdict.REFUSE,
    criteria=(
        Criterion(name="slices", standing=Verdict.REFUSE, text="where bmi is 30 or more, predictions moved"),
        Criterion(name="size", standing=Verdict.PROMOTE, text="0.653 MiB became 0.653 MiB"),
    ),
    thresholds=Thresholds(),
    feature_names=("bmi",),
    target_deviation=77.0,
    errors=(
        ErrorRecord(
            kind="absolute", rows=89, old=51.8, new=53.0, difference=1.2, low=-5.0, high=7.0, confidence=0.975,
            margin=2.6, word=AccuracyWord.CANNOT_TELL,
        ),
        ErrorRecord(
            kind="squared", rows=0, old=None, new=None, difference=None, low=None, high=None, confidence=0.975,
            margin=None, word=AccuracyWord.CANNOT_TELL,
        ),
    ),
    moves=(
        MoveRecord(
            name="sampled rows", rows=4000, shift=0.1, shift_low=0.09, shift_high=0.11, moved=0.3, ks=0.1, psi=0.1,
            edges=[0.0, 100.0, 200.0, 300.0], old_shares=[0.2, 0.5, 0.3], new_shares=[0.1, 0.5, 0.4],
        ),
    ),
    slices=(
        SliceRecord(
            feature="bmi", at_least=30.0, below=None, rows=800, shift=0.7, low=0.65, high=0.75, held_out_rows=21,
            error=5.6, error_low=-2.0, error_high=13.0,
        ),
        SliceRecord(feature="bmi", at_least=None, below=30.0, rows=99, shift=0.0, low=-0.1, high=0.1, held_out_rows=3),
    ),
    worst_rows=(RowRecord(source="held-out rows", features=[38.3], old=163.0, new=279.0, target=150.0),),
    latency=LatencyRecord(
        rounds=2, calls=20, old_seconds=2e-5, new_seconds=2.2e-5, log_ratios=[0.1, 0.09], ratio=1.1, low=1.0, high=1.2,
        confidence=0.95,
    ),
)  # fmt: skip
"""A planted bias in one slice."""
BROKEN = JudgementResult(
    started="2026-11-30T06:00:00+00:00",
    seconds=0.1,
    seed=0,
    old=VERSION,
    new=None,
    verdict=Verdict.REFUSE,
    criteria=(Criterion(name="artifact", standing=Verdict.REFUSE, text='<script>alert("1")</script>\x1b[2J'),),
    thresholds=Thresholds(),
)
"""The new version cannot be read."""
SAME = msgspec.structs.replace(
    REFUSED,
    verdict=Verdict.PROMOTE,
    moves=(
        MoveRecord(
            name="sampled rows", rows=4000, shift=0.0, shift_low=0.0, shift_high=0.0, moved=0.0, ks=0.0, psi=0.0,
            edges=[149.5, 150.0, 150.5], old_shares=[0.0, 1.0], new_shares=[0.0, 1.0],
        ),
    ),
    slices=(
        SliceRecord(feature="bmi", at_least=30.0, below=None, rows=9, shift=0.0, low=0.0, high=0.0, held_out_rows=0),
    ),
    latency=LatencyRecord(
        rounds=2, calls=20, old_seconds=2e-5, new_seconds=2e-5, log_ratios=[0.0, 0.0], ratio=1.0, low=1.0, high=1.0,
        confidence=0.95,
    ),
)  # fmt: skip
"""The same answers to all rows, so that many lengths on the page are 0."""
