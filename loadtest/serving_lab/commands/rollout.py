"""The commands that move traffic over to a candidate."""

from pathlib import Path
from typing import Annotated

import typer

from serving_lab.commands.console import console
from serving_lab.errors import LabError

app = typer.Typer()
_group = typer.Typer(no_args_is_help=True, help="Move traffic over to a candidate in stages; a judge can say no.")
app.add_typer(_group, name="rollout")

_File = Annotated[
    Path | None, typer.Argument(metavar="[FILE]", help="Stages and limits [default: loadtest/rollout.yaml]")
]
_Candidate = Annotated[str | None, typer.Option(help="Who gets the traffic [default: the file's, else the first]")]
_Approve = Annotated[bool, typer.Option("--approve", help="Ask a person before each stage.")]
_Yes = Annotated[
    bool, typer.Option("--yes", help="Approve every stage, and what the judgement of a model leaves to a person.")
]
_Model = Annotated[
    str | None,
    typer.Option(
        metavar="VERSION",
        help="Move users to this version of the model, by number or alias, on a second instance of the primary; "
        "at the end it is promoted.",
    ),
]
_Thresholds = Annotated[
    Path | None, typer.Option(metavar="FILE", help="With --model: how far predictions may move [default: the lab's]")
]
_Wait = Annotated[
    float, typer.Option(min=0, max=600, help="With --model: how long services may take to serve it, in seconds.")
]
_Gateway = Annotated[
    str | None,
    typer.Option(metavar="unix:PATH|tcp:HOST:PORT", help="Runtime socket of a gateway that is not the lab's."),
]
_Service = Annotated[
    list[str] | None, typer.Option(metavar="NAME=URL", help="A service behind that one, the primary first.")
]
_Profile = Annotated[Path | None, typer.Option(help="Parity's profile of the API [default: the lab's own]")]
_Intended = Annotated[
    list[Path] | None, typer.Option(help="Differences that are meant [default: those of the catalogue or profile]")
]
_Output = Annotated[Path, typer.Option(help="Folder of rollout.json, of the page and of the state.")]
_RESULTS = Path("results")


@_group.command(
    "resume",
    help="Go on with a rollout that was killed, from the stage that it was in; name the same file and candidate.",
)
@_group.command(
    "run", help="Begin. Exit code 0: promoted, 1: rolled back, 2: could not tell, so that the share is 0 again."
)
def begin_or_go_on(
    context: typer.Context,
    file: _File = None,
    candidate: _Candidate = None,
    approve: _Approve = False,
    yes: _Yes = False,
    gateway: _Gateway = None,
    service: _Service = None,
    profile: _Profile = None,
    intended: _Intended = None,
    output: _Output = _RESULTS,
    model: _Model = None,
    thresholds: _Thresholds = None,
    wait: _Wait = 60,
) -> None:
    """Run the stages, from the first or from the one in which a rollout was killed."""
    from serving_lab.commands.rollout_options import Asked, options
    from serving_lab.rollout import command

    asked = Asked(file, candidate, gateway, service or (), profile, intended, output, approve, yes)
    if model is not None:
        if gateway or candidate:
            raise LabError("--model is for the lab's own primary", hint="leave --gateway and --candidate out")
        from serving_lab.commands import model_rollout

        wanted = model_rollout.AskedModel(model, thresholds, wait)
        raise typer.Exit(model_rollout.run(asked, wanted, resumed=context.info_name == "resume"))
    raise typer.Exit(command.run(options(asked), console, resumed=context.info_name == "resume"))


@_group.command()
def abort(gateway: _Gateway = None, output: _Output = _RESULTS) -> None:
    """End the rollout that runs or was killed: the candidate gets no requests afterwards."""
    from serving_lab.commands.rollout_options import Lab, control_and_launcher
    from serving_lab.rollout import command

    ended = command.abort(*control_and_launcher(gateway), output, console)
    if gateway is None:
        Lab.that_is_up().put_challenger_away()  # which a rollout of a model that was killed has left
    raise typer.Exit(ended)


@_group.command()
def status(
    gateway: _Gateway = None,
    output: _Output = _RESULTS,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Say how far it is, and what the gateway does right now."""
    from serving_lab.commands.rollout_options import control_and_launcher
    from serving_lab.rollout import command

    raise typer.Exit(command.status(control_and_launcher(gateway)[0], output, console, as_json=json))
