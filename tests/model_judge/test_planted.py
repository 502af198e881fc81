"""Planted versions that are worse are refused, honest ones never: `make model-proof` has more of each.

MODEL_PROOF says how many of each are trained, by default one.
"""

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from model_artifact.metadata import ModelKind
from model_training.estimators import Trained, train
from serving_lab.model_judge.judging import judge
from serving_lab.model_judge.result import JudgementResult, Verdict
from serving_lab.model_judge.thresholds import Latency, Thresholds
from support.artifacts import change_metadata, write_model

from model_judge import planted
from model_judge.planted import DOUBTFUL, WORSE

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

TIMES = int(os.environ.get("MODEL_PROOF", "1"))
THRESHOLDS = Thresholds(latency=Latency(rounds=5, calls=20))
"""Nothing here is about latency, so that little time is spent on it."""


@pytest.fixture(scope="module")
def honest() -> Trained:
    return train("random_forest")


def judged(old: Path, new: Path) -> JudgementResult:
    return judge(old, new, THRESHOLDS)


def tell(name: str, results: Sequence[JudgementResult]) -> None:
    """Print what became of them, which `make model-proof` shows."""
    print(f"{name}: {dict(Counter(str(each.verdict) for each in results))}")  # noqa: T201 - that is its purpose


@pytest.mark.parametrize("name", WORSE)
def test_a_version_that_is_worse_is_refused(name: str, honest: Trained, model_dir: Path, tmp_path: Path) -> None:
    results = [
        judged(model_dir, planted.write(tmp_path / str(seed), honest, WORSE[name], seed)) for seed in range(TIMES)
    ]

    tell(name, results)
    for each in results:
        assert each.verdict == Verdict.REFUSE, [one.text for one in each.criteria]
        assert all(reason.text for reason in each.reasons)


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_version_that_is_worse_but_may_be_lucky_is_never_promoted(
    name: str, honest: Trained, model_dir: Path, tmp_path: Path
) -> None:
    results = [
        judged(model_dir, planted.write(tmp_path / str(seed), honest, DOUBTFUL[name], seed)) for seed in range(TIMES)
    ]

    tell(name, results)
    for each in results:
        assert each.verdict != Verdict.PROMOTE, [one.text for one in each.criteria]


@pytest.mark.parametrize("kind", ["random_forest", "gradient_boosting"])
def test_a_version_that_was_trained_again_is_never_refused(kind: ModelKind, model_dir: Path, tmp_path: Path) -> None:
    results = [
        judged(model_dir, write_model(tmp_path / str(seed), kind=kind, version="2.0.0", seed=seed, parameters={}))
        for seed in range(TIMES)
    ]

    tell(kind, results)
    for each in results:
        assert each.verdict != Verdict.REFUSE, [one.text for one in each.reasons]


def test_the_same_trees_in_another_version_are_promoted(model_dir: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(model_dir, again)
    change_metadata(again, version="1.0.1")

    found = judged(model_dir, again)

    assert found.verdict == Verdict.PROMOTE, [one.text for one in found.reasons]
    assert found.new is not None
    assert (found.new.version, found.moves[0].moved, found.errors[0].difference) == ("1.0.1", 0, 0)
