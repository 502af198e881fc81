"""Commands that judge a model: one version against another, and what it is asked against what it was trained on."""

import contextlib
import os
from pathlib import Path
from typing import Annotated

import typer

from serving_lab.commands.console import console
from serving_lab.project import Project

Output = Annotated[Path, typer.Option(help="Folder of the result of a judgement, and of its page.")]
Registry = Annotated[str | None, typer.Option(metavar="URL", help="The registry [default: the lab's own]")]
Thresholds = Annotated[Path | None, typer.Option(metavar="FILE", help="What a change may be [default: the lab's]")]


def judge(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="Directory of the version that serves.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Directory of the version that is to.")],
    thresholds: Thresholds = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ask both the rows of this prediction log, too.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the rows that are drawn.")] = 0,
    output: Output = Path("results"),
) -> None:
    """Ask two versions of the model the same rows. Exit code 0: promote, 1: refuse, 2: a person must decide."""
    from serving_lab.model_judge import command

    asked = command.JudgeOptions(old, new, thresholds, log, seed, output)
    raise typer.Exit(command.judge_and_report(asked, console).exit_code)


def drift(
    log: Annotated[
        Path | None, typer.Argument(metavar="[LOG]", help="A prediction log, - for standard input [default: the lab's]")
    ] = None,
    artifact: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A version that has answered; may be repeated [default: build/model]"),
    ] = None,
    version: Annotated[
        list[str] | None,
        typer.Option(metavar="VERSION", help="One of the registry, by number or alias; may be repeated."),
    ] = None,
    registry: Registry = None,
    tell: Annotated[float, typer.Option(min=0.01, max=1, help="Kolmogorov-Smirnov distance that must be told.")] = 0.2,
    alpha: Annotated[float, typer.Option(min=1e-6, max=0.5, help="Probability of any false finding.")] = 0.05,
    output: Output = Path("results"),
) -> None:
    """Compare logged rows with the training data. Exit code 0: no drift, 1: drift, 2: too few rows to tell."""
    from serving_lab.model_drift import command
    from serving_lab.registry import command as registry_command
    from serving_lab.registry.fetching import fetched
    from serving_lab.stack.environment import Settings

    if log is None:
        project = Project.find(otherwise="LOG and --artifact DIR")
        log = command.setting(Settings.load(project, os.environ).environment.get("PREDICTION_LOG"), project.root)
    directories = list(artifact or ())
    with contextlib.ExitStack() as stack:
        if version:
            asked = registry_command.Asked.of(registry)
            numbers = dict.fromkeys(map(asked.number, version))
            directories += stack.enter_context(fetched(asked.registry, numbers)).values()
        directories = directories or [Project.find(otherwise="--artifact DIR").model_dir]
        options = command.DriftOptions(log, directories, tell, alpha, output)
        raise typer.Exit(command.run(options, console).exit_code)
