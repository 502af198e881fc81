"""The command that says whether a new revision may take the place of the old one."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from serving_lab.commands.console import console
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.base import Mode
from serving_lab.text import durations

app = typer.Typer()


@app.command()
def gate(
    base: Annotated[
        str | None,
        typer.Option(
            metavar="REF", help="In a checkout: the old revision [default: where this branch left the default one]"
        ),
    ] = None,
    service: Annotated[
        list[str] | None, typer.Option(help="In a checkout: a service; may be repeated [default: all that run]")
    ] = None,
    mode: Annotated[
        Mode | None,
        typer.Option(help="In a checkout: how its services run [default: in containers if an engine answers]"),
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="The old revision, which runs: its base URL.")] = None,
    head_url: Annotated[str | None, typer.Option(help="The new one, likewise.")] = None,
    base_command: Annotated[
        str | None, typer.Option(help="The command that starts the old revision; ${port} is where it is to listen.")
    ] = None,
    head_command: Annotated[str | None, typer.Option(help="The new one, likewise.")] = None,
    base_image: Annotated[str | None, typer.Option(help="The image of the old revision.")] = None,
    head_image: Annotated[str | None, typer.Option(help="The new one, likewise.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where the images listen [default: what they say]")
    ] = None,
    env: Annotated[
        list[str] | None, typer.Option(help="NAME of a variable that the containers get, too; may be repeated.")
    ] = None,
    ready_path: Annotated[
        str | None, typer.Option(help="Path that answers 200 when a side is ready [default: the profile's, or /ready]")
    ] = None,
    profile: Annotated[Path | None, typer.Option(help="What is sent to them (docs/guide.md).")] = None,
    part: Annotated[
        list[str] | None, typer.Option(help="contract, parity, footprint or bench; may be repeated [default: all]")
    ] = None,
    intended: Annotated[list[Path] | None, typer.Option(help="Differences that are meant; may be repeated.")] = None,
    scenario: Annotated[list[str] | None, typer.Option(help="Which to measure; may be repeated.")] = None,
    budget: Annotated[str, typer.Option(help="Time for everything together.")] = "8m",
    margin: Annotated[float, typer.Option(min=0.1, max=50, help="Changes up to this percentage count as none.")] = 5.0,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Name the functions that make the difference, before anything fails as slower."),
    ] = False,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(help="As of lab bench [default: slower]; answers that differ always fail."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of requests and the order of arms.")] = 0,
    summary: Annotated[Path | None, typer.Option(help="Write a Markdown summary, as for a job.")] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML: a test for each verdict and cause.")] = None,
    sarif: Annotated[Path | None, typer.Option(help="Write SARIF: an alert for each cause of differences.")] = None,
    source: Annotated[
        str | None, typer.Option(help="The service's code, in which SARIF finds routes: app.py or a folder.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder of gate.json and the results of the parts.")] = Path(
        "results/gate"
    ),
) -> None:
    """Say in one line whether a new revision answers like the old one and is as fast. Exit code 1: it may not pass."""
    from serving_lab.experiment.fail_if import FailIf
    from serving_lab.explain import sampler
    from serving_lab.gate import command, foreign, parts
    from serving_lab.gate.own import Own
    from serving_lab.gate.reports import Reports
    from serving_lab.gate.result import PARTS

    if explain:
        sampler.program()
    if unknown := [each for each in part or () if each not in PARTS]:
        raise LabError(f"there is no part {unknown[0]!r}", hint=f"choose from {', '.join(PARTS)}")
    given = foreign.Given(base_url, base_command, base_image), foreign.Given(head_url, head_command, head_image)
    if any(each.any for each in given):
        if base or service or mode:
            raise LabError("--base, --service and --mode belong to the services of a checkout", hint="leave them out")
        if "contract" in (part or ()):
            raise LabError("only the services of a checkout have a contract here", hint="leave out --part contract")
        work = foreign.work(*given, port, env or ())
        if profile is None:
            raise LabError("what is to be sent to these services?", hint="--profile FILE (docs/guide.md)")
        profiles, environment = (profile, profile, profile), dict(os.environ)
    else:
        project = Project.find(otherwise=foreign.HINT)
        own = Own.of(project, service or (), mode)
        profiles = (project.parity_profile, project.bench_profile, project.footprint_file)
        environment = own.environment
        work = partial(own.work, base, not part or "contract" in part)
    asked = parts.Asked(
        *profiles,
        intended=intended or (),
        scenarios=scenario or (),
        margin=margin,
        ready_path=ready_path or parts.ready_path_of(profiles[-1]),
        seed=seed,
        environment=environment,
        explain=explain,
    )
    options = command.GateOptions(
        asked=asked,
        parts=[each for each in PARTS if not part or each in part],
        budget_seconds=durations.parse(budget, "--budget"),
        fail_if=[FailIf.parse(each) for each in fail_if or ["slower"]],
        output=output,
        reports=Reports(summary, junit, sarif, source),
    )
    raise typer.Exit(command.gate(options, work, console))
