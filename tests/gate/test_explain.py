"""`lab gate --explain`: what is measured again is explained if there is time."""

import io
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console
from serving_lab.api.endpoint import Endpoint
from serving_lab.explain.pairs import expected_seconds
from serving_lab.gate.budget import Budget
from serving_lab.gate.kept import Keeper
from serving_lab.gate.parts import Asked, Parts
from serving_lab.gate.sides import Instance

SIDE = Instance(Endpoint.parse("http://127.0.0.1:1"), ended=lambda: None, stop=lambda: None)


@pytest.mark.parametrize(
    ("asked", "budget", "explains"), [(True, 480.0, True), (True, 100.0, False), (False, 480.0, False)]
)
def test_there_is_an_explanation_if_it_is_asked_for_and_leaves_time_to_measure(
    asked: bool, budget: float, explains: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(Parts, "_run", lambda _, part, words, *_rest: commands.append([part, *words]))
    said = io.StringIO()
    nothing = cast("Keeper", None)  # what would start the command
    what = Asked(tmp_path, tmp_path, tmp_path, (), (), 5.0, "/ready", 0, {}, explain=asked)

    Parts(what, nothing, Console(file=said), Budget(budget), tmp_path).confirm(SIDE, SIDE, ["steady"])

    (words,) = commands
    seconds = int(words[words.index("--budget") + 1].removesuffix("s"))
    assert ("--explain" in words) is explains
    assert seconds + explains * expected_seconds(2) < budget
    assert ("no time is left to explain it" in said.getvalue()) is (asked and not explains)
