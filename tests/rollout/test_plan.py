"""The file of a rollout's stages."""

from pathlib import Path

import pytest
from serving_lab.errors import LabError
from serving_lab.rollout import plan
from support.checkout import REPOSITORY

DEFAULT = plan.read(None, "old", "new")


def test_the_file_of_the_lab_says_what_holds_without_it() -> None:
    assert plan.read(REPOSITORY / "loadtest" / "rollout.yaml", "old", "new") == DEFAULT


def test_what_a_file_leaves_out_is_as_by_default_and_a_stage_overrides_limits(tmp_path: Path) -> None:
    read = of(
        tmp_path, "candidate: third\nshadow: null\nstages: [{share: 2.5, within: {p99: null}}]\nlimits: {p50: 1.3}"
    )

    (stage,) = read.stages
    assert (read.primary, read.candidate, read.shadow) == ("old", "third", None)
    assert (stage.share, stage.name, stage.within.p50, stage.within.p99) == (250, "2.5%", 1.3, None)
    assert stage.hold == DEFAULT.stages[0].hold


def test_looks_are_fixed_from_a_part_of_the_shortest_hold_to_the_longest() -> None:
    hold = plan.Hold(60, 1800)

    assert hold.looks == tuple(sorted(hold.looks))
    assert (hold.looks[0], hold.looks[2], hold.looks[-1]) == (15, 60, 1800)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stages: []", "stages: there is none"),
        ("stages: [{share: 5}, {share: 5}]", "stages[1].share: is a percentage above the one before"),
        ("stages: [{share: 101}]", "stages[0].share"),
        ("hold: {least: 5, most: 5}", "hold: least is above 0, and most is above least"),
        ("shadow: {requests: 0}", "shadow.requests: is 1 at least"),
        ("stages: [{share: 5, within: {p95: 2}}]", "stages[0].within.p95: is no limit"),
        (
            "limits: {error_points: null, p50: null, p99: null, memory_per_hour: null}\nstages: [{share: 5}]",
            "stages[0]: proves nothing",
        ),
        ("alpha: 2", "alpha: is a probability"),
        ("wait: 5", "unknown key"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(LabError) as told:
        of(tmp_path, text)

    assert said in str(told.value)


def of(directory: Path, text: str) -> plan.RolloutPlan:
    path = directory / "stages.yaml"
    path.write_text(text)
    return plan.read(path, "old", "new")
