"""A judgement as a person at a terminal reads it."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from serving_lab.model_judge.result import JudgementResult, Verdict, VersionRecord
from serving_lab.model_judge.words import VERDICTS

_COLOURS = {Verdict.PROMOTE: "green", Verdict.ASK: "yellow", Verdict.REFUSE: "red"}
_SHOWN_DIGEST = 12


def print_result(console: Console, result: JudgementResult, files: Sequence[Path] = ()) -> None:
    """Print the verdict with its reasons and every question; `files` are those that say more."""
    title = f"From {_version(result.old)} to {_version(result.new)}"
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("question", "answer"):
        table.add_column(column, no_wrap=True)
    table.add_column("found", overflow="fold")
    for each in result.criteria:
        table.add_row(each.name, Text(each.standing, style=_COLOURS[each.standing]), Text(each.text))
    console.print(table)
    for name, text in [("warning", each) for each in result.warnings] + [("file", str(path)) for path in files]:
        console.print(Text.assemble((f"{name:<10}", "dim"), text), soft_wrap=True)
    word = Text.assemble((result.verdict.capitalize(), f"bold {_COLOURS[result.verdict]}"), f": {_about(result)}.")
    console.print(word, soft_wrap=True)


def _about(result: JudgementResult) -> str:
    about = VERDICTS[result.verdict]
    return about[:1].lower() + about[1:]


def _version(version: VersionRecord | None) -> str:
    return f"{version.version} ({version.digest[:_SHOWN_DIGEST]})" if version else "a version that cannot be read"
