"""Commands that read what `lab bench` measured: one result against another, and many over time."""

from pathlib import Path
from typing import Annotated

import typer

from serving_lab import exit_codes
from serving_lab.commands.console import console

app = typer.Typer()

_DEFAULT_HISTORY = Path("results") / "history"


@app.command()
def compare(
    old: Annotated[Path, typer.Argument(metavar="OLD.json", help="A result of lab bench.")],
    new: Annotated[Path, typer.Argument(metavar="NEW.json", help="A later one.")],
    margin: Annotated[float, typer.Option(min=0, max=50, help="What counts as equivalent, in percent.")] = 3,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(metavar="CONDITION", help="Such as slower, or steady/p99:slower:10%; may be repeated."),
    ] = None,
    allow_unequal: Annotated[bool, typer.Option(help="Judge values although conditions differ.")] = False,
    only_ratio: Annotated[bool, typer.Option(help="Leave values out: the machine moves them, too.")] = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the verdicts to this file.")] = None,
) -> None:
    """Judge a result against an earlier one. Exit code 0: done, 1: a --fail-if is met, 2: could not tell."""
    from serving_lab.bench import comparing
    from serving_lab.bench.compare_table import print_compared
    from serving_lab.bench.result import BenchResult
    from serving_lab.experiment.fail_if import FailIf
    from serving_lab.results import files

    conditions = [FailIf.parse(text) for text in fail_if or ()]
    compared = comparing.compare(
        files.read(old, BenchResult),
        files.read(new, BenchResult),
        (str(old), str(new)),
        margin=margin / 100,
        allow_unequal=allow_unequal,
        only_ratio=only_ratio,
    )
    print_compared(console, compared)
    if json:
        files.write(json, compared, "--json FILE")
    judged = compared.without_superseded()
    met = [f"{each.text}: {reason}" for each in conditions for reason in each.met(judged)]
    unanswered = [f"{each.text}: {why}" for each in conditions for why in each.unanswered(judged)]
    for line in met:
        console.print(f"fails: {line}", soft_wrap=True, markup=False)
    for line in unanswered:
        console.print(f"could not tell: {line}", soft_wrap=True, markup=False)
    if met:
        raise typer.Exit(exit_codes.FOUND)
    if unanswered or not compared.concluded:
        raise typer.Exit(exit_codes.CANNOT_TELL)


@app.command()
def history(
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE|DIR]...", help="Results [default: results/history]")
    ] = None,
    target: Annotated[str | None, typer.Option(help="This one alone, or 'CANDIDATE / BASELINE'.")] = None,
    scenario: Annotated[str | None, typer.Option(help="This one alone.")] = None,
    metric: Annotated[str | None, typer.Option(help="This one alone, such as p99.")] = None,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write what was found to this file.")] = None,
) -> None:
    """Find the commits at which a metric moved. Exit code 0: looked, whatever was found; 2: could not."""
    from serving_lab.bench import history as over_time
    from serving_lab.bench.compare_table import print_history
    from serving_lab.results import files

    results = over_time.read(paths or [_DEFAULT_HISTORY])
    found = over_time.history(results, target=target, scenario=scenario, metric=metric)
    print_history(console, found)
    if json:
        files.write(json, found, "--json FILE")
