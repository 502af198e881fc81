"""The file of thresholds: its defaults are those of the code, and what is wrong in it is told with its place."""

from pathlib import Path

import pytest
from serving_lab.errors import LabError
from serving_lab.model_judge import thresholds
from serving_lab.model_judge.thresholds import Bound, Thresholds
from support.checkout import REPOSITORY


def test_the_labs_file_says_what_holds_without_it() -> None:
    assert thresholds.read(REPOSITORY / "loadtest" / thresholds.FILE) == thresholds.read(None) == Thresholds()


def test_a_file_may_say_one_thing_alone(tmp_path: Path) -> None:
    (tmp_path / "file.yaml").write_text("moves: {psi: {ask: 0.2, refuse: 0.4}}")

    found = thresholds.read(tmp_path / "file.yaml")

    assert found.moves.psi == Bound(0.2, 0.4)
    assert found.moves.shift == Thresholds().moves.shift


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("alpha: 0", "file.yaml:1: alpha: is a probability"),
        ("errors: {absolute: 5}", "errors.absolute: is a share"),
        ("errors: {fewest_rows: 2}", "errors.fewest_rows: is 10 at least"),
        ("moves: {psi: {ask: 0.3, refuse: 0.2}}", "moves.psi: ask is 0 at least, and refuse is not below ask"),
        ("moves: {psi: {ask: .nan, refuse: 0.2}}", "moves.psi"),
        ("moves: {psi: {ask: 0, refuse: 0}}", "moves.psi"),
        ("size: {ask: 0.5, refuse: 2}", "size: ask is 1 at least"),
        ("latency: {ask: 2, refuse: 1}", "latency: ask is 1 at least"),
        ("latency: {calls: 1000000}", "latency.calls: is 100,000 at most"),
        ("moves: {drift: 1}", "moves: unknown key drift"),
        ("moves: {psi: 0.2}", "moves.psi: expected object"),
        ("[1", "is not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "file.yaml").write_text(text)

    with pytest.raises(LabError) as raised:
        thresholds.read(tmp_path / "file.yaml")

    assert complaint in str(raised.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="No such file"):
        thresholds.read(tmp_path / "none.yaml")
