"""The command that measures which service is better."""

import os
from pathlib import Path
from typing import Annotated

import typer

from serving_lab.commands.console import console
from serving_lab.errors import LabError
from serving_lab.project import Project
from serving_lab.stack.choice import Choice
from serving_lab.stack.environment import Settings
from serving_lab.stack.services import running_targets
from serving_lab.text import how_to

app = typer.Typer()


@app.command()
def bench(
    target: Annotated[
        list[str] | None,
        typer.Option(
            help="name=url of a service, or the name of one of the lab's; the baseline first, two at least "
            "[default: those of the lab]"
        ),
    ] = None,
    profile: Annotated[Path | None, typer.Option(help="Requests and scenarios [default: the lab's own]")] = None,
    scenario: Annotated[list[str] | None, typer.Option(help="Which to measure, or all; may be repeated.")] = None,
    budget: Annotated[
        str | None,
        typer.Option(help="Time for all of it; a scenario that is decided gives its own to the others [default: 5m]"),
    ] = None,
    pairs: Annotated[
        int | None, typer.Option(min=3, max=1000, help="Instead of a budget: arms of each target, fixed beforehand.")
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0.5, max=600, help="Length of an arm [default: as P99 needs, 0.6 to 5; with --pairs 5]"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the requests and the order of arms.")] = 0,
    margin: Annotated[
        float | None,
        typer.Option(min=0.1, max=50, help="Changes up to this percentage count as none [default: 5; with --pairs 3]"),
    ] = None,
    generators: Annotated[
        str | None,
        typer.Option(
            "--generators",
            "--processes",
            metavar="N|HOST:PORT,...",
            help="Processes of the generator [default: half of the cores], or where `lab generator` listens",
        ),
    ] = None,
    generator_secret_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What generators elsewhere must know, too.")
    ] = None,
    generator_ca: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The certificate that signed theirs, in PEM format.")
    ] = None,
    process: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=PID: the first process of a target, if it cannot be found by its address, as in a container"
        ),
    ] = None,
    apart: Annotated[
        bool,
        typer.Option(help="Move targets of this machine and the generator to processors of their own meanwhile."),
    ] = False,
    allow_unequal: Annotated[bool, typer.Option(help="Give verdicts although conditions differ.")] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Name the functions that make the difference: extra pairs under py-spy, over a minute a scenario on "
            "top of the budget.",
        ),
    ] = False,
    fail_if: Annotated[
        list[str] | None, typer.Option(help="Such as slower or p99:slower:10%@NAME; exit code 1 if it is met.")
    ] = None,
    output: Annotated[Path, typer.Option(help="File of the result.")] = Path("results/bench.json"),
) -> None:
    """Measure which service is better, by how much, and how sure that is. Exit code 2: that cannot be told."""
    from serving_lab.bench import command
    from serving_lab.bench.design import Design
    from serving_lab.experiment import targets, testbed
    from serving_lab.experiment.fail_if import FailIf
    from serving_lab.generator import remote

    design = Design.asked(budget, pairs, seconds, seed, margin)
    environment = dict(os.environ)
    load_from = remote.chosen(generators, generator_secret_file, generator_ca)
    if target:
        if len(target) < 2:
            raise LabError("two targets at least are needed to compare", hint="--target old=URL --target new=URL")
        if how_to.in_checkout() and not all("=" in each for each in target):
            project = Project.find()
            settings = Settings.load(project)
            running = running_targets(Choice(project, settings, console).required(), settings)
            urls = {service.name: service.url for service in running}
            target = [f"{each}={urls[each]}" if each in urls else each for each in target]
            profile = profile or project.bench_profile
            environment = dict(settings.environment)
        if profile is None:
            raise LabError("what is to be sent to these services?", hint="--profile FILE (docs/guide.md)")
        chosen = [targets.parse(each) for each in target]
        if len({each.name for each in chosen}) < len(chosen):
            raise LabError("two targets have the same name", hint="give each --target a name of its own")
        where = testbed.of_others(targets.with_processes(chosen, process or ()), load_from, apart=apart)
    else:
        project = Project.find(otherwise="--target NAME=URL --target NAME=URL --profile FILE")
        settings = Settings.load(project)
        stack = Choice(project, settings, console).required()
        where = testbed.of_stack(stack, running_targets(stack, settings), settings.catalogue, project.root, load_from)
        profile = profile or project.bench_profile
        environment = dict(settings.environment)
    options = command.BenchOptions(
        profile=profile,
        scenarios=scenario or (),
        design=design,
        allow_unequal=allow_unequal,
        explain=explain,
        fail_if=[FailIf.parse(each) for each in fail_if or ()],
        output=output,
    )
    code = command.bench(where, options, environment, console)
    raise typer.Exit(code)
