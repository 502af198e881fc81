"""The command that makes a report from result files."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from serving_lab.commands.console import console

app = typer.Typer()


@app.command()
def report(
    results: Annotated[
        Path,
        typer.Option(
            help="Folder of bench.json, footprint.json and parity.json or parity-CANDIDATE.json; one is enough. "
            "About the model, judgement.json, drift.json and model-rollout.json are read too."
        ),
    ] = Path("results"),
    bench: Annotated[Path | None, typer.Option(help="A measurement in another place.")] = None,
    parity: Annotated[
        list[Path] | None, typer.Option(help="A comparison of answers in another place; may be repeated.")
    ] = None,
    footprint: Annotated[Path | None, typer.Option(help="A footprint in another place.")] = None,
    rollout: Annotated[Path | None, typer.Option(help="A rollout in another place than rollout.json there.")] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of report.html and report.md [default: that of the results]")
    ] = None,
) -> None:
    """Make a page and a Markdown document from result files. Exit code 2: there is nothing to read."""
    from serving_lab.report.command import report as write
    from serving_lab.report.inputs import ReportInputs
    from serving_lab.text.phrases import visible

    inputs = ReportInputs.read(results, bench, parity or (), footprint, rollout)
    written = write(inputs, output or results)
    for each in written.recommendations:
        advice = Text(f"{each.word.capitalize()}", style="bold").append(f": {each.why}", style="not bold")
        console.print(Text(f"{visible(inputs.label(each.candidate))}: ").append_text(advice), soft_wrap=True)
    for missing in inputs.missing:
        console.print(Text(f"No {missing.name}: {missing.command} adds {missing.holds}.", style="dim"))
    for path in (written.page, written.document):
        console.print(Text(str(path)), soft_wrap=True)
