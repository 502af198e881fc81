"""The commands for the life of a model: into the registry, into service, and back."""

from pathlib import Path
from typing import Annotated

import typer

from serving_lab import exit_codes
from serving_lab.commands import model_judge
from serving_lab.commands.console import aside, console

app = typer.Typer()
_group = typer.Typer(
    no_args_is_help=True, help="Push models to the registry, choose the one that serves, and judge it."
)
app.add_typer(_group, name="model")

_Version = Annotated[str, typer.Argument(metavar="VERSION", help="Its number, or an alias of it.")]
_Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
_Wait = Annotated[float, typer.Option(min=0, max=600, help="How long the services may take to serve it, in seconds.")]


@_group.command()
def push(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="What train-model has written.")] = Path("build")
    / "model",
    registry: model_judge.Registry = None,
    json: _Json = False,
) -> None:
    """Check a model as the services will, and store it as the next version; one that is there already stays."""
    from serving_lab.registry import command

    command.push(command.Asked.of(registry), directory, console, as_json=json)


@_group.command("list")
def list_(registry: model_judge.Registry = None, json: _Json = False) -> None:
    """Show all versions with their aliases and figures, and which one each service serves."""
    from serving_lab.registry import command

    command.show(command.Asked.of(registry), console, as_json=json)


@_group.command()
def promote(
    version: _Version,
    judge: Annotated[bool, typer.Option("--judge", help="Only if it is not worse than the one that serves.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Agree beforehand where the judgement asks a person.")] = False,
    thresholds: model_judge.Thresholds = None,
    output: model_judge.Output = Path("results"),
    wait: _Wait = 30,
    registry: model_judge.Registry = None,
    json: _Json = False,
) -> None:
    """Let a version serve, and wait until the services do. Exit code 1: not all of them do, or it is judged worse.

    Exit code 2 of --judge: a person must agree.
    """
    from serving_lab.registry import command

    asked = command.Asked.of(registry)
    if judge:
        from serving_lab.model_judge import promotion

        promotion.require(
            promotion.Promotion(
                registry=asked.registry,
                alias=asked.alias,
                number=asked.number(version),
                thresholds=thresholds,
                output=output,
                yes=yes,
            ),
            aside if json else console,
        )
    done = command.promote(asked, version, wait, console, as_json=json)
    raise typer.Exit(exit_codes.OK if done else exit_codes.FOUND)


@_group.command()
def rollback(wait: _Wait = 30, registry: model_judge.Registry = None, json: _Json = False) -> None:
    """Let the version serve that did so before, and wait until the services do. Exit code 1: not all of them do."""
    from serving_lab.registry import command

    done = command.rollback(command.Asked.of(registry), wait, console, as_json=json)
    raise typer.Exit(exit_codes.OK if done else exit_codes.FOUND)


@_group.command()
def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="A version, or an alias of it.")],
    new: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    registry: model_judge.Registry = None,
    json: _Json = False,
) -> None:
    """Show in what two versions differ: metadata, digests, metrics, parameters, structure."""
    from serving_lab.registry import command

    command.diff(command.Asked.of(registry), old, new, console, as_json=json)


_group.command()(model_judge.judge)
_group.command()(model_judge.drift)
