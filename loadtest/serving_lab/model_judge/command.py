"""`lab model judge`, and the judgement of a promotion: from directories to a verdict, its files and what is printed."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from serving_lab.errors import LabError
from serving_lab.model_judge import page, table, thresholds
from serving_lab.model_judge.judging import judge
from serving_lab.model_judge.result import JudgementResult
from serving_lab.predictions import prediction_log
from serving_lab.predictions.populations import Numbers
from serving_lab.project import Project
from serving_lab.results import files

FILE, PAGE = "judgement.json", "judgement.html"
_MOST_LOGGED = 20_000


@dataclass(frozen=True)
class JudgeOptions:
    """What can be asked for."""

    old: Path
    """Directory of the version that serves."""
    new: Path
    thresholds: Path | None = None
    """A file; None: that of the checkout, or as by default."""
    log: Path | None = None
    """A prediction log whose rows both are asked; None: there is none."""
    seed: int = 0
    output: Path = Path("results")


def judge_and_report(options: JudgeOptions, console: Console) -> JudgementResult:
    """Judge, write the result and its page, print the table.

    Raises:
        LabError: a file is wrong, the old version cannot be asked, or something is not installed.
    """
    limits = thresholds.read(options.thresholds or _own_thresholds())
    logged = _logged(options.log, options.seed) if options.log else None
    result = judge(options.old, options.new, limits, logged=logged, seed=options.seed)
    path, page_path = options.output / FILE, options.output / PAGE
    files.write(path, result, "--output DIR")
    try:
        page_path.write_text(page.render(result), encoding="utf-8")
    except OSError as error:
        raise LabError(f"{page_path}: {error.strerror}", hint="--output DIR") from error
    table.print_result(console, result, [path, page_path])
    return result


def _own_thresholds() -> Path | None:
    """The checkout's file of thresholds; None where there is none."""
    try:
        file = Project.find().root / "loadtest" / thresholds.FILE
    except LabError:
        return None
    return file if file.is_file() else None


def _logged(path: Path, seed: int) -> Numbers:
    """Different rows of all versions of a log, at most so many, drawn at random."""
    versions = prediction_log.read(path).versions.values()
    widths = {each.features for each in versions}
    if len(widths) > 1:
        raise LabError(f"{path}: rows of different versions have different lengths", hint="leave the log out")
    rows = np.unique(np.concatenate([each.rows for each in versions]), axis=0)
    if len(rows) <= _MOST_LOGGED:
        return rows
    return rows[np.random.default_rng(seed).choice(len(rows), _MOST_LOGGED, replace=False)]
